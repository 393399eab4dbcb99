//! Being the only one who migrates while a migration runs outside a transaction.

use std::fs::File;
use std::time::Duration;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::error::Error;
use crate::location::SqliteFile;
use crate::options::Options;
use crate::patience::Patience;

/// A lock on the directory of the database, held until it is dropped or the process ends.
///
/// Between two statements of a migration that runs outside a transaction SQLite holds no lock. Every run of a
/// program that has such a migration takes this one, which leaves no file behind.
pub(super) struct Solitude {
    _directory: File,
}

impl Solitude {
    pub(super) async fn of(file: &SqliteFile, options: &Options) -> Result<Self, Error> {
        let failed = |reason: String| Error::Connect {
            database: file.path.display().to_string(),
            reason: format!(
                "its directory {} cannot be locked: {reason}",
                file.directory().display()
            ),
        };
        let directory = File::open(file.directory()).map_err(|error| failed(error.to_string()))?;
        let mut patience = Patience::new(options.lock_timeout, &options.observer);
        loop {
            match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    return Ok(Self {
                        _directory: directory,
                    });
                }
                Err(Errno::WOULDBLOCK) => patience.wait(None, Duration::from_millis(50)).await?,
                Err(error) => return Err(failed(error.to_string())),
            }
        }
    }
}
