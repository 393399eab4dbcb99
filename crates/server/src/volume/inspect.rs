//! Looking at the files before anything opens them, and changing nothing.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;
use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnectOptions;

use super::files::{Identity, Written, beside, directory, size};
use super::marker::Marker;
use super::pairing::{Log, Main};
use super::{copies, notice};
use crate::problem::Trouble;

/// A file up to this size is checked in full at every start. Above it the indexes are not compared with their tables,
/// which took a third of the time on a million drugs: the full check reads the search index as well.
const FULL_CHECK_BYTES: u64 = 64 << 20;

/// How the files are.
#[derive(Debug)]
pub struct Finding {
    /// What the log beside the database is.
    pub(super) log: LogState,
    /// Whether the database is not as the service left it.
    pub(super) is_other: bool,
    main: Option<Main>,
    /// What is committed in the log.
    committed: Option<Log>,
}

impl Finding {
    /// The same, with an older file taken for one that only its log makes whole.
    pub(super) fn with_log_if(self, is_so: bool) -> Self {
        let log = match self.log {
            LogState::Overwritten if is_so => LogState::Ours,
            other => other,
        };
        Self { log, ..self }
    }

    /// Whether what will be served holds so many frames of the log of a generation.
    pub(super) fn holds(&self, generation: u32, frames: u64) -> bool {
        let log = self.committed.as_ref();
        let log =
            log.filter(|log| self.log == LogState::Ours && log.generation() == Some(generation));
        match log {
            Some(log) => frames <= log.frames(),
            None => frames == 0 && self.main.is_some_and(|main| main.goes_with(generation)),
        }
    }

    /// Whether a log lies beside the database that must not be replayed over it.
    pub fn is_mixed(&self) -> bool {
        matches!(self.log, LogState::Stale | LogState::Overwritten)
    }
}

/// What a log is to the database beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogState {
    /// There is none, or nothing is in it.
    Empty,
    /// It belongs to it.
    Ours,
    /// It belongs to another.
    Stale,
    /// It belongs to it, but somebody has written an older state of the same time into the file's place.
    Overwritten,
}

/// Looks at the files of a database.
///
/// # Errors
///
/// What keeps the service from serving it: [`Trouble`] with a code that begins with `boot-`.
pub fn inspect(database: &Path) -> Result<Finding, Trouble> {
    let log = beside(database, "-wal");
    if !database.exists() {
        if size(&log) > 0 {
            return Err(notice::missing(database, ""));
        }
        return Ok(Finding {
            log: LogState::Empty,
            is_other: false,
            main: None,
            committed: None,
        });
    }
    let unreadable = |error: io::Error| notice::damaged(database, &error.to_string(), "");
    let main = Main::read(database).map_err(unreadable)?;
    let log_found = Log::read(&log).map_err(unreadable)?;
    let generation = log_found.as_ref().and_then(Log::generation);
    let marker = Marker::read(database, generation);
    let is_other = marker
        .as_ref()
        .is_some_and(|marker| !marker.moving && Some(marker.database) != Written::of(database));
    let log_state = match (main, &log_found) {
        // What is no database at all is left to SQLite's own words.
        (None, _) | (_, None) => LogState::Empty,
        (Some(main), Some(log)) if !log.belongs_to(main) => LogState::Stale,
        (Some(_), Some(_)) => match marker {
            Some(marker)
                if is_other && marker.log.is_some() && marker.log == Identity::of(&log) =>
            {
                LogState::Overwritten
            }
            _ => LogState::Ours,
        },
    };
    Ok(Finding {
        log: log_state,
        is_other,
        main,
        committed: log_found,
    })
}

/// Reads the whole database, with its log, as it is.
///
/// # Errors
///
/// What is wrong with it, in words.
pub async fn check(database: &Path) -> Result<(), String> {
    let has_log = size(&beside(database, "-wal")) > 0;
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(false)
        .disable_statement_logging();
    // Without a log only a connection that may write can clean up what SQLite makes for reading.
    let options = if has_log {
        options.read_only(true)
    } else {
        options.pragma("query_only", "ON")
    };
    let verdict = match ask(options, size(database)).await {
        Ok(verdict) => verdict,
        Err(error) if is_damage(&error) => "it is not whole".to_owned(),
        Err(error) => {
            // No space, no permission: that is told by who opens it for writing.
            tracing::debug!(%error, "the database cannot be checked");
            return Ok(());
        }
    };
    match verdict.lines().next() {
        None => Ok(()),
        Some(wrong) => Err(wrong.to_owned()),
    }
}

/// What is wrong; nothing where all is well.
async fn ask(options: SqliteConnectOptions, size: u64) -> Result<String, sqlx::Error> {
    let mut connection = options.connect().await?;
    let sql = if size > FULL_CHECK_BYTES {
        "PRAGMA quick_check(1)"
    } else {
        "PRAGMA integrity_check(1)"
    };
    let verdict: Result<String, _> = sqlx::query_scalar(sql).fetch_one(&mut connection).await;
    let orphan = sqlx::query("PRAGMA foreign_key_check")
        .fetch_optional(&mut connection)
        .await;
    connection.close().await?;
    Ok(match (verdict?.as_str(), orphan?) {
        ("ok", None) => String::new(),
        ("ok", Some(_)) => "rows point at others that are not there".to_owned(),
        (wrong, _) => wrong.to_owned(),
    })
}

/// Whether SQLite says that the file itself is wrong (<https://www.sqlite.org/rescode.html>).
fn is_damage(error: &sqlx::Error) -> bool {
    const CORRUPT: u32 = 11;
    const NOT_A_DATABASE: u32 = 26;
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    let code: Option<u32> = code.and_then(|code| code.parse().ok());
    matches!(code.map(|code| code & 0xff), Some(CORRUPT | NOT_A_DATABASE))
}

/// Adds to a trouble which good copy there is.
pub async fn with_offer(trouble: Trouble, database: &Path, known: &[String]) -> Trouble {
    if !matches!(
        &*trouble.code,
        "boot-damaged" | "boot-missing" | "boot-newer" | "boot-unknown-revision"
    ) {
        return trouble;
    }
    let offer = copies::offer(database, known).await;
    Trouble {
        detail: format!("{} {offer}", trouble.detail.trim_end()),
        ..trouble
    }
}

/// Whether the service may write where it must.
///
/// # Errors
///
/// `boot-read-only` and `boot-owner`.
pub fn writable(database: &Path) -> Result<(), Trouble> {
    let directory = directory(database);
    let all = Access::READ_OK | Access::WRITE_OK;
    let files: [(PathBuf, Access); 5] = [
        (directory.to_owned(), all | Access::EXEC_OK),
        (database.to_owned(), all),
        (beside(database, "-wal"), all),
        (beside(database, "-shm"), all),
        (beside(database, "-lock"), all),
    ];
    for (path, wanted) in files {
        match access(&path, wanted) {
            Err(Errno::ROFS) => return Err(notice::read_only(database)),
            Err(Errno::ACCESS | Errno::PERM) => return Err(notice::owner(&path)),
            // What is not there is no trouble here; anything else SQLite tells.
            _ => {}
        }
    }
    Ok(())
}
