//! One connection to a PostgreSQL database, and the advisory lock on it.

use std::time::{Duration, Instant};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, SqlxPostgresConnector,
    Statement,
};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::error::{Error, reason};
use crate::location::describe;
use crate::options::Options;

/// The first half of the lock's key: `revi`. The second is a hash of the database and the schema.
const LOCK_CLASS: i32 = i32::from_be_bytes(*b"revi");

/// How long to wait for a server that does not answer at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A pool of exactly one connection, so that the lock and the transactions are on the same one.
pub(super) struct Session {
    connection: DatabaseConnection,
    /// The server process of that connection: a pool replaces a broken connection silently, and the lock with it.
    backend: i32,
}

impl Session {
    pub(super) async fn open(at: &PgConnectOptions, options: &Options) -> Result<Self, Error> {
        let refuse = |reason: String| Error::Connect {
            database: describe(at),
            reason,
        };
        let at = at.clone().disable_statement_logging();
        // A pool hides why it could not connect behind a timeout: the first connection is made without one.
        let probe = tokio::time::timeout(CONNECT_TIMEOUT, at.connect()).await;
        let probe = probe.map_err(|_| refuse("the server does not answer".to_owned()))?;
        let probe = probe.map_err(|error| {
            refuse(reason(&DbErr::Conn(sea_orm::RuntimeErr::SqlxError(
                error.into(),
            ))))
        })?;
        let closed = probe.close().await;
        closed.map_err(|error| refuse(error.to_string()))?;

        let pool = PgPoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None);
        let pool = pool.acquire_timeout(CONNECT_TIMEOUT).connect_with(at).await;
        let pool = pool.map_err(|error| refuse(error.to_string()))?;
        let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
        let mut session = Self {
            connection,
            backend: 0,
        };
        session
            .prepare(options)
            .await
            .map_err(Error::database("Preparing the connection"))?;
        Ok(session)
    }

    async fn prepare(&mut self, options: &Options) -> Result<(), DbErr> {
        // An ALTER that waits for a reader stands in front of every other reader: it may not wait for ever.
        let timeout = options.lock_timeout.as_millis();
        let settings = format!(
            "SET lock_timeout = {timeout}; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"
        );
        self.connection.execute_unprepared(&settings).await?;
        self.backend = self.backend_pid().await?;
        Ok(())
    }

    pub(super) fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// Takes the lock of this database and schema; it is held until the session is closed.
    pub(super) async fn lock(&self, limit: Duration) -> Result<(), Error> {
        let doing = "Taking the lock";
        let since = Instant::now();
        loop {
            let row = self.one("SELECT current_schema() IS NOT NULL, pg_try_advisory_lock($1, hashtext(current_database() || '.' || current_schema()))").await;
            let row = row.map_err(Error::database(doing))?;
            let has_schema: bool = row.try_get_by_index(0).map_err(Error::database(doing))?;
            if !has_schema {
                return Err(no_schema());
            }
            if row.try_get_by_index(1).map_err(Error::database(doing))? {
                return Ok(());
            }
            let holder = self.holder().await.map_err(Error::database(doing))?;
            let waited = since.elapsed();
            if waited >= limit {
                return Err(Error::Locked { holder, waited });
            }
            tracing::info!(holder, "waiting for the database");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Refuses to go on when the pool has replaced the connection that holds the lock.
    pub(super) async fn insist_on_the_locked_connection(&self) -> Result<(), Error> {
        let backend = self
            .backend_pid()
            .await
            .map_err(Error::database("Reaching the server"))?;
        if backend == self.backend {
            return Ok(());
        }
        Err(Error::Refused {
            reason: "The connection was lost, and the lock with it; or a pooler shares connections between sessions.".to_owned(),
            advice: "Run the command again, with a URL that leads to the server itself.".to_owned(),
        })
    }

    pub(super) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "closing the database");
        }
    }

    /// Names the session that holds the lock, as far as its role lets it be seen.
    async fn holder(&self) -> Result<Option<String>, DbErr> {
        let statement = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT a.pid, coalesce(nullif(a.application_name, ''), 'another process'), \
                    coalesce(host(a.client_addr), 'this machine') \
             FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
             WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid::bigint = $1 \
               AND l.objid::bigint = hashtext(current_database() || '.' || current_schema())::bigint & 4294967295 \
             LIMIT 1",
            [i64::from(LOCK_CLASS).into()],
        );
        let Some(row) = self.connection.query_one_raw(statement).await? else {
            return Ok(None);
        };
        let (pid, program, host): (i32, String, String) = row.try_get_many_by_index()?;
        Ok(Some(format!(
            "{program} (server process {pid}, from {host})"
        )))
    }

    async fn backend_pid(&self) -> Result<i32, DbErr> {
        let statement = Statement::from_string(DbBackend::Postgres, "SELECT pg_backend_pid()");
        let row = self.connection.query_one_raw(statement).await?;
        row.ok_or_else(no_row)?.try_get_by_index(0)
    }

    async fn one(&self, query: &str) -> Result<QueryResult, DbErr> {
        let statement =
            Statement::from_sql_and_values(DbBackend::Postgres, query, [LOCK_CLASS.into()]);
        self.connection
            .query_one_raw(statement)
            .await?
            .ok_or_else(no_row)
    }
}

fn no_row() -> DbErr {
    DbErr::RecordNotFound("the server answered without a row".to_owned())
}

fn no_schema() -> Error {
    Error::Refused {
        reason: "The search_path names no schema that exists.".to_owned(),
        advice: "Create the schema, or correct search_path in the URL or for the role.".to_owned(),
    }
}
