//! Changes of a table that need a person's attention, and all of them on PostgreSQL.

mod postgres;

use std::cell::Cell;

use revision::operation::Change;
use revision::{Engine, Error, Options, RebuildTable, Target};
use sea_orm_migration::prelude::*;

use crate::support::{SqliteFile, dump, execute, impatient, open, postgres, select};

pub(super) type Make = fn(RebuildTable<'_>) -> RebuildTable<'_>;

thread_local! {
    static CASE: Cell<Option<Make>> = const { Cell::new(None) };
}

struct One;

struct OneChange(Make);

impl MigratorTrait for One {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(OneChange(CASE.get().expect("a case is set")))]
    }
}

impl MigrationName for OneChange {
    fn name(&self) -> &'static str {
        "m1_change"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for OneChange {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        (self.0)(revision::rebuild_table(manager, "t")).run().await
    }
}

/// Makes a change of table `t` by the engine.
pub(super) async fn change(url: &str, options: &Options, make: Make) -> Result<(), Error> {
    CASE.set(Some(make));
    let result = Engine::new::<One>()
        .upgrade(url, &Target::Head, options)
        .await;
    result.map(drop)
}

pub(super) fn careful() -> Options {
    Options {
        allow_data_loss: false,
        ..impatient()
    }
}

async fn both() -> (SqliteFile, [String; 2]) {
    let file = SqliteFile::new();
    let create = open(&format!("{}?mode=rwc", file.url())).await;
    create.close().await.expect("it closes");
    let urls = [file.url(), postgres().await];
    (file, urls)
}

#[tokio::test]
async fn what_would_lose_or_refuse_data_is_counted_and_nothing_is_changed() {
    let table = "CREATE TABLE p (id integer PRIMARY KEY); INSERT INTO p VALUES (1); \
                 CREATE TABLE t (id integer PRIMARY KEY, n integer, s varchar(20), word text); \
                 INSERT INTO t VALUES (1, 1, 'one', '1'), (2, 1, 'three', 'x'), (3, NULL, NULL, '3'), (4, 9, 'a', NULL)";
    let cases: &[(Make, &str)] = &[
        (
            |t| t.drop_column("n"),
            "t: 3 rows have a value in column n, which is dropped",
        ),
        (
            |t| t.rename_column("n", "m").drop_column("m"),
            "t: 3 rows have a value in column m, which is dropped",
        ),
        (
            |t| t.set_not_null("n"),
            "t: 1 row has NULL in column n, which becomes NOT NULL",
        ),
        (
            |t| t.add_unique("u", ["n"]),
            "t: 2 rows have the same n as another, which becomes unique",
        ),
        (
            |t| t.set_type("word", ColumnType::Integer),
            "t: 1 row has a value in column word that is no integer",
        ),
        (
            |t| t.set_type("s", ColumnType::String(StringLen::N(3))),
            "t: 1 row has more than 3 characters in column s",
        ),
        (
            |t| t.add_check("positive", Expr::col("n").lt(5)),
            "t: 1 row would break the check positive",
        ),
        (
            |t| t.add_column(ColumnDef::new("more").integer().not_null()),
            "t: 4 rows have no value for the new column more, which is NOT NULL",
        ),
        (
            |t| {
                let mut key = ForeignKey::create();
                key.from_tbl("t").from_col("n").to_tbl("p").to_col("id");
                t.add_foreign_key(&key)
            },
            "t: 1 row would point at a row of p that is not there",
        ),
    ];
    let (_file, urls) = both().await;
    for url in urls {
        execute(&url, table).await;
        for (make, expected) in cases {
            let error = change(&url, &careful(), *make).await.expect_err(expected);
            assert_eq!(
                error.to_string(),
                format!("Migration m1_change was stopped: {expected}."),
                "{url}"
            );
            assert_eq!(error.unchanged(), "Nothing was changed.");
            assert_eq!(error.code(), "data-loss");
            assert_eq!(
                select(
                    &url,
                    "SELECT CAST(count(n) + count(s) + count(word) AS text) FROM t"
                )
                .await,
                ["9"]
            );
        }
    }
}

#[tokio::test]
async fn what_may_be_lost_is_lost_when_that_is_permitted() {
    let (_file, urls) = both().await;
    for url in urls {
        execute(
            &url,
            "CREATE TABLE t (n integer, s varchar(20)); INSERT INTO t VALUES (1, 'three')",
        )
        .await;
        change(&url, &impatient(), |t| {
            t.drop_column("n")
                .set_type("s", ColumnType::String(StringLen::N(3)))
        })
        .await
        .unwrap();
        assert_eq!(select(&url, "SELECT s FROM t").await, ["thr"], "{url}");
    }
}

#[tokio::test]
async fn what_is_computed_in_another_way_is_not_lost() {
    let (_file, urls) = both().await;
    for url in urls {
        execute(
            &url,
            "CREATE TABLE t (n integer, twice integer GENERATED ALWAYS AS (n * 2) STORED); INSERT INTO t (n) VALUES (7)",
        )
        .await;
        change(&url, &careful(), |t| {
            t.set_generated("twice", Expr::cust("n * 3"))
                .set_not_null("n")
        })
        .await
        .unwrap();
        assert_eq!(
            select(&url, "SELECT CAST(twice AS text) FROM t").await,
            ["21"],
            "{url}"
        );
    }
}

#[tokio::test]
async fn what_hangs_on_a_column_is_not_dropped_with_it_in_silence() {
    let table = "CREATE TABLE t (a integer, b integer, c integer, d integer, CONSTRAINT k CHECK (a < b), CONSTRAINT u UNIQUE (c, d)); \
                 CREATE INDEX i ON t (b) WHERE d > 0; CREATE INDEX own ON t (a)";
    let (_file, urls) = both().await;
    for url in urls {
        execute(&url, table).await;
        for (make, expected) in [
            (
                (|t| t.drop_column("a")) as Make,
                "he check k of t needs column a: drop",
            ),
            (
                |t| t.drop_column("c"),
                "he unique constraint u of t needs column c: drop",
            ),
            (
                |t| t.drop_column("d").drop_unique("u", ["c", "d"]),
                "needs column d: drop",
            ),
            (
                |t| t.drop_unique("u", ["c", "d"]).drop_column("d"),
                "he index i of t needs column d: drop",
            ),
        ] {
            let error = change(&url, &careful(), make)
                .await
                .expect_err(expected)
                .to_string();
            assert!(error.contains(expected), "{url}: {error}");
        }
        change(&url, &careful(), |t| t.drop_check("k").drop_column("a"))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn with_foreign_keys_on_a_parent_is_not_rebuilt() {
    let file = SqliteFile::new();
    let url = format!("{}?mode=rwc", file.url());
    execute(&url, "CREATE TABLE t (id integer PRIMARY KEY, n integer); CREATE TABLE c (t_id integer REFERENCES t ON DELETE CASCADE); \
                   INSERT INTO t VALUES (1, 1); INSERT INTO c VALUES (1)").await;
    let before = dump(&url).await;
    CASE.set(Some(|t| t.set_default("n", 1)));
    let error = One::up(&open(&url).await, None)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("cannot be rebuilt while foreign_keys is ON: SQLite would delete or change the rows of c"), "{error}");
    execute(&url, "DROP TABLE seaql_migrations").await;
    assert_eq!(dump(&url).await, before);
    change(&url, &careful(), |t| t.set_default("n", 1))
        .await
        .unwrap();
    assert_eq!(
        select(&url, "SELECT CAST(t_id AS text) FROM c").await,
        ["1"]
    );
}

#[tokio::test]
async fn a_view_that_would_not_open_any_more_stops_the_change() {
    let file = SqliteFile::new();
    let url = format!("{}?mode=rwc", file.url());
    execute(&url, "CREATE TABLE t (a integer, b integer); CREATE VIEW v AS SELECT b FROM t; CREATE VIEW broken AS SELECT nope FROM nowhere").await;
    let error = change(&url, &careful(), |t| t.drop_column("b"))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("the view v would not work any more: no such column: b"),
        "{error}"
    );
    change(&url, &careful(), |t| t.drop_column("a"))
        .await
        .unwrap();
    assert_eq!(
        select(
            &url,
            "SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY 1"
        )
        .await,
        ["broken", "v"]
    );
}

#[tokio::test]
async fn options_of_sqlite_do_nothing_elsewhere() {
    let url = postgres().await;
    execute(&url, "CREATE TABLE t (a integer)").await;
    change(&url, &careful(), |t| {
        t.change(Change::SetStrict(true))
            .change(Change::SetWithoutRowid(true))
            .set_collation("a", Some("NOCASE"), None)
    })
    .await
    .unwrap();
}
