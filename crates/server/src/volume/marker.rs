//! What the service notes of its files, so that it knows at the next start whether somebody has put others there.
//!
//! The generations in the files themselves ([`pairing`](super::pairing)) keep a database from being mixed with a log
//! that is not its own. This note is for the one case that they cannot tell: an older copy of the file from the time
//! of the same log, written into the file's own place. The log would undo that restore, in one piece but silently.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{Identity, Written, beside, directory};

const SUFFIX: &str = "-run-";

/// The note. It bears the generation of its log in its name, as `medicine.db-run-1a2b3c4d`: an archive may bring back
/// an older one, but does not write over this one.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Marker {
    /// Of the log that it is about; none once the service has put its log away.
    pub(super) generation: Option<u32>,
    /// The database as the service left it when that log began.
    pub(super) database: Written,
    pub(super) log: Option<Identity>,
    /// Whether the service was about to move the log into the file, which writes it.
    pub(super) moving: bool,
    /// Whether the last commit of the log was not acknowledged, because the file was seen to be another then.
    #[serde(default)]
    pub(super) disowned: bool,
}

impl Marker {
    /// The note on the log of a generation, or on a file without one; nothing where there is none.
    pub(super) fn read(database: &Path, generation: Option<u32>) -> Option<Self> {
        let text = fs::read(path(database, generation)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Writes the note as a whole, and brings it to the disk. The directory is open already: opening it would look like
    /// a visitor.
    pub(super) fn write(&self, database: &Path, directory: &File) -> io::Result<()> {
        let unfinished = beside(database, "-run.tmp");
        let mut file = File::create(&unfinished)?;
        file.write_all(&serde_json::to_vec(self).expect("a note is plain JSON"))?;
        file.sync_all()?;
        fs::rename(&unfinished, path(database, self.generation))?;
        directory.sync_all()
    }
}

/// Removes the note on a log that has been put away.
pub(super) fn forget(database: &Path, generation: Option<u32>) {
    if let Err(error) = fs::remove_file(path(database, generation))
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "removing an old note");
    }
}

/// Removes every note: those of killed runs, and what archives have brought.
pub(super) fn forget_all(database: &Path) -> io::Result<()> {
    let name = database.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!("{name}{SUFFIX}");
    for entry in fs::read_dir(directory(database))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn path(database: &Path, generation: Option<u32>) -> PathBuf {
    let name = generation.map_or_else(|| "closed".to_owned(), |number| format!("{number:08x}"));
    beside(database, &format!("{SUFFIX}{name}"))
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
