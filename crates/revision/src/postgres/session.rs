//! One connection to a PostgreSQL database, and the advisory lock on it.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, SqlxPostgresConnector,
    Statement,
};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::error::{Error, reason};
use crate::location::describe;
use crate::options::Options;
use crate::patience::Patience;
use crate::plan::Plan;
use crate::run::Job;

/// The first half of the lock's key: `revi`. The second is a hash of the database and the schema.
const LOCK_CLASS: i32 = i32::from_be_bytes(*b"revi");
/// The same for the second lock, which belongs to a transaction: `revt`.
const TRANSACTION_LOCK_CLASS: i32 = i32::from_be_bytes(*b"revt");

/// How long to wait for a server that does not answer at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A pool of exactly one connection, so that the lock and the transactions are on the same one.
pub(crate) struct Session {
    connection: DatabaseConnection,
    /// The server process of that connection: a pool replaces a broken connection silently, and the lock with it.
    backend: i32,
}

impl Session {
    pub(crate) async fn open(at: &PgConnectOptions, options: &Options) -> Result<Self, Error> {
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

    pub(crate) fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// Takes the lock of this database and schema; it is held until [`unlock`](Self::unlock) or the end of the session.
    pub(super) async fn lock(&self, options: &Options) -> Result<(), Error> {
        let doing = "Taking the lock";
        let mut patience = Patience::new(options.lock_timeout, &options.observer);
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
            patience.wait(holder, Duration::from_millis(100)).await?;
        }
    }

    /// Gives the lock back. The end of the session would too, but a pooler may keep the server's side of it open.
    pub(super) async fn unlock(&self) {
        let row = self.one("SELECT pg_advisory_unlock($1, hashtext(current_database() || '.' || current_schema()))").await;
        if let Err(error) = row {
            tracing::debug!(%error, "giving the lock back; it ends with the session");
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

    pub(crate) async fn close(self) {
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

/// Makes sure, inside the transaction, that what was planned is still what there is to do.
///
/// A pooler that shares server connections between clients makes a lock of the session worthless; a lock of
/// the transaction it cannot share.
pub(super) async fn insist_on_being_alone(
    transaction: &impl ConnectionTrait,
    job: &Job<'_>,
    plan: &Plan,
) -> Result<(), Error> {
    let doing = "Taking the lock of the transaction";
    let lock = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT pg_advisory_xact_lock($1, hashtext(current_database() || '.' || current_schema()))",
        [TRANSACTION_LOCK_CLASS.into()],
    );
    transaction
        .execute_raw(lock)
        .await
        .map_err(Error::database(doing))?;
    let state = job
        .state(transaction)
        .await
        .map_err(Error::database("Reading the revisions"))?;
    let mut now = plan.clone();
    now.catch_up(&state);
    if now == *plan {
        return Ok(());
    }
    Err(Error::Refused {
        reason: "Somebody else migrated at the same time, though the lock was held: a pooler may share connections between sessions.".to_owned(),
        advice: "Run the command again, with a URL that leads to the server itself.".to_owned(),
    })
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
