//! What a running command tells while it runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::report::{Direction, Step};

/// Something that is about to happen to the database, or that just has.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Somebody else holds the lock; told when waiting begins and then every ten seconds.
    Waiting {
        /// Who, where that can be seen.
        holder: Option<&'a str>,
        /// For how long it has been waited for.
        waited: Duration,
    },
    /// A transaction is about to begin.
    Begin,
    /// The version table is about to be created, where it is not there.
    Install,
    /// A migration is about to run.
    Starting {
        /// Its name.
        migration: &'a str,
        /// Which way.
        direction: Direction,
        /// Its place among those that this command runs, from 1.
        position: usize,
        /// How many those are.
        total: usize,
    },
    /// The migration that is running was rolled back and begins again: it dropped what turned out to hold nothing.
    Again,
    /// One statement of a migration has run; told in a dry run only.
    Statement {
        /// The statement with its values in it.
        sql: &'a str,
        /// Rows that it changed, or found; nothing for a statement that is not about rows.
        rows: Option<u64>,
        /// How long it took.
        elapsed: Duration,
    },
    /// A table is being copied into a new one; told now and then where that takes long.
    Copying {
        /// The table.
        table: &'a str,
        /// Rows that are copied.
        done: u64,
        /// Rows in all.
        rows: u64,
    },
    /// The version row of a migration is about to be written, or removed.
    Record {
        /// Its name.
        migration: &'a str,
    },
    /// The checksum and the fingerprint that belong to a migration are about to be written.
    Remember {
        /// Its name.
        migration: &'a str,
    },
    /// A migration is through; only [`Committed`](Self::Committed) makes it last.
    Done(&'a Step),
    /// A transaction is about to be committed.
    Commit,
    /// A transaction is committed.
    Committed,
}

/// Who is told: a progress line, or a test that ends the process at a chosen moment.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<Tell>>);

type Tell = dyn Fn(&Event<'_>) + Send + Sync;

impl Observer {
    /// Calls `tell` for every event, on the thread that runs the command.
    pub fn new(tell: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    pub(crate) fn notify(&self, event: &Event<'_>) {
        if let Some(tell) = &self.0 {
            tell(event);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Observer" } else { "none" })
    }
}
