//! Migrations that cannot run in a transaction.

use revision::{Engine, Target};
use rustix::fs::{FlockOperation, flock};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::migrations::{Alone, Script};
use crate::support::{SqliteFile, execute, impatient, notebook, picture, postgres, select, text};

#[tokio::test]
async fn it_runs_by_itself_between_the_others() {
    let file = SqliteFile::new();
    for url in [file.url(), postgres().await] {
        let report = Engine::new::<Alone>()
            .upgrade(&url, &Target::Head, &impatient())
            .await
            .unwrap();
        assert_eq!(report.steps.len(), 4);
        let check = Engine::new::<Alone>().check(&url).await.unwrap();
        assert!(check.is_fine(), "{check:?}");
        assert_eq!(
            select(&url, "SELECT CAST(reads AS text) FROM note").await,
            ["202"]
        );
    }
}

#[tokio::test]
async fn killed_at_any_statement_it_is_completed_by_the_next_run() {
    let upgrade = |url: &str| {
        let mut command = notebook(url, &["upgrade", "head"]);
        command.env("NOTEBOOK", "alone");
        command
    };
    let whole = SqliteFile::new().at::<Alone>().await;
    let whole = picture(&whole.url()).await;
    for statement in 1.. {
        let file = SqliteFile::new();
        let killed = upgrade(&file.url())
            .env("NOTEBOOK_DIE_AT", statement.to_string())
            .output()
            .unwrap();
        if killed.status.success() {
            assert!(statement > 30, "too few statements were counted");
            return;
        }
        let rerun = upgrade(&file.url()).output().unwrap();
        assert!(rerun.status.success(), "{statement}: {}", text(&rerun));
        let found = picture(&file.url()).await;
        assert!(found == whole, "{statement}: {found}");
    }
}

#[tokio::test]
async fn nobody_else_migrates_meanwhile() {
    let file = SqliteFile::new();
    let directory = std::fs::File::open(file.path().parent().unwrap()).unwrap();
    flock(&directory, FlockOperation::LockExclusive).unwrap();
    let run = || {
        notebook(&file.url(), &["upgrade", "head", "--lock-timeout", "0"])
            .env("NOTEBOOK", "alone")
            .output()
            .unwrap()
    };
    let output = run();
    assert_eq!(output.status.code(), Some(7), "{}", text(&output));
    assert!(file.files().is_empty());
    drop(directory);
    assert!(run().status.success());
}

#[tokio::test]
async fn its_script_does_what_it_does() {
    let (by_hand, by_tool) = (SqliteFile::new(), SqliteFile::new().at::<Alone>().await);
    let output = notebook(&by_hand.url(), &["upgrade", "head", "--sql"])
        .env("NOTEBOOK", "alone")
        .output()
        .unwrap();
    crate::scripts::feed(&by_hand.url(), &String::from_utf8_lossy(&output.stdout));
    assert_eq!(picture(&by_hand.url()).await, picture(&by_tool.url()).await);
    let url = postgres().await;
    let output = notebook(&url, &["upgrade", "head", "--sql"])
        .env("NOTEBOOK", "alone")
        .output()
        .unwrap();
    crate::scripts::feed(&url, &String::from_utf8_lossy(&output.stdout));
    assert!(Engine::new::<Alone>().check(&url).await.unwrap().is_fine());
}

#[tokio::test]
async fn it_cannot_be_tried() {
    let file = SqliteFile::new();
    let output = notebook(&file.url(), &["upgrade", "--dry-run"])
        .env("NOTEBOOK", "alone")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(8));
    assert_eq!(
        text(&output),
        "Migration m20260101_120000_index_notes runs outside a transaction, so it cannot be tried and rolled back.\n\
         Nothing was changed.\n\
         Try those before it by naming the last one, and read what it would do: migration upgrade m20260101_120000_index_notes --sql\n"
    );
}

struct Concurrently;

impl MigratorTrait for Concurrently {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let script = |name, up, transaction| {
            Box::new(Script {
                name,
                up,
                down: &[],
                transaction,
            })
        };
        vec![
            script("m1", &["CREATE TABLE pen (ink text)"], None),
            script(
                "m2",
                &["CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS pen_ink ON pen (ink)"],
                Some(false),
            ),
        ]
    }
}

#[tokio::test]
async fn an_index_that_was_left_half_built_is_not_stepped_over() {
    let url = postgres().await;
    let engine = Engine::new::<Concurrently>();
    engine
        .upgrade(&url, &Target::Steps(1), &impatient())
        .await
        .unwrap();
    execute(&url, "INSERT INTO pen VALUES ('red'), ('red')").await;
    let error = engine
        .upgrade(&url, &Target::Head, &impatient())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "failed");
    assert!(error.unchanged().contains("a part of it may have happened"));
    // The server keeps the name of an index that it could not build.
    execute(&url, "DELETE FROM pen").await;
    let error = engine
        .upgrade(&url, &Target::Head, &impatient())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "The index pen_ink is invalid: an earlier CREATE INDEX CONCURRENTLY did not end."
    );
    execute(&url, "DROP INDEX pen_ink").await;
    engine
        .upgrade(&url, &Target::Head, &impatient())
        .await
        .unwrap();
}
