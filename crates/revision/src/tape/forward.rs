//! Passing each statement on to a real database.

use std::future::Future;
use std::sync::Arc;
use std::thread;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, ExecResult, QueryResult,
    SqlxSqliteConnector, Statement,
};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tokio::runtime::{Builder, Handle, Runtime};

use super::Player;
use crate::error::Error;

/// Whoever is asked by the mock is asked outside any future, and must answer at once: the answer is waited for on
/// a thread of its own.
pub(super) struct Forward<C> {
    to: Arc<C>,
    runtime: Handle,
}

/// An empty SQLite database in memory.
pub(crate) struct Scratch {
    connection: Arc<DatabaseConnection>,
    /// Its own, because the caller's may have no thread left while an answer is waited for, and a connection goes
    /// back into its pool by a task.
    runtime: Option<Runtime>,
}

impl Scratch {
    pub(crate) async fn new() -> Result<Self, Error> {
        let failed = |reason: String| Error::Connect {
            database: "in memory".to_owned(),
            reason,
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let options = SqliteConnectOptions::new()
            .in_memory(true)
            .foreign_keys(false)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None);
        let pool = runtime.spawn(async move { pool.connect_with(options).await });
        let pool = pool.await.map_err(|error| failed(error.to_string()))?;
        let pool = pool.map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            connection: Arc::new(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)),
            runtime: Some(runtime),
        })
    }

    pub(crate) fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    pub(super) fn player(&self) -> Forward<DatabaseConnection> {
        let runtime = self
            .runtime
            .as_ref()
            .expect("it is there until it is dropped");
        Forward::new(Arc::clone(&self.connection), runtime.handle().clone())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // To wait for it is not allowed inside another runtime.
            runtime.shutdown_background();
        }
    }
}

impl<C: ConnectionTrait> Forward<C> {
    pub(super) fn new(to: Arc<C>, runtime: Handle) -> Self {
        Self { to, runtime }
    }

    fn wait<T: Send>(
        &self,
        answer: impl Future<Output = Result<T, DbErr>> + Send,
    ) -> Result<T, DbErr> {
        let runtime = self.runtime.clone();
        thread::scope(|scope| {
            scope
                .spawn(move || runtime.block_on(answer))
                .join()
                .unwrap_or_else(|_| Err(DbErr::Custom("the statement panicked".to_owned())))
        })
    }
}

impl Player for Forward<DatabaseConnection> {
    fn execute(&mut self, statement: &Statement) -> Result<ExecResult, DbErr> {
        self.wait(execute(&*self.to, statement))
    }

    fn query(&mut self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.wait(self.to.query_all_raw(statement.clone()))
    }
}

impl Player for Forward<DatabaseTransaction> {
    fn execute(&mut self, statement: &Statement) -> Result<ExecResult, DbErr> {
        self.wait(execute(&*self.to, statement))
    }

    fn query(&mut self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.wait(self.to.query_all_raw(statement.clone()))
    }
}

async fn execute(to: &impl ConnectionTrait, statement: &Statement) -> Result<ExecResult, DbErr> {
    match statement.values {
        // Only without values can there be more than one statement in it.
        None => to.execute_unprepared(&statement.sql).await,
        Some(_) => to.execute_raw(statement.clone()).await,
    }
}
