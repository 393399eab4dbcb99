//! What is refused, and that nothing is changed then.

use std::time::Duration;

use revision::{Engine, Error, Options, Target};
use sea_orm::{
    ConnectionTrait as _, SqliteTransactionMode, TransactionOptions, TransactionTrait as _,
};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::migrations::{Full, Script, Short};
use crate::support::{SqliteFile, dump, execute, impatient, open, postgres, select};

#[tokio::test]
async fn a_newer_database_is_refused_and_keeps_every_byte() {
    let file = SqliteFile::new().at::<Full>().await;
    // Also the journal mode stays, which the upgrade of a known database would change.
    execute(&file.url(), "PRAGMA journal_mode = DELETE").await;
    let before = file.files();
    for target in [Target::Head, Target::Steps(0), Target::Steps(1)] {
        let error = Engine::new::<Short>()
            .upgrade(&file.url(), &target, &impatient())
            .await
            .unwrap_err();
        assert!(
            matches!(&error, Error::Newer { revisions, .. } if revisions == &["m20260103_000000_add_tags"]),
            "{error}"
        );
    }
    let error = Engine::new::<Short>()
        .downgrade(&file.url(), &Target::Base, &impatient())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "newer");
    assert_eq!(file.files(), before);
    let status = Engine::new::<Short>().status(&file.url()).await.unwrap();
    assert_eq!(status.unknown, ["m20260103_000000_add_tags"]);
    assert!(!status.is_up_to_date());
}

#[tokio::test]
async fn a_revision_whose_file_is_missing_is_refused() {
    let file = SqliteFile::new().at::<Full>().await;
    for url in [file.url(), postgres_at_head().await] {
        execute(
            &url,
            "INSERT INTO seaql_migrations VALUES ('m20260102_120000_lost', 0)",
        )
        .await;
        let error = Engine::new::<Full>()
            .upgrade(&url, &Target::Head, &impatient())
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "Can't locate revision identified by 'm20260102_120000_lost': the database has it, this program does not."
        );
        assert_eq!(error.unchanged(), "Nothing was changed.");
    }
}

#[tokio::test]
async fn a_migration_that_comes_late_is_run_only_when_asked_for() {
    let file = SqliteFile::new().at::<Full>().await;
    for url in [file.url(), postgres_at_head().await] {
        execute(&url, "ALTER TABLE note DROP COLUMN title").await;
        execute(
            &url,
            "DELETE FROM seaql_migrations WHERE version LIKE '%add_title'",
        )
        .await;
        let engine = Engine::new::<Full>();
        let error = engine
            .upgrade(&url, &Target::Head, &impatient())
            .await
            .unwrap_err();
        assert_eq!(error.code(), "out-of-order");
        let options = Options {
            out_of_order: true,
            ..impatient()
        };
        assert_eq!(
            engine
                .upgrade(&url, &Target::Head, &options)
                .await
                .unwrap()
                .steps
                .len(),
            1
        );
    }
}

#[tokio::test]
async fn a_locked_sqlite_file_says_who_holds_it() {
    let file = SqliteFile::new().at::<Short>().await;
    let holder = open(&file.url()).await;
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let transaction = holder.begin_with_options(immediate).await.unwrap();
    let options = Options {
        lock_timeout: Duration::ZERO,
        ..Options::default()
    };
    let error = Engine::new::<Full>()
        .upgrade(&file.url(), &Target::Head, &options)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("The database is locked by another connection of this process; waited "),
        "{error}"
    );
    transaction.rollback().await.unwrap();
    Engine::new::<Full>()
        .upgrade(&file.url(), &Target::Head, &options)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_locked_postgres_database_says_who_holds_it() {
    let url = postgres().await;
    let holder = open(&format!("{url}&application_name=somebody")).await;
    let lock = "SELECT pg_advisory_lock(x'72657669'::int, hashtext(current_database() || '.' || current_schema()))";
    let transaction = holder.begin().await.unwrap();
    transaction.execute_unprepared(lock).await.unwrap();
    let options = Options {
        lock_timeout: Duration::ZERO,
        ..Options::default()
    };
    let error = Engine::new::<Full>()
        .upgrade(&url, &Target::Head, &options)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("The database is locked by somebody (server process "),
        "{error}"
    );
    // The server gives the lock back when the session ends, however it ends.
    drop(transaction);
    holder.close().await.unwrap();
    Engine::new::<Full>()
        .upgrade(&url, &Target::Head, &impatient())
        .await
        .unwrap();
}

/// Rebuilds the parent as SQLite's documentation says, and then, in the second one, loses it.
struct Rebuild;
struct Orphan;

const REBUILD: Script = Script {
    name: "m20260104_000000_rebuild_folders",
    up: &[
        "CREATE TABLE folder_new (id integer PRIMARY KEY, name text NOT NULL DEFAULT '')",
        "INSERT INTO folder_new SELECT * FROM folder",
        "DROP TABLE folder",
        "ALTER TABLE folder_new RENAME TO folder",
    ],
    down: &[],
    transaction: None,
};

impl MigratorTrait for Rebuild {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = Full::migrations();
        migrations.push(Box::new(REBUILD));
        migrations
    }
}

impl MigratorTrait for Orphan {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = Full::migrations();
        migrations.push(Box::new(Script {
            up: &["DELETE FROM folder"],
            ..REBUILD
        }));
        migrations
    }
}

#[tokio::test]
async fn a_rebuild_of_a_parent_keeps_its_children() {
    let file = SqliteFile::new().at::<Full>().await;
    Engine::new::<Rebuild>()
        .upgrade(&file.url(), &Target::Head, &impatient())
        .await
        .unwrap();
    assert_eq!(
        select(&file.url(), "SELECT CAST(folder_id AS text) FROM note").await,
        ["1"]
    );
    assert_eq!(select(&file.url(), "PRAGMA integrity_check").await, ["ok"]);
}

#[tokio::test]
async fn control_the_same_rebuild_by_seaorm_alone_loses_the_children() {
    let file = SqliteFile::new().at::<Full>().await;
    Rebuild::up(&open(&file.url()).await, None).await.unwrap();
    assert!(
        select(&file.url(), "SELECT CAST(folder_id AS text) FROM note")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn rows_without_a_parent_are_refused_unless_they_were_there_before() {
    let file = SqliteFile::new().at::<Full>().await;
    let before = dump(&file.url()).await;
    let error = Engine::new::<Orphan>()
        .upgrade(&file.url(), &Target::Head, &impatient())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "The migrations would leave rows without a parent: 1 in note that point at folder."
    );
    assert_eq!(dump(&file.url()).await, before);

    execute(
        &file.url(),
        "PRAGMA foreign_keys = OFF; INSERT INTO note VALUES (2, 9, 0, '')",
    )
    .await;
    Engine::new::<Rebuild>()
        .upgrade(&file.url(), &Target::Head, &impatient())
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_not_a_database_is_left_alone() {
    let file = SqliteFile::new();
    std::fs::write(
        file.path(),
        "Dear diary, this is not a database at all, but it is longer than a header of SQLite is."
            .repeat(9),
    )
    .unwrap();
    let before = file.files();
    let engine = Engine::new::<Full>();
    for error in [
        engine
            .upgrade(&file.url(), &Target::Head, &impatient())
            .await
            .unwrap_err(),
        engine.status(&file.url()).await.unwrap_err(),
    ] {
        assert!(
            error
                .to_string()
                .ends_with("notes.db: it is not a SQLite database"),
            "{error}"
        );
    }
    assert_eq!(file.files(), before);
    let missing = engine
        .downgrade("sqlite:///nowhere/notes.db", &Target::Base, &impatient())
        .await
        .unwrap_err();
    assert_eq!(
        missing.to_string(),
        "Can't open the database /nowhere/notes.db: there is no such file"
    );
    let missing = engine
        .upgrade("sqlite:///nowhere/notes.db", &Target::Head, &impatient())
        .await
        .unwrap_err();
    assert_eq!(
        missing.to_string(),
        "Can't open the database /nowhere/notes.db: there is no directory /nowhere"
    );
}

async fn postgres_at_head() -> String {
    let url = postgres().await;
    Engine::new::<Full>()
        .upgrade(&url, &Target::Head, &impatient())
        .await
        .expect("the fixture migrates");
    url
}
