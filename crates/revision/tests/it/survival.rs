//! The survival test: whatever is changed in a table, nothing else of the database is lost, and nothing is left over.
//!
//! Every kind of change is made to every table of a database that has all that SQLite can hold, through the engine,
//! while a pool of several connections with `foreign_keys` ON looks on.

mod kinds;
mod naive;
mod picture;

use std::cell::Cell;

use kinds::{KINDS, Kind};
use picture::Picture;
use revision::schema;
use revision::{Engine, Target};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use sea_orm_migration::prelude::*;

use crate::support::{SqliteFile, impatient, select};

/// Tables that hold all there is, each with the columns `n`, `s`, `m` and `extra`, and those that point at them.
pub(crate) const NASTY: &str = include_str!("survival/nasty.sql");

/// The tables of [`NASTY`] to which everything is done.
const TABLES: [&str; 5] = ["drug", "folder", "reading", "tag", "log"];

thread_local! {
    static CASE: Cell<Option<(&'static str, &'static Kind)>> = const { Cell::new(None) };
}

/// One migration: the kind of change that the thread is set to.
struct One;

impl MigratorTrait for One {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let (table, kind) = CASE.get().expect("a case is set");
        vec![Box::new(Change { table, kind })]
    }
}

struct Change {
    table: &'static str,
    kind: &'static Kind,
}

impl MigrationName for Change {
    fn name(&self) -> &'static str {
        "m1_change"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Change {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let change = revision::rebuild_table(manager, self.table);
        (self.kind.change)(change).run().await
    }
}

/// Several connections that are open at once, all with `foreign_keys` ON.
async fn pool(url: &str) -> DatabaseConnection {
    let options = ConnectOptions::new(url)
        .min_connections(4)
        .max_connections(4)
        .to_owned();
    let pool = Database::connect(options).await.expect("the pool opens");
    let on = pool
        .query_one_raw(sea_orm::Statement::from_string(
            sea_orm::DbBackend::Sqlite,
            "PRAGMA foreign_keys",
        ))
        .await;
    let on: i32 = on
        .expect("a pragma")
        .expect("a row")
        .try_get_by_index(0)
        .expect("a number");
    assert_eq!(on, 1);
    pool
}

async fn nasty() -> SqliteFile {
    let file = SqliteFile::new();
    let connection = Database::connect(format!("{}?mode=rwc", file.url()))
        .await
        .expect("the file opens");
    connection
        .execute_unprepared(NASTY)
        .await
        .expect("the nasty tables are made");
    connection.close().await.expect("the file closes");
    file
}

async fn survives(template: &[u8], table: &'static str, kind: &'static Kind) {
    let what = format!("{} in {table}", kind.name);
    let file = SqliteFile::new();
    std::fs::write(file.path(), template).expect("the copy is written");
    let url = file.url();
    let pool = pool(&url).await;
    let before = Picture::of(&pool).await;
    let schema_before = schema::read(&pool, &[]).await.expect("the schema reads");

    CASE.set(Some((table, kind)));
    let report = Engine::new::<One>()
        .upgrade(&url, &Target::Head, &impatient())
        .await;
    report.unwrap_or_else(|error| panic!("{what}: {error}"));

    let after = Picture::of(&pool).await;
    let bookkeeping: Vec<&str> = after.bookkeeping();
    let schema_after = schema::read(&pool, &bookkeeping)
        .await
        .expect("the schema reads");
    let mut lines: Vec<String> = schema_after
        .differences(&schema_before)
        .iter()
        .map(ToString::to_string)
        .collect();
    let mut expected: Vec<String> = kind
        .expected
        .iter()
        .map(|line| format!("table {table}: {line}"))
        .collect();
    lines.sort();
    expected.sort();
    assert_eq!(lines, expected, "{what}");

    before.assert_survived(&after, table, kind.changed, &what);
    for (check, answer) in [
        ("integrity_check", vec!["ok".to_owned()]),
        ("foreign_key_check", vec![]),
    ] {
        assert_eq!(
            select(&url, &format!("PRAGMA {check}")).await,
            answer,
            "{what}"
        );
    }
    if table == "drug" && kind.name != "without autoincrement" {
        pool.execute_unprepared(kind.insert)
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let next = "SELECT CAST(max(id) AS text) FROM drug";
        assert_eq!(
            select(&url, next).await,
            ["42"],
            "{what}: an id is given a second time"
        );
        let log = "SELECT t FROM log WHERE t = 'new zinc'";
        assert_eq!(
            select(&url, log).await,
            ["new zinc"],
            "{what}: the trigger does not fire"
        );
    }
    pool.close().await.expect("the pool closes");
}

#[tokio::test]
async fn nothing_is_lost_whatever_is_changed_in_whichever_table() {
    let template = std::fs::read(nasty().await.path()).expect("the file reads");
    let mut count = 0;
    for table in TABLES {
        for kind in KINDS
            .iter()
            .filter(|kind| kind.tables.is_empty() || kind.tables.contains(&table))
        {
            survives(&template, table, kind).await;
            count += 1;
        }
    }
    assert!(count > 100, "only {count} cases were run");
}
