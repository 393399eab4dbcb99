//! One connection to a SQLite file, and the lock on it.

use std::time::Duration;

use rustix::fs::{Access, access};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, SqlxSqliteConnector, Statement, TransactionOptions,
    TransactionTrait as _,
};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};

use super::busy::{Patience, SLICE, is_busy, result_code};
use super::holder::holder;
use crate::error::{Error, reason};
use crate::location::SqliteFile;

/// A pool of exactly one connection, so that a pragma, a lock and a transaction are all on the same one.
pub(super) struct Session {
    connection: DatabaseConnection,
    file: SqliteFile,
    lock_timeout: Duration,
}

impl Session {
    /// Opens the file so that it can be read without leaving a trace.
    ///
    /// A log beside it belongs to a running or a killed process: read-only, its pages are used but not moved into the
    /// file. Without one, only a connection that may write can clean up the two files that SQLite makes for
    /// reading; `query_only` keeps it from changing anything.
    pub(super) async fn open_for_reading(file: &SqliteFile) -> Result<Self, Error> {
        let has_log = std::fs::metadata(file.companion("-wal")).is_ok_and(|log| log.len() > 0);
        let options = file.options.clone().create_if_missing(false);
        let options = if has_log {
            options.read_only(true)
        } else {
            options.pragma("query_only", "ON")
        };
        Self::open(file, options, Duration::from_secs(5)).await
    }

    /// Opens the file for a migration; `create` makes it when it is not there.
    pub(super) async fn open_for_writing(
        file: &SqliteFile,
        create: bool,
        lock_timeout: Duration,
    ) -> Result<Self, Error> {
        if !create && !file.path.exists() {
            let reason = "there is no such file".to_owned();
            return Err(Error::Connect {
                database: file.path.display().to_string(),
                reason,
            });
        }
        let options = file
            .options
            .clone()
            .create_if_missing(create)
            // Inside a transaction this pragma is silently ignored, and with it on, dropping the old table of
            // a rebuild deletes the rows of its children.
            .foreign_keys(false)
            .synchronous(SqliteSynchronous::Full);
        Self::open(file, options, lock_timeout).await
    }

    async fn open(
        file: &SqliteFile,
        options: SqliteConnectOptions,
        lock_timeout: Duration,
    ) -> Result<Self, Error> {
        let options = options.busy_timeout(SLICE).disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None);
        let patience = Patience::new(lock_timeout);
        loop {
            match pool.clone().connect_with(options.clone()).await {
                Ok(pool) => {
                    let connection = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool);
                    return Ok(Self {
                        connection,
                        file: file.clone(),
                        lock_timeout,
                    });
                }
                Err(error) => {
                    let error = DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into()));
                    if !is_busy(&error) {
                        return Err(explain(file, "Opening the database", error));
                    }
                    wait(&patience, file).await?;
                }
            }
        }
    }

    pub(super) fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    pub(super) fn file(&self) -> &SqliteFile {
        &self.file
    }

    /// Takes the one write lock of the file. What is read afterwards is what will be changed.
    pub(super) async fn lock(&self) -> Result<DatabaseTransaction, Error> {
        let patience = Patience::new(self.lock_timeout);
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        loop {
            match self.connection.begin_with_options(immediate).await {
                Ok(transaction) => {
                    self.insist_on_foreign_keys_off(&transaction).await?;
                    return Ok(transaction);
                }
                Err(error) if is_busy(&error) => wait(&patience, &self.file).await?,
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
        let patience = Patience::new(self.lock_timeout);
        loop {
            match self
                .connection
                .execute_unprepared("PRAGMA journal_mode = WAL")
                .await
            {
                Ok(_) => return Ok(()),
                Err(error) if is_busy(&error) => wait(&patience, &self.file).await?,
                Err(error) => return Err(self.explain("PRAGMA journal_mode", error)),
            }
        }
    }

    pub(super) fn explain(&self, doing: &'static str, error: DbErr) -> Error {
        explain(&self.file, doing, error)
    }

    pub(super) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "closing the database");
        }
    }
}

/// Says what an error of SQLite means for the file as a whole.
pub(super) fn explain(file: &SqliteFile, doing: &'static str, error: DbErr) -> Error {
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
        // SQLite does not tell a file system that is mounted read-only, or an owner, from any other reason.
        Some(CANTOPEN) if access(file.directory(), Access::WRITE_OK).is_err() => cannot(format!(
            "the directory {} may not be written",
            file.directory().display()
        )),
        Some(CANTOPEN) => cannot(reason(&error)),
        _ => Error::database(doing)(error),
    }
}

async fn wait(patience: &Patience, file: &SqliteFile) -> Result<(), Error> {
    let holder = holder(file);
    if patience.is_over() {
        return Err(Error::Locked {
            holder,
            waited: patience.waited(),
        });
    }
    tracing::info!(holder, "waiting for the database");
    // Where SQLite has not waited by itself, trying again at once would only burn the processor.
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(())
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
