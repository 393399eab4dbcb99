//! The way to the data: a few readers and, on SQLite, one writer, kept open.
//!
//! A 2xx answer means that the data is on disk. So every write goes through [`Database::begin`] and an
//! explicit commit whose error is the handler's error: in autocommit the ORM's `insert` reads the
//! returned row and loses the error of the commit behind it.

use std::path::Path;
use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode,
    SqlxPostgresConnector, SqlxSqliteConnector, Statement, TransactionOptions, TransactionTrait,
};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::config::DatabaseLocation;

/// How long a request waits for its turn before it is told that the database is busy.
const PATIENCE: Duration = Duration::from_secs(10);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 10;
/// Older releases can corrupt a write-ahead log when two connections restart it at once.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// The open database.
#[derive(Clone, Debug)]
pub struct Database {
    readers: DatabaseConnection,
    writer: DatabaseConnection,
}

impl Database {
    /// Opens a database whose schema is up to date.
    pub async fn open(location: &DatabaseLocation) -> Result<Self, DbErr> {
        match location {
            DatabaseLocation::Sqlite(path) => open_sqlite(path).await,
            DatabaseLocation::Postgres(url) => open_postgres(url).await,
        }
    }

    /// Connections for reading.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.readers
    }

    /// The one connection that writes to a SQLite database.
    pub fn sqlite_writer(&self) -> &sqlx::SqlitePool {
        self.writer.get_sqlite_connection_pool()
    }

    /// Begins a transaction that may write. Dropping it rolls back; only a commit that answered `Ok`
    /// may be acknowledged.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.writer
            .begin_with_options(TransactionOptions {
                // Taking the write lock first is what lets a read inside the transaction be acted on.
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await
    }

    /// Fails unless the database answers.
    pub async fn ping(&self) -> Result<(), DbErr> {
        let backend = self.readers.get_database_backend();
        self.readers
            .query_one_raw(Statement::from_string(backend, "SELECT 1"))
            .await
            .map(|_| ())
    }

    /// Closes every connection; on SQLite this brings the write-ahead log into the file.
    pub async fn close(self) -> Result<(), DbErr> {
        self.readers.close().await?;
        self.writer.close().await
    }
}

async fn open_sqlite(path: &Path) -> Result<Database, DbErr> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        // The volume moves the log into the file, when nobody reads the two.
        .pragma("wal_autocheckpoint", "0")
        .pragma("cell_size_check", "ON")
        .pragma("trusted_schema", "OFF")
        .statement_cache_capacity(100);
    let pool = |connections| {
        // A pool that closes its last connection checkpoints and deletes the log, so none is ever closed.
        SqlitePoolOptions::new()
            .min_connections(connections)
            .max_connections(connections)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .before_acquire(|connection, _| {
                // SQLite may have rolled a transaction back by itself when its COMMIT failed, as on a full disk.
                // SQLx counts it as open then, and what comes next would be a savepoint in a transaction that
                // nobody commits: acknowledged and never stored. Such a connection is replaced.
                let is_clean = !connection.is_in_transaction();
                Box::pin(std::future::ready(Ok(is_clean)))
            })
    };
    let writer = pool(1)
        .connect_with(options.clone())
        .await
        .map_err(connection_error)?;
    let readers = pool(SQLITE_READERS)
        .connect_with(options.pragma("query_only", "ON"))
        .await
        .map_err(connection_error)?;
    // A pool opens what it may have one by one and later; who watches the files takes that for a visitor.
    let mut opened = Vec::new();
    for _ in 0..SQLITE_READERS {
        opened.push(readers.acquire().await.map_err(connection_error)?);
    }
    drop(opened);
    let database = Database {
        readers: SqlxSqliteConnector::from_sqlx_sqlite_pool(readers),
        writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
    };
    check_sqlite_version(&database).await?;
    Ok(database)
}

async fn check_sqlite_version(database: &Database) -> Result<(), DbErr> {
    let backend = database.readers.get_database_backend();
    let row = database
        .readers
        .query_one_raw(Statement::from_string(backend, "SELECT sqlite_version()"))
        .await?;
    let version: String = row
        .map(|row| row.try_get_by_index(0))
        .transpose()?
        .unwrap_or_default();
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) < OLDEST_SQLITE {
        let (major, minor, patch) = OLDEST_SQLITE;
        return Err(DbErr::Custom(format!(
            "SQLite {version} is too old: a write-ahead log is safe from {major}.{minor}.{patch} on"
        )));
    }
    Ok(())
}

async fn open_postgres(url: &str) -> Result<Database, DbErr> {
    let options: PgConnectOptions = url.parse().map_err(connection_error)?;
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .connect_with(options.application_name("medicine-tracker"))
        .await
        .map_err(connection_error)?;
    let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    Ok(Database {
        readers: connection.clone(),
        writer: connection,
    })
}

fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into()))
}
