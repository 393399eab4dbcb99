//! What the care of a rebuild costs: a table of a million rows, by `rebuild_table` and by the bare SQL.
//!
//! `cargo bench -p revision --bench rebuild`; `ROWS` and `ROUNDS` change the size. Both run in one transaction with its
//! COMMIT, each on a fresh copy of the same file, in turns, so that both meet the same moods of the machine. The
//! program fails when the median ratio is above 1.3.

use std::env;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, SqlxSqliteConnector,
    TransactionTrait as _,
};
use sea_orm_migration::prelude::*;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

const LIMIT: f64 = 1.3;

const TABLE: &str = "CREATE TABLE movement (id integer PRIMARY KEY AUTOINCREMENT, drug_id integer NOT NULL, amount varchar(10), \
    note text COLLATE NOCASE, happened_at text NOT NULL, CHECK (length(note) < 200)); \
    CREATE INDEX movement_drug ON movement (drug_id, happened_at DESC); CREATE INDEX movement_note ON movement (note); \
    CREATE INDEX movement_open ON movement (happened_at) WHERE amount IS NULL";

/// Create, insert-select, drop, rename, indexes, and no care.
const BARE: &[&str] = &[
    "CREATE TABLE new_movement (id integer PRIMARY KEY AUTOINCREMENT, drug_id integer NOT NULL, amount integer, \
     note text COLLATE NOCASE NOT NULL, happened_at text NOT NULL, CHECK (length(note) < 200))",
    "INSERT INTO new_movement (id, drug_id, amount, note, happened_at) SELECT id, drug_id, amount, note, happened_at FROM movement",
    "DROP TABLE movement",
    "ALTER TABLE new_movement RENAME TO movement",
    "CREATE INDEX movement_drug ON movement (drug_id, happened_at DESC)",
    "CREATE INDEX movement_note ON movement (note)",
    "CREATE INDEX movement_open ON movement (happened_at) WHERE amount IS NULL",
];

async fn bare(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    for sql in BARE {
        transaction.execute_unprepared(sql).await?;
    }
    Ok(())
}

/// The same change, with every check: NULLs and lengths counted, rows compared, numbers proved to be numbers.
async fn careful(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    let manager = SchemaManager::new(transaction);
    revision::rebuild_table(&manager, "movement")
        .set_type("amount", ColumnType::Integer)
        .set_not_null("note")
        .run()
        .await
}

async fn open(path: &Path) -> Result<DatabaseConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .foreign_keys(false);
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

async fn fill(path: &Path, rows: u64) -> Result<(), DbErr> {
    let database = open(path)
        .await
        .map_err(|error| DbErr::Custom(error.to_string()))?;
    database.execute_unprepared(TABLE).await?;
    let sql = format!(
        "INSERT INTO movement (drug_id, amount, note, happened_at) \
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
         SELECT i * 7919 % 50, CASE WHEN i % 10 > 0 THEN i % 97 END, 'taken with water, dose ' || i, datetime(1700000000 + i * 60, 'unixepoch') FROM n"
    );
    database.execute_unprepared(&sql).await?;
    database
        .execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)")
        .await?;
    database.close().await
}

async fn timed(template: &Path, copy: &Path, with_care: bool) -> Result<Duration, DbErr> {
    let failed = |error: String| DbErr::Custom(error);
    std::fs::copy(template, copy).map_err(|error| failed(error.to_string()))?;
    let database = open(copy)
        .await
        .map_err(|error| failed(error.to_string()))?;
    let started = Instant::now();
    let transaction = database.begin().await?;
    if with_care {
        careful(&transaction).await?;
    } else {
        bare(&transaction).await?;
    }
    transaction.commit().await?;
    let elapsed = started.elapsed();
    database.close().await?;
    std::fs::remove_file(copy).map_err(|error| failed(error.to_string()))?;
    Ok(elapsed)
}

fn number(name: &str, usual: u64) -> u64 {
    env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

#[tokio::main]
async fn main() -> Result<ExitCode, DbErr> {
    let (rows, rounds) = (number("ROWS", 1_000_000), number("ROUNDS", 7));
    let directory = tempfile::tempdir().map_err(|error| DbErr::Custom(error.to_string()))?;
    let (template, copy) = (
        directory.path().join("template.db"),
        directory.path().join("copy.db"),
    );
    fill(&template, rows).await?;
    let mut out = std::io::stdout().lock();
    let mut ratios = Vec::new();
    for round in 1..=rounds {
        // Whoever goes first in one round goes second in the next.
        let first = timed(&template, &copy, round % 2 == 0).await?;
        let second = timed(&template, &copy, round % 2 != 0).await?;
        let (bare, careful) = if round % 2 == 0 {
            (second, first)
        } else {
            (first, second)
        };
        let ratio = careful.as_secs_f64() / bare.as_secs_f64();
        ratios.push(ratio);
        let _ = writeln!(
            out,
            "round {round}: bare {bare:.2?}, rebuild_table {careful:.2?}, ratio {ratio:.3}"
        );
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    let (low, high) = (ratios[0], ratios[ratios.len() - 1]);
    let _ = writeln!(
        out,
        "{rows} rows, {rounds} rounds: ratio {median:.3} (median; {low:.3} to {high:.3}), limit {LIMIT}"
    );
    Ok(if median <= LIMIT {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
