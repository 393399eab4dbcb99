//! How carefully, and how patiently, a command runs.

use std::path::PathBuf;
use std::time::Duration;

use crate::event::Observer;

/// What a caller may choose about an upgrade or a downgrade; the default suits a service at boot.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long to wait for another process that migrates or writes; one minute unless set.
    pub lock_timeout: Duration,
    /// Where to put a verified copy of a SQLite database that holds data, before it is changed.
    /// `None`, the default, takes none; a PostgreSQL database is never copied.
    pub snapshot_dir: Option<PathBuf>,
    /// Bytes that must stay free beside twice the size of the database when a snapshot is wanted; 64 MiB
    /// unless set.
    pub spare_bytes: u64,
    /// How many snapshots of one database stay in that directory, the newest; five unless set.
    pub keep_snapshots: usize,
    /// Which migrations share a transaction.
    pub transactions: Transactions,
    /// Applies also those pending migrations that sort before one already applied.
    pub out_of_order: bool,
    /// Lets a migration lose what is in a table or a column that it drops; otherwise it is refused, with the number of
    /// rows.
    pub allow_data_loss: bool,
    /// Runs everything, tells each statement to the observer, and rolls back instead of committing.
    ///
    /// Needs Tokio's multi-threaded runtime.
    pub dry_run: bool,
    /// Who is told what happens while it happens; nobody unless set.
    pub observer: Observer,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lock_timeout: Duration::from_mins(1),
            snapshot_dir: None,
            spare_bytes: 64 * 1024 * 1024,
            transactions: Transactions::One,
            out_of_order: false,
            keep_snapshots: 5,
            allow_data_loss: false,
            dry_run: false,
            observer: Observer::default(),
        }
    }
}

/// Which migrations share a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transactions {
    /// All of a command, with their version rows: it happens as a whole or not at all.
    ///
    /// On PostgreSQL a value added to an enum cannot be used before it is committed. Where a migration
    /// does that, the whole is rolled back and run again as if [`PerMigration`](Self::PerMigration) had been chosen.
    #[default]
    One,
    /// One for each migration with its version row.
    PerMigration,
}
