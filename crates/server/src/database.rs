//! The way to the data: [`Database::read`] for a look at one moment, [`Database::write`] for a change that is on disk
//! when it is answered.
//!
//! Statements are the ORM's on both databases. PostgreSQL runs them through its pool. SQLite runs them where they are
//! asked for: a reader is a connection of its own that never waits for the writer, and every change passes through the
//! one connection that writes ([`writer`]), on which what waits is committed together.

pub mod failure;
mod query;
mod readers;
pub mod record;
mod session;
mod sqlite;
mod text;
mod value;
mod writer;

use std::pin::Pin;
use std::time::Duration;

use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlxPostgresConnector,
    Statement, TransactionTrait as _,
};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

pub use self::failure::Error;
pub use self::query::Query;
pub use self::readers::Reading;
pub use self::session::Session;
pub use self::sqlite::Sqlite;
pub use self::text::Keyed;
use crate::config::DatabaseLocation;

/// How long a request waits for its turn before it is told that the database is busy.
const PATIENCE: Duration = Duration::from_secs(10);
const POSTGRES_CONNECTIONS: u32 = 10;

/// The open database.
#[derive(Clone, Debug)]
pub enum Database {
    Sqlite(Sqlite),
    Postgres(DatabaseConnection),
}

/// What is done in a transaction, as it is written for [`Database::write`].
pub type Work<'s, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 's>>;

impl Database {
    /// Opens a database whose schema is up to date.
    pub async fn open(location: &DatabaseLocation) -> Result<Self, Error> {
        Ok(match location {
            DatabaseLocation::Sqlite(path) => Self::Sqlite(Sqlite::open(path)?),
            DatabaseLocation::Postgres(url) => Self::Postgres(open_postgres(url).await?),
        })
    }

    /// A look at the data; on SQLite all of it at one moment.
    pub async fn read(&self) -> Result<Reading, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read().await,
            Self::Postgres(pool) => Ok(Reading::of_pool(pool.clone())),
        }
    }

    /// A session for one question, which SQLite answers from one moment without being told.
    pub async fn glance(&self) -> Result<Reading, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.glance().await,
            Self::Postgres(pool) => Ok(Reading::of_pool(pool.clone())),
        }
    }

    /// Does `work` in a transaction that may write, and answers once it is on disk. An error undoes all of it.
    ///
    /// The work waits for nothing but its session: on SQLite others are committed with it.
    ///
    /// # Errors
    /// The work's own, or why it could not be committed; nothing of it was changed then.
    pub async fn write<T, E, W>(&self, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        W: for<'s> FnOnce(&'s mut Session) -> Work<'s, T, E> + Send + 'static,
    {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(work).await,
            Self::Postgres(pool) => {
                let transaction = pool.begin().await.map_err(Error::from)?;
                let mut session = Session::of_transaction(transaction);
                // Dropping the session rolls back.
                let answer = work(&mut session).await?;
                session.commit().await?;
                Ok(answer)
            }
        }
    }

    /// Names the state of the data: it is another one after every change, by whomever. What is read later is of this
    /// state or a newer one.
    pub async fn state(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.state(),
            Self::Postgres(pool) => {
                // Two statements with one snapshot see the same rows, for as long as the server runs.
                let sql = "SELECT concat_ws(' ', current_database(), pg_postmaster_start_time(), pg_current_snapshot())";
                let row = pool
                    .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
                    .await?;
                let row = row.ok_or_else(|| DbErr::RecordNotFound("a snapshot".into()))?;
                let state: String = row.try_get_by_index(0)?;
                Ok(state.into_bytes())
            }
        }
    }

    /// Fails unless the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        self.glance().await?.ping().await
    }

    /// Closes every connection; on SQLite this brings what is left of the write-ahead log into the file.
    pub async fn close(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(pool) => Ok(pool.close_by_ref().await?),
        }
    }
}

async fn open_postgres(url: &str) -> Result<DatabaseConnection, Error> {
    let connection = |error: sqlx::Error| DbErr::Conn(RuntimeErr::SqlxError(error.into()));
    let options: PgConnectOptions = url.parse().map_err(connection)?;
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .connect_with(options.application_name("medicine-tracker"))
        .await
        .map_err(connection)?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}
