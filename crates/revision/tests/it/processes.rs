//! Several processes at once, and processes that are killed.

use std::process::Child;

use crate::migrations::{Full, Short};
use crate::support::{SqliteFile, dump, notebook, postgres, select, text};

/// Rounds of the races: few by default, `REVISION_ROUNDS=50` for the full form.
fn rounds() -> u32 {
    std::env::var("REVISION_ROUNDS")
        .map_or(3, |text| text.parse().expect("REVISION_ROUNDS is a number"))
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

/// Kills an upgrade before its n-th statement, for every n, and says after how many the database was neither the
/// old nor the new one.
async fn killed_between(engine: &str) -> Vec<u32> {
    let mut between = Vec::new();
    for statement in 1.. {
        let file = SqliteFile::new().at::<Short>().await;
        let before = dump(&file.url()).await;
        let upgrade = || {
            let mut command = notebook(&file.url(), &["upgrade", "head"]);
            command.env("NOTEBOOK_ENGINE", engine);
            command
        };
        let killed = upgrade()
            .env("NOTEBOOK_DIE_AT", statement.to_string())
            .output()
            .expect("the notebook runs");
        if killed.status.success() {
            assert_eq!(statement, 4, "the upgrade has three statements");
            return between;
        }
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&killed.status),
            Some(9),
            "{}",
            text(&killed)
        );
        let rerun_completes = {
            let exact = dump(&file.url()).await == before;
            exact
                && upgrade()
                    .output()
                    .expect("the notebook runs")
                    .status
                    .success()
                && select(&file.url(), "SELECT CAST(reads AS text) FROM note").await == ["202"]
        };
        if !rerun_completes {
            between.push(statement);
        }
    }
    unreachable!("the loop ends with the first upgrade that is not killed")
}

#[tokio::test]
async fn kill_9_before_any_statement_leaves_the_old_state_and_the_next_run_completes() {
    assert!(killed_between("revision").await.is_empty());
}

#[tokio::test]
async fn control_seaorm_alone_is_caught_between_two_states() {
    assert_eq!(killed_between("plain").await, [2, 3]);
}

#[tokio::test]
async fn kill_9_in_the_first_upgrade_of_a_postgres_database_leaves_it_empty() {
    for statement in 1..=9 {
        let url = postgres().await;
        let killed = notebook(&url, &["upgrade", "head"])
            .env("NOTEBOOK_DIE_AT", statement.to_string())
            .output()
            .expect("the notebook runs");
        assert!(!killed.status.success());
        assert!(
            select(
                &url,
                "SELECT relname::text FROM pg_class WHERE relname IN ('note', 'seaql_migrations')"
            )
            .await
            .is_empty()
        );
        let rerun = notebook(&url, &["upgrade", "head"])
            .output()
            .expect("the notebook runs");
        assert!(rerun.status.success(), "{}", text(&rerun));
        assert_eq!(
            revision::Engine::new::<Full>()
                .status(&url)
                .await
                .expect("the notebook runs")
                .pending
                .len(),
            0
        );
    }
}
