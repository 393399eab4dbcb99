//! One connection to a SQLite file, and the lock on it.

use std::time::Duration;

use rustix::fs::{Access, access};
use rustix::io::Errno;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, SqlxSqliteConnector, Statement, TransactionOptions,
    TransactionTrait as _,
};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};

use super::busy::{SLICE, is_busy, result_code};
use super::holder::holder;
use crate::error::{Error, reason};
use crate::event::{Event, Observer};
use crate::location::SqliteFile;
use crate::options::Options;
use crate::patience::Patience;

/// How long to pause where SQLite has not waited by itself: trying again at once would only burn the processor.
const PAUSE: Duration = Duration::from_millis(20);

/// A pool of exactly one connection, so that a pragma, a lock and a transaction are all on the same one.
pub(crate) struct Session<'a> {
    connection: DatabaseConnection,
    file: SqliteFile,
    lock_timeout: Duration,
    observer: &'a Observer,
}

impl<'a> Session<'a> {
    /// Opens the file so that it can be read without leaving a trace.
    ///
    /// A log beside it belongs to a running or a killed process: read-only, its pages are used but not moved into the
    /// file. Without one, only a connection that may write can clean up the two files that SQLite makes for
    /// reading; `query_only` keeps it from changing anything.
    pub(crate) async fn open_for_reading(
        file: &SqliteFile,
        options: &'a Options,
    ) -> Result<Self, Error> {
        let has_log = std::fs::metadata(file.companion("-wal")).is_ok_and(|log| log.len() > 0);
        let connect = file.options.clone().create_if_missing(false);
        let connect = if has_log {
            connect.read_only(true)
        } else {
            connect.pragma("query_only", "ON")
        };
        Self::open(file, connect, Duration::from_secs(5), &options.observer).await
    }

    /// Opens the file for a migration; `create` makes it when it is not there.
    pub(super) async fn open_for_writing(
        file: &SqliteFile,
        create: bool,
        options: &'a Options,
    ) -> Result<Self, Error> {
        if !create && !file.path.exists() {
            let reason = "there is no such file".to_owned();
            return Err(Error::Connect {
                database: file.path.display().to_string(),
                reason,
            });
        }
        let connect = file
            .options
            .clone()
            .create_if_missing(create)
            // Inside a transaction this pragma is silently ignored, and with it on, dropping the old table of
            // a rebuild deletes the rows of its children.
            .foreign_keys(false)
            .synchronous(SqliteSynchronous::Full);
        Self::open(file, connect, options.lock_timeout, &options.observer).await
    }

    /// Opens an empty database that is gone with the session, in place of a file that is not there.
    pub(super) async fn in_memory(file: &SqliteFile, options: &'a Options) -> Result<Self, Error> {
        let connect = SqliteConnectOptions::new()
            .in_memory(true)
            .foreign_keys(false);
        Self::open(file, connect, options.lock_timeout, &options.observer).await
    }

    async fn open(
        file: &SqliteFile,
        options: SqliteConnectOptions,
        lock_timeout: Duration,
        observer: &'a Observer,
    ) -> Result<Self, Error> {
        let options = options.busy_timeout(SLICE).disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None);
        let mut patience = Patience::new(lock_timeout, observer);
        loop {
            match pool.clone().connect_with(options.clone()).await {
                Ok(pool) => {
                    let connection = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool);
                    return Ok(Self {
                        connection,
                        file: file.clone(),
                        lock_timeout,
                        observer,
                    });
                }
                Err(error) => {
                    let error = DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into()));
                    if !is_busy(&error) {
                        return Err(explain(file, "Opening the database", error));
                    }
                    patience.wait(holder(file), PAUSE).await?;
                }
            }
        }
    }

    pub(crate) fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    pub(super) fn file(&self) -> &SqliteFile {
        &self.file
    }

    /// Takes the one write lock of the file. What is read afterwards is what will be changed.
    pub(super) async fn lock(&self) -> Result<DatabaseTransaction, Error> {
        let mut patience = Patience::new(self.lock_timeout, self.observer);
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.observer.notify(&Event::Begin);
        loop {
            match self.connection.begin_with_options(immediate).await {
                Ok(transaction) => {
                    self.insist_on_foreign_keys_off(&transaction).await?;
                    return Ok(transaction);
                }
                Err(error) if is_busy(&error) => patience.wait(holder(&self.file), PAUSE).await?,
                Err(error) => return Err(self.explain("BEGIN IMMEDIATE", error)),
            }
        }
    }

    async fn insist_on_foreign_keys_off(
        &self,
        transaction: &DatabaseTransaction,
    ) -> Result<(), Error> {
        let on: Option<i64> = pragma(transaction, "foreign_keys").await?;
        match on {
            Some(0) => Ok(()),
            _ => Err(Error::Refused {
                reason: "Foreign keys could not be switched off on the migration's connection."
                    .to_owned(),
                advice: "Report this: a rebuild would delete the rows of child tables.".to_owned(),
            }),
        }
    }

    pub(super) async fn is_wal(&self, connection: &impl ConnectionTrait) -> Result<bool, Error> {
        let mode: Option<String> = pragma(connection, "journal_mode").await?;
        Ok(mode.as_deref() == Some("wal"))
    }

    /// Switches to a write-ahead log, so that readers do not hold up the COMMIT.
    ///
    /// A file system that has no shared memory keeps its rollback journal, which is as safe.
    /// SQLite does not wait by itself when another connection is in the way of the switch.
    pub(super) async fn enter_wal(&self) -> Result<(), Error> {
        let mut patience = Patience::new(self.lock_timeout, self.observer);
        loop {
            match self
                .connection
                .execute_unprepared("PRAGMA journal_mode = WAL")
                .await
            {
                Ok(_) => return Ok(()),
                Err(error) if is_busy(&error) => patience.wait(holder(&self.file), PAUSE).await?,
                Err(error) => return Err(self.explain("PRAGMA journal_mode", error)),
            }
        }
    }

    pub(crate) fn explain(&self, doing: &'static str, error: DbErr) -> Error {
        explain(&self.file, doing, error)
    }

    pub(crate) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "closing the database");
        }
    }
}

/// Says what an error of SQLite means for the file as a whole.
pub(crate) fn explain(file: &SqliteFile, doing: &'static str, error: DbErr) -> Error {
    const CORRUPT: u32 = 11;
    const CANTOPEN: u32 = 14;
    const READONLY: u32 = 8;
    const NOTADB: u32 = 26;
    let cannot = |reason: String| Error::Connect {
        database: file.path.display().to_string(),
        reason,
    };
    match result_code(&error) {
        Some(NOTADB) => cannot("it is not a SQLite database".to_owned()),
        Some(CORRUPT) => cannot("it is damaged".to_owned()),
        Some(READONLY) => cannot("it may not be written".to_owned()),
        Some(CANTOPEN) if !file.directory().is_dir() => cannot(format!(
            "there is no directory {}",
            file.directory().display()
        )),
        Some(CANTOPEN) if access(&file.path, Access::READ_OK) == Err(Errno::ACCESS) => {
            cannot("permission denied".to_owned())
        }
        // SQLite does not tell a file system that is mounted read-only, or an owner, from any other reason.
        Some(CANTOPEN) if access(file.directory(), Access::WRITE_OK).is_err() => cannot(format!(
            "the directory {} may not be written",
            file.directory().display()
        )),
        Some(CANTOPEN) => cannot(reason(&error)),
        _ => Error::database(doing)(error),
    }
}

async fn pragma<T: sea_orm::TryGetable>(
    connection: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<T>, Error> {
    let doing = "Reading a pragma";
    let statement = Statement::from_string(DbBackend::Sqlite, format!("PRAGMA {name}"));
    let row = connection
        .query_one_raw(statement)
        .await
        .map_err(Error::database(doing))?;
    row.map(|row| row.try_get_by_index(0))
        .transpose()
        .map_err(Error::database(doing))
}
