//! The guard over what a migration does by SQL of its own, and what is left when a migration fails at its end.

mod failures;

use std::cell::Cell;

use revision::{Engine, Error, Options, Target};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::migrations::Script;
use crate::support::{SqliteFile, execute, impatient, open, postgres, select};

type Statements = &'static [&'static str];

thread_local! {
    static CASE: Cell<Statements> = const { Cell::new(&[]) };
}

struct One;

impl MigratorTrait for One {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Script {
            name: "m1",
            up: CASE.get(),
            down: &[],
            transaction: None,
        })]
    }
}

async fn run(url: &str, allow_data_loss: bool, statements: Statements) -> Result<(), Error> {
    CASE.set(statements);
    let options = Options {
        allow_data_loss,
        ..impatient()
    };
    let result = Engine::new::<One>()
        .upgrade(url, &Target::Head, &options)
        .await;
    result.map(drop)
}

/// A database of each kind with a table `t` of two rows and one that is empty.
async fn both() -> (SqliteFile, [String; 2]) {
    let file = SqliteFile::new();
    let creating = format!("{}?mode=rwc", file.url());
    open(&creating).await.close().await.expect("it closes");
    let urls = [file.url(), postgres().await];
    for url in &urls {
        execute(url, "CREATE TABLE t (id integer PRIMARY KEY, word text, spare text); INSERT INTO t VALUES (1, 'a', NULL), (2, NULL, NULL); CREATE TABLE hollow (a integer)").await;
    }
    (file, urls)
}

#[tokio::test]
async fn what_holds_values_is_not_dropped_without_permission() {
    let cases: &[(Statements, &str)] = &[
        (
            &["DROP TABLE t"],
            "t: 2 rows in the table, which is dropped",
        ),
        (
            &["ALTER TABLE t DROP COLUMN word"],
            "t: 1 row has a value in column word, which is dropped",
        ),
        (
            &[
                "DROP TABLE t",
                "CREATE TABLE t (id integer PRIMARY KEY, other text)",
            ],
            "t: 1 row has a value in column word, which is dropped",
        ),
        (
            &[
                "CREATE TABLE s (id integer, word text, spare text)",
                "DROP TABLE t",
            ],
            "t: 2 rows in the table, which is dropped",
        ),
        (
            &[
                "ALTER TABLE t ADD COLUMN letter text",
                "ALTER TABLE t DROP COLUMN word",
            ],
            "t: 1 row has a value in column word, which is dropped",
        ),
        // The same values, in other rows.
        (
            &[
                "ALTER TABLE t ADD COLUMN letter text",
                "UPDATE t SET letter = CASE id WHEN 2 THEN 'a' END",
                "ALTER TABLE t DROP COLUMN word",
            ],
            "t: 1 row has a value in column word, which is dropped",
        ),
    ];
    for (statements, expected) in cases {
        let (_file, urls) = both().await;
        for url in urls {
            let error = run(&url, false, statements).await.expect_err(expected);
            assert_eq!(
                error.to_string(),
                format!("Migration m1 was stopped: {expected}."),
                "{url}"
            );
            assert!(
                error.next_step().contains("--allow-data-loss"),
                "{}",
                error.next_step()
            );
            assert_eq!(
                select(&url, "SELECT coalesce(word, '-') FROM t ORDER BY id").await,
                ["a", "-"]
            );
            run(&url, true, statements).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_holds_nothing_or_lives_on_under_another_name_may_go() {
    let cases: &[(Statements, &str)] = &[
        (
            &[
                "ALTER TABLE t DROP COLUMN spare",
                "DROP TABLE hollow",
                "INSERT INTO t VALUES (3, 'b')",
            ],
            "SELECT CAST(count(*) AS text) FROM t",
        ),
        (
            &[
                "ALTER TABLE t RENAME TO s",
                "INSERT INTO s VALUES (3, 'b', NULL)",
            ],
            "SELECT CAST(count(*) AS text) FROM s",
        ),
        (
            &["ALTER TABLE t RENAME COLUMN word TO letter"],
            "SELECT CAST(count(*) + count(letter) AS text) FROM t",
        ),
        (
            &[
                "ALTER TABLE t ADD COLUMN letter text",
                "UPDATE t SET letter = word",
                "ALTER TABLE t DROP COLUMN word",
            ],
            "SELECT CAST(count(*) + count(letter) AS text) FROM t",
        ),
        (
            &[
                "CREATE TABLE s (a integer)",
                "INSERT INTO s VALUES (1), (2), (3)",
                "DROP TABLE s",
            ],
            "SELECT '3'",
        ),
        (
            &["ALTER TABLE t RENAME COLUMN id TO number"],
            "SELECT CAST(max(number) + 1 AS text) FROM t",
        ),
    ];
    for (statements, query) in cases {
        let (_file, urls) = both().await;
        for url in urls {
            let result = run(&url, false, statements).await;
            result.unwrap_or_else(|error| panic!("{url}: {statements:?}: {error}"));
            // What was started a second time was done once.
            assert_eq!(select(&url, query).await, ["3"], "{url}: {statements:?}");
        }
    }
}
