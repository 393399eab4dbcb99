//! What has failed in a database, as far as a caller can be told.

use std::sync::Arc;

use rusqlite::ffi;
use sea_orm::{DbErr, RuntimeErr};

use crate::problem::Trouble;

/// Why a statement was not run, or a change not kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Orm(Arc<DbErr>),
    #[error("{0}")]
    Sqlite(Arc<rusqlite::Error>),
    /// What was committed is in files that others have taken the place of.
    #[error(transparent)]
    Replaced(Trouble),
    #[error("the database was busy for too long")]
    Busy,
    #[error("the database is closed")]
    Closed,
    #[error("the thread that writes cannot be started: {0}")]
    NoThread(Arc<std::io::Error>),
    #[error("SQLite {0} is too old: a write-ahead log is safe from 3.51.3 on")]
    OldSqlite(&'static str),
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::Orm(Arc::new(error))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::NoThread(Arc::new(error))
    }
}

impl Error {
    /// What SQLite has said in a number alone.
    pub(super) fn of_code(code: Option<ffi::Error>) -> Self {
        let code = code.unwrap_or_else(|| ffi::Error::new(ffi::SQLITE_ABORT_ROLLBACK));
        rusqlite::Error::SqliteFailure(code, None).into()
    }
}

/// The failures of a database that a caller can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    Full,
    ReadOnly,
    Busy,
    Unreachable,
    Other,
}

impl Failure {
    /// Goes by the codes, never by a text.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::Orm(error) => Self::of_orm(error),
            Error::Sqlite(error) => error
                .sqlite_error()
                .map_or(Self::Other, |error| Self::of_sqlite(error.extended_code)),
            Error::Busy => Self::Busy,
            Error::Replaced(_) | Error::Closed | Error::NoThread(_) => Self::Unreachable,
            Error::OldSqlite(_) => Self::Other,
        }
    }

    /// The failure behind what the ORM reports.
    pub fn of_orm(error: &DbErr) -> Self {
        let sqlx = match error {
            DbErr::ConnectionAcquire(_) => return Self::Busy,
            DbErr::Conn(RuntimeErr::SqlxError(sqlx))
            | DbErr::Exec(RuntimeErr::SqlxError(sqlx))
            | DbErr::Query(RuntimeErr::SqlxError(sqlx)) => sqlx.as_ref(),
            _ => return Self::Other,
        };
        let database = match sqlx {
            sqlx::Error::Database(database) => database,
            sqlx::Error::PoolTimedOut => return Self::Busy,
            sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                return Self::Unreachable;
            }
            _ => return Self::Other,
        };
        let code = database.code().unwrap_or_default();
        if database
            .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
            .is_some()
        {
            return Self::of_postgres(&code);
        }
        Self::of_sqlite(code.parse().unwrap_or_default())
    }

    /// By the SQLSTATE (PostgreSQL, appendix A).
    fn of_postgres(code: &str) -> Self {
        match code {
            "53100" => Self::Full,
            "25006" => Self::ReadOnly,
            "55P03" | "40001" | "40P01" | "57014" => Self::Busy,
            _ if code.starts_with("08") || code.starts_with("57P") || code == "53300" => {
                Self::Unreachable
            }
            _ => Self::Other,
        }
    }

    /// By the extended result code, whose low byte is the primary one (sqlite.org/rescode.html).
    fn of_sqlite(code: i32) -> Self {
        match code & 0xff {
            ffi::SQLITE_FULL => Self::Full,
            // The shared-memory file beside the database could not be made: there is no room for its 32 KiB.
            ffi::SQLITE_IOERR
                if matches!(code, ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_SHMMAP) =>
            {
                Self::Full
            }
            ffi::SQLITE_READONLY => Self::ReadOnly,
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => Self::Busy,
            ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN => Self::Unreachable,
            _ => Self::Other,
        }
    }
}
