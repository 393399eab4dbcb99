//! Several processes at once, and processes that are killed.

use std::process::Child;

use revision::{Engine, Target};

use crate::migrations::Short;
use crate::support::{
    SqliteFile, execute, impatient, is_full_form, notebook, picture, postgres, postgres_like,
    select, text,
};

/// Rounds of the races: few by default, fifty in the full form.
fn rounds() -> u32 {
    if is_full_form() { 50 } else { 3 }
}

async fn race(url: &str) {
    let children: Vec<Child> = (0..8)
        .map(|_| {
            notebook(url, &["upgrade", "head"])
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .expect("the notebook runs")
        })
        .collect();
    let mut runs = 0;
    for child in children {
        let output = child.wait_with_output().expect("the notebook runs");
        assert!(output.status.success(), "{}", text(&output));
        runs += text(&output).matches("+ m2026").count();
    }
    assert_eq!(runs, 3, "each migration is run by exactly one process");
    assert_eq!(
        select(url, "SELECT CAST(reads AS text) FROM note").await,
        ["202"]
    );
    assert_eq!(
        select(url, "SELECT version FROM seaql_migrations")
            .await
            .len(),
        3
    );
}

#[tokio::test]
async fn eight_processes_boot_at_once_on_an_empty_sqlite_file() {
    for _ in 0..rounds() {
        let file = SqliteFile::new();
        race(&file.url()).await;
    }
}

#[tokio::test]
async fn eight_processes_boot_at_once_on_an_empty_postgres_database() {
    for _ in 0..rounds() {
        race(&postgres().await).await;
    }
}

/// A database in which somebody keeps something already.
const KEEPSAKE: &str = "CREATE TABLE keepsake (id integer PRIMARY KEY, word text NOT NULL); \
                        INSERT INTO keepsake VALUES (1, 'kept')";

/// Kills the upgrade of three migrations at every statement, its own and the engine's, one after another, and says at
/// which the database was neither the old nor the new one, or the next run did not complete it; and how many there are.
async fn killed_between(engine: &str, fresh: impl AsyncFn() -> String) -> (Vec<u32>, u32) {
    let upgrade = |url: &str| {
        let mut command = notebook(url, &["upgrade", "head"]);
        command.env("NOTEBOOK_ENGINE", engine);
        command
    };
    let complete = fresh().await;
    let before = picture(&complete).await;
    let done = upgrade(&complete).output().expect("the notebook runs");
    assert!(done.status.success(), "{}", text(&done));
    let after = picture(&complete).await;
    assert_ne!(before, after);

    let mut between = Vec::new();
    for statement in 1.. {
        let url = fresh().await;
        let killed = upgrade(&url)
            .env("NOTEBOOK_DIE_AT", statement.to_string())
            .output()
            .expect("the notebook runs");
        if killed.status.success() {
            return (between, statement - 1);
        }
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&killed.status),
            Some(9),
            "{}",
            text(&killed)
        );
        let found = picture(&url).await;
        let is_exact = found == before || found == after;
        let rerun = upgrade(&url).output().expect("the notebook runs");
        if !is_exact || !rerun.status.success() || picture(&url).await != after {
            between.push(statement);
        }
    }
    unreachable!("the loop ends with the first upgrade that is not killed")
}

async fn sqlite_with_a_keepsake(files: &std::cell::RefCell<Vec<SqliteFile>>) -> String {
    let file = SqliteFile::new();
    let url = file.url();
    execute(&format!("{url}?mode=rwc"), KEEPSAKE).await;
    files.borrow_mut().push(file);
    url
}

#[tokio::test]
async fn kill_9_at_every_statement_leaves_a_sqlite_file_exactly_before_or_after() {
    let files = std::cell::RefCell::default();
    let fresh = async || sqlite_with_a_keepsake(&files).await;
    assert_eq!(killed_between("revision", fresh).await, (vec![], 30));
}

#[tokio::test]
async fn kill_9_at_every_statement_leaves_a_postgres_database_exactly_before_or_after() {
    let template = postgres().await;
    execute(&template, KEEPSAKE).await;
    let fresh = async || postgres_like(&template).await;
    assert_eq!(killed_between("revision", fresh).await, (vec![], 28));
}

#[tokio::test]
async fn kill_9_at_every_statement_of_a_database_in_use_leaves_it_before_or_after() {
    let files = std::cell::RefCell::<Vec<SqliteFile>>::default();
    let fresh = async || {
        let file = SqliteFile::new().at::<Short>().await;
        let url = file.url();
        files.borrow_mut().push(file);
        url
    };
    let (between, statements) = killed_between("revision", fresh).await;
    assert_eq!((between, statements > 15), (vec![], true));

    let template = postgres().await;
    Engine::new::<Short>()
        .upgrade(&template, &Target::Head, &impatient())
        .await
        .unwrap();
    let fresh = async || postgres_like(&template).await;
    let (between, statements) = killed_between("revision", fresh).await;
    assert_eq!((between, statements > 15), (vec![], true));
}

#[tokio::test]
async fn control_seaorm_alone_is_caught_between_two_states() {
    let files = std::cell::RefCell::default();
    let fresh = async || sqlite_with_a_keepsake(&files).await;
    // At the first it has made its version table, and nothing takes that back.
    let each: Vec<u32> = (1..=9).collect();
    assert_eq!(killed_between("plain", fresh).await, (each, 9));
}
