//! What the service notes of its files, so that it knows at the next start whether somebody has put others there.
//!
//! The generations in the files themselves ([`pairing`](super::pairing)) keep a database from being mixed with a log
//! that is not its own. This note is for the one case that they cannot tell: an older copy of the file from the time
//! of the same log, written into the file's own place. The log would undo that restore, in one piece but silently.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files::{Identity, Written, beside};

const SUFFIX: &str = "-run";

/// The note, at `medicine.db-run`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Marker {
    /// Of the log that it is about; none once the service has put its log away.
    pub(super) generation: Option<u32>,
    /// The database as the service left it when that log began.
    pub(super) database: Written,
    pub(super) log: Option<Identity>,
    /// Whether the service was about to move the log into the file, which writes it.
    pub(super) moving: bool,
    /// Who runs the service, for those who find it in use.
    pub(super) holder: String,
}

impl Marker {
    /// Nothing where there is none, or it cannot be understood.
    pub(super) fn read(database: &Path) -> Option<Self> {
        let text = fs::read(beside(database, SUFFIX)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Replaces the note as a whole, and brings it to the disk. The directory is open already: opening it would look
    /// like a visitor.
    pub(super) fn write(&self, database: &Path, directory: &File) -> io::Result<()> {
        let path = beside(database, SUFFIX);
        let unfinished = beside(database, "-run.tmp");
        let mut file = File::create(&unfinished)?;
        file.write_all(&serde_json::to_vec(self).expect("a note is plain JSON"))?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        directory.sync_all()
    }
}

/// This process, for others.
pub(super) fn holder() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!(
        "process {} on {}, version {}",
        std::process::id(),
        host.trim(),
        env!("CARGO_PKG_VERSION")
    )
}
