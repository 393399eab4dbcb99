//! The answer and the exit code of every command in every state of a database, as snapshots.

mod stage;

use sea_orm::TransactionTrait as _;

use crate::migrations::{Full, Short};
use crate::support::{execute, open};
use stage::Stage;

/// What only looks; each is run on the same database.
const READING: [&[&str]; 9] = [
    &["current"],
    &["current", "--check-heads", "-v"],
    &["current", "--json"],
    &["history", "-i"],
    &["heads"],
    &["show", "current"],
    &["status"],
    &["check"],
    &["check", "--json"],
];

/// What changes something; each is run on a copy of its own.
const CHANGING: [&[&str]; 13] = [
    &["upgrade", "head"],
    &["upgrade", "+1"],
    &["upgrade", "nope"],
    &["downgrade", "-1"],
    &["downgrade", "base"],
    &["downgrade", "base", "--yes"],
    &["stamp", "head"],
    &["stamp", "head", "--purge"],
    &["up"],
    &["down"],
    &["reset"],
    &["refresh"],
    &["fresh", "--yes"],
];

async fn everything(stage: &Stage) -> String {
    let before = stage.picture().await;
    let mut text = String::new();
    for arguments in READING {
        text.push_str(&stage.run(arguments));
    }
    assert_eq!(stage.picture().await, before, "looking changed something");
    for arguments in CHANGING {
        let copy = stage.copy().await;
        text.push_str(&copy.run(arguments));
    }
    text
}

/// One state, on both databases.
macro_rules! state {
    ($name:ident, $program:literal, $prepare:expr) => {
        #[tokio::test]
        async fn $name() {
            for mut stage in [Stage::sqlite(), Stage::postgres().await] {
                stage.program = $program;
                let prepare = $prepare;
                prepare(&stage).await;
                let name = format!("{}_{}", stringify!($name), stage.kind());
                insta::assert_snapshot!(name, everything(&stage).await);
            }
        }
    };
}

state!(empty, "full", async |_: &Stage| {});
state!(up_to_date, "full", async |stage: &Stage| stage
    .at::<Full>()
    .await);
state!(behind, "full", async |stage: &Stage| stage
    .at::<Short>()
    .await);
state!(newer, "short", async |stage: &Stage| stage
    .at::<Full>()
    .await);
state!(edited, "edited", async |stage: &Stage| stage
    .at::<Full>()
    .await);
state!(missing_file, "full", async |stage: &Stage| {
    stage.at::<Full>().await;
    let row = "INSERT INTO seaql_migrations VALUES ('m20260102_120000_lost', 0)";
    execute(&stage.url, row).await;
});
state!(drifted, "full", async |stage: &Stage| {
    stage.at::<Full>().await;
    execute(&stage.url, "ALTER TABLE note ADD COLUMN colour text").await;
});

#[tokio::test]
async fn locked() {
    for stage in [Stage::sqlite(), Stage::postgres().await] {
        stage.at::<Short>().await;
        let connection = open(&format!("{}{}", stage.url, stage.guest_of_a_lock())).await;
        let transaction = connection
            .begin_with_options(stage::immediate())
            .await
            .unwrap();
        stage.lock(&transaction).await;
        let mut text = String::new();
        for arguments in READING {
            text.push_str(&stage.run(arguments));
        }
        for arguments in CHANGING {
            let mut patient = arguments.to_vec();
            patient.extend(["--lock-timeout", "0"]);
            text.push_str(&stage.run(&patient));
        }
        let name = format!("locked_{}", stage.kind());
        insta::assert_snapshot!(name, text);
        transaction.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn not_a_database() {
    let stage = Stage::sqlite();
    std::fs::write(
        stage.path(),
        "Dear diary, this is not a database. ".repeat(40),
    )
    .unwrap();
    let mut text = String::new();
    for arguments in READING.iter().chain(&CHANGING) {
        text.push_str(&stage.run(arguments));
    }
    insta::assert_snapshot!("not_a_database_sqlite", text);

    let mut stage = Stage::postgres().await;
    stage.url = "postgres://me:secret@127.0.0.1:1/notes".to_owned();
    let mut text = String::new();
    for arguments in READING.iter().chain(&CHANGING) {
        text.push_str(&stage.run(arguments));
    }
    insta::assert_snapshot!("not_a_database_postgres", text);
}

#[tokio::test]
async fn no_permission() {
    for mut stage in [Stage::sqlite(), Stage::postgres().await] {
        stage.at::<Short>().await;
        stage.become_a_stranger().await;
        let mut text = String::new();
        for arguments in READING.iter().chain(&CHANGING) {
            text.push_str(&stage.run(arguments));
        }
        let name = format!("no_permission_{}", stage.kind());
        insta::assert_snapshot!(name, text);
    }
}
