//! What has failed in a database, as far as a caller can be told.

use sea_orm::{DbErr, RuntimeErr};

/// The failures of a database that a caller can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DatabaseFailure {
    Full,
    ReadOnly,
    Busy,
    Unreachable,
    Other,
}

impl DatabaseFailure {
    /// Goes by the driver's codes, never by its text.
    pub(super) fn of(error: &DbErr) -> Self {
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
            return match code.as_ref() {
                "53100" => Self::Full,
                "25006" => Self::ReadOnly,
                "55P03" | "40001" | "40P01" | "57014" => Self::Busy,
                _ if code.starts_with("08") || code.starts_with("57P") || code == "53300" => {
                    Self::Unreachable
                }
                _ => Self::Other,
            };
        }
        // SQLite's primary code is the low byte of the extended one (sqlite.org/rescode.html).
        let code: u32 = code.parse().unwrap_or_default();
        match code & 0xff {
            13 => Self::Full,
            10 if matches!(code, SQLITE_IOERR_SHMSIZE | SQLITE_IOERR_SHMMAP) => Self::Full,
            8 => Self::ReadOnly,
            5 | 6 => Self::Busy,
            10 | 14 => Self::Unreachable,
            _ => Self::Other,
        }
    }
}

/// The shared-memory file beside the database could not be made: there is no room for its 32 KiB.
const SQLITE_IOERR_SHMSIZE: u32 = 4874;
const SQLITE_IOERR_SHMMAP: u32 = 5386;
