//! From the files as they are found to files that may be opened.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rustix::fs::{FlockOperation, flock};
use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::files::beside;
use super::inspect::{LogState, check, inspect, with_offer, writable};
use super::marker::holder;
use super::{before, notice};
use crate::problem::Trouble;

/// Files that may be opened, and what was noticed about them.
#[derive(Debug)]
pub struct Prepared {
    /// Keeps any other service away; none while there is no directory.
    pub(super) lock: Option<File>,
    /// A connection that is open before the migrations and until the end: who closes the last one moves the log into
    /// the file, also under a backup that reads the two.
    pub(super) keeper: Option<SqliteConnection>,
    pub(super) notices: Vec<Trouble>,
}

/// Makes sure that the database and the log beside it belong together and are sound, and that nobody else serves them.
///
/// # Errors
///
/// What keeps the service from serving it; nothing was changed then.
pub async fn prepare(
    database: &Path,
    now: DateTime<Utc>,
    known: &[String],
) -> Result<Prepared, Trouble> {
    match prepare_files(database, now).await {
        Ok(prepared) => Ok(prepared),
        Err(trouble) => Err(with_offer(trouble, database, known).await),
    }
}

async fn prepare_files(database: &Path, now: DateTime<Utc>) -> Result<Prepared, Trouble> {
    writable(database)?;
    let lock = lock(database)?;
    let finding = match inspect(database) {
        Ok(finding) => finding,
        Err(trouble) => {
            before::keep(database, None, now).await;
            return Err(trouble);
        }
    };
    let failed = |error: std::io::Error| failed(database, &error);
    // Where the file by itself is not whole, it is the log that makes it so, and it stays.
    let is_older = finding.log == LogState::Overwritten
        && is_whole_alone(database, now).await.map_err(failed)?;
    let finding = finding.with_log_if(!is_older);
    let kept = before::keep(database, Some(&finding), now).await;
    let mut notices = Vec::new();
    match finding.log {
        LogState::Stale => {
            let aside = set_log_aside(database, now).map_err(failed)?;
            notices.push(notice::log_set_aside(database, &aside, kept));
        }
        LogState::Overwritten => {
            set_log_aside(database, now).map_err(failed)?;
            notices.push(notice::restored_over_log(database, kept));
        }
        LogState::Ours | LogState::Empty if finding.is_other || kept.is_some() => {
            notices.push(notice::restored(database, kept));
        }
        LogState::Ours | LogState::Empty => {}
    }
    if super::pairing::Main::read(database).is_ok_and(|main| main.is_some())
        && let Err(reason) = check(database).await
    {
        before::keep(database, None, now).await;
        return Err(notice::damaged(database, &reason, ""));
    }
    Ok(Prepared {
        keeper: None,
        lock,
        notices,
    })
}

impl Prepared {
    /// Opens the connection that stays, once it is known that the database may be written.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub async fn keep(&mut self, database: &Path) -> Result<(), sqlx::Error> {
        if database.exists() {
            self.keeper = Some(connection(database).await?);
        }
        Ok(())
    }

    /// Lets the files go, where the service cannot start.
    pub async fn release(self) {
        if let Some(keeper) = self.keeper
            && let Err(error) = keeper.close().await
        {
            tracing::warn!(%error, "closing the database");
        }
    }
}

/// A connection of the service beside its pools, which moves nothing by itself.
pub(crate) async fn connection(database: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(false)
        .busy_timeout(std::time::Duration::from_secs(10))
        .pragma("wal_autocheckpoint", "0")
        .disable_statement_logging()
        .connect()
        .await
}

/// Takes the database for this process; nothing where its directory is not there.
///
/// The lock is on a file of its own: closing a descriptor of the database would drop SQLite's locks on it, and opening
/// it again and again, as one who waits does, would look like a visitor.
pub(super) fn lock(database: &Path) -> Result<Option<File>, Trouble> {
    let open = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(beside(database, "-lock"));
    let file = match open {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| failed(database, &error))?,
    };
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(notice::in_use(database));
    }
    let noted = file
        .set_len(0)
        .and_then(|()| file.write_all_at(holder().as_bytes(), 0));
    if let Err(error) = noted {
        // Only those who find it in use would like to know.
        tracing::debug!(%error, "noting who serves");
    }
    Ok(Some(file))
}

/// Whether the database is sound without the log beside it.
async fn is_whole_alone(database: &Path, now: DateTime<Utc>) -> std::io::Result<bool> {
    let room = quarantine(database, now)?;
    let alone = room.join(database.file_name().unwrap_or_default());
    fs::copy(database, &alone)?;
    let is_whole = check(&alone).await.is_ok();
    fs::remove_dir_all(room)?;
    Ok(is_whole)
}

/// Moves the log, and the index that SQLite made of it, out of SQLite's sight.
fn set_log_aside(database: &Path, now: DateTime<Utc>) -> std::io::Result<PathBuf> {
    let room = quarantine(database, now)?;
    let mut aside = room.clone();
    for suffix in ["-wal", "-shm"] {
        let from = beside(database, suffix);
        if from.exists() {
            let to = room.join(from.file_name().unwrap_or_default());
            fs::rename(&from, &to)?;
            if suffix == "-wal" {
                aside = to;
            }
        }
    }
    File::open(&room)?.sync_all()?;
    File::open(super::files::directory(database))?.sync_all()?;
    Ok(aside)
}

/// A new directory for what is moved aside; nothing in it is ever deleted by the service.
pub(crate) fn quarantine(database: &Path, now: DateTime<Utc>) -> std::io::Result<PathBuf> {
    let all = database.with_file_name("quarantine");
    fs::create_dir_all(&all)?;
    let stamp = now.format("%Y%m%dT%H%M%SZ");
    for number in 1.. {
        let room = all.join(match number {
            1 => stamp.to_string(),
            _ => format!("{stamp}-{number}"),
        });
        match fs::create_dir(&room) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            other => return other.map(|()| room),
        }
    }
    unreachable!("one of the numbers is free")
}

fn failed(database: &Path, error: &std::io::Error) -> Trouble {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return Trouble::of_full_storage();
    }
    notice::damaged(database, &error.to_string(), "")
}
