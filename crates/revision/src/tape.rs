//! A connection that keeps what is said to it: the statements of a migration, in their order.
//!
//! `SchemaManager` takes no connection but SeaORM's own. Its feature `mock` lets one of those be played by
//! somebody else, who may pass each statement on to a real database, and hear its answer.

mod empty;
mod forward;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{
    DatabaseConnection, DatabaseConnectionType, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    MockDatabaseConnection, MockDatabaseTrait, QueryResult, Statement, Transaction,
};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::error::Error;
use crate::event::{Event, Observer};
use empty::Empty;
use forward::Forward;
pub(crate) use forward::Scratch;

/// The statements that changed something, as text with their values in it.
pub(crate) type Recording = Arc<Mutex<Vec<String>>>;

/// Who answers.
trait Player: Send {
    fn execute(&mut self, statement: &Statement) -> Result<ExecResult, DbErr>;
    fn query(&mut self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr>;
}

struct Tape {
    player: Box<dyn Player>,
    backend: DbBackend,
    recording: Recording,
    observer: Observer,
    /// How many transactions are open that a migration began.
    depth: usize,
    /// Whether there is one around them.
    in_transaction: bool,
}

/// A connection that hands every statement to a transaction of a real database and tells it to the observer.
pub(crate) fn rehearsal(
    transaction: Arc<DatabaseTransaction>,
    observer: &Observer,
) -> Result<DatabaseConnection, Error> {
    let runtime = Handle::current();
    if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
        return Err(Error::Refused {
            reason: "A dry run needs Tokio's multi-threaded runtime.".to_owned(),
            advice: "Start one, or use the command line.".to_owned(),
        });
    }
    let backend = sea_orm::ConnectionTrait::get_database_backend(&*transaction);
    let player = Forward::new(transaction, runtime);
    Ok(Tape::connection(
        Box::new(player),
        backend,
        Recording::default(),
        observer.clone(),
    ))
}

/// Takes back what was done on the stage.
pub(crate) async fn take_back(transaction: Arc<DatabaseTransaction>) {
    let Some(transaction) = Arc::into_inner(transaction) else {
        // Whoever still holds it drops it, and that rolls it back too.
        return;
    };
    if let Err(error) = transaction.rollback().await {
        tracing::warn!(%error, "rolling back; the database does it when the connection ends");
    }
}

/// A connection to an empty database of this kind that is there for recording only.
///
/// For SQLite it is a real one, in memory. PostgreSQL needs a server, which need not be there when a script is
/// written: it is played by somebody who believes every statement, and answers a question as an empty database
/// would, except whether there is a table that was created before.
pub(crate) fn scratch(
    backend: DbBackend,
    scratch: Option<&Scratch>,
) -> (DatabaseConnection, Recording) {
    let recording = Recording::default();
    let player: Box<dyn Player> = match scratch {
        Some(scratch) => Box::new(scratch.player()),
        None => Box::new(Empty::default()),
    };
    let connection = Tape::connection(player, backend, Arc::clone(&recording), Observer::default());
    (connection, recording)
}

/// What was recorded since the last time.
pub(crate) fn take(recording: &Recording) -> Vec<String> {
    std::mem::take(&mut *recording.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Tape {
    fn connection(
        player: Box<dyn Player>,
        backend: DbBackend,
        recording: Recording,
        observer: Observer,
    ) -> DatabaseConnection {
        let tape = Self {
            player,
            backend,
            recording,
            observer,
            depth: 0,
            in_transaction: true,
        };
        DatabaseConnectionType::MockDatabaseConnection(Arc::new(MockDatabaseConnection::new(tape)))
            .into()
    }

    fn record(&self, sql: String) {
        let mut recording = self
            .recording
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        recording.push(sql);
    }

    fn tell(&self, sql: &str, rows: Option<u64>, elapsed: Duration) {
        self.observer
            .notify(&Event::Statement { sql, rows, elapsed });
    }

    /// The trait has no way to refuse: a statement that fails here makes the next one fail.
    fn control(&mut self, sql: &str) {
        let statement = Statement::from_string(self.backend, sql);
        if let Err(error) = MockDatabaseTrait::execute(self, 0, statement) {
            tracing::warn!(%error, sql, "a transaction inside a migration");
        }
    }
}

impl MockDatabaseTrait for Tape {
    fn execute(&mut self, _: usize, statement: Statement) -> Result<ExecResult, DbErr> {
        let sql = statement.to_string();
        let started = Instant::now();
        let result = self.player.execute(&statement)?;
        let rows = is_about_rows(&sql).then(|| result.rows_affected());
        self.tell(&sql, rows, started.elapsed());
        self.record(sql);
        Ok(result)
    }

    fn query(&mut self, _: usize, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let started = Instant::now();
        let rows = self.player.query(&statement)?;
        let found = Some(rows.len() as u64);
        self.tell(&statement.to_string(), found, started.elapsed());
        // A query that changes something is one too.
        if !reads_only(&statement.sql) {
            self.record(statement.to_string());
        }
        Ok(rows)
    }

    fn begin(&mut self) {
        let sql = match (self.depth, self.in_transaction) {
            (0, false) => "BEGIN".to_owned(),
            (depth, _) => format!("SAVEPOINT migration_{depth}"),
        };
        self.control(&sql);
        self.depth += 1;
    }

    fn commit(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        let sql = match (self.depth, self.in_transaction) {
            (0, false) => "COMMIT".to_owned(),
            (depth, _) => format!("RELEASE SAVEPOINT migration_{depth}"),
        };
        self.control(&sql);
    }

    fn rollback(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        let sql = match (self.depth, self.in_transaction) {
            (0, false) => "ROLLBACK".to_owned(),
            (depth, _) => format!("ROLLBACK TO SAVEPOINT migration_{depth}"),
        };
        self.control(&sql);
    }

    fn drain_transaction_log(&mut self) -> Vec<Transaction> {
        Vec::new()
    }

    fn get_database_backend(&self) -> DbBackend {
        self.backend
    }

    fn ping(&self) -> Result<(), DbErr> {
        Ok(())
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

/// SQLite answers everything else with the number of rows that the statement before has changed.
fn is_about_rows(sql: &str) -> bool {
    matches!(
        &*first_word(sql),
        "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "WITH" | "SELECT"
    )
}

fn first_word(sql: &str) -> String {
    let letters = sql.trim_start().chars();
    letters
        .take_while(char::is_ascii_alphabetic)
        .map(|letter| letter.to_ascii_uppercase())
        .collect()
}

fn reads_only(sql: &str) -> bool {
    match &*first_word(sql) {
        "SELECT" | "VALUES" | "EXPLAIN" | "SHOW" => true,
        "PRAGMA" => !sql.contains('='),
        "WITH" => {
            let sql = sql.to_ascii_uppercase();
            !["INSERT", "UPDATE", "DELETE"]
                .iter()
                .any(|word| sql.contains(word))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::reads_only;

    #[test]
    fn what_only_reads_is_no_part_of_a_script() {
        for sql in [
            "SELECT 1",
            "  select 1",
            "PRAGMA table_info('x')",
            "WITH a AS (SELECT 1) SELECT * FROM a",
        ] {
            assert!(reads_only(sql), "{sql}");
        }
        for sql in [
            "INSERT INTO a VALUES (1) RETURNING id",
            "PRAGMA user_version = 3",
            "WITH a AS (SELECT 1) INSERT INTO b SELECT * FROM a",
        ] {
            assert!(!reads_only(sql), "{sql}");
        }
    }
}
