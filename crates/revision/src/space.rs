//! Free space, looked at before a copy is begun.

use std::path::Path;

use crate::error::Error;

/// Refuses when fewer than `needed` bytes are free where `directory` is.
pub(crate) fn require(directory: &Path, needed: u64) -> Result<(), Error> {
    let Ok(disk) = rustix::fs::statvfs(directory) else {
        // A file system that does not tell is not a reason to stop: a full disk fails safely.
        return Ok(());
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < needed {
        return Err(Error::NoSpace {
            path: directory.to_owned(),
            free,
            needed,
        });
    }
    Ok(())
}
