//! What SeaORM does by itself: the negative controls, which show that the tests of the service can fail.
//!
//! They run as processes of their own, and the program is this test binary: `migrate` applies the medicine
//! tracker's migrations with SeaORM's own runner, and dies after the statements of the nth pending one where
//! `CONTROL_DIE_IN=n` says so; `race` waits for a line on standard input once it knows what is pending;
//! `insert` inserts drugs one by one in autocommit and says how many were acknowledged.

use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, NaiveDate};
use entity::drug;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, Database, DatabaseConnection, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};

use super::file::{select, url};
use super::process::{configured, say};

const TASK: &str = "CONTROL_TASK";

/// A control on a database.
pub(crate) fn control(task: &str, database_url: &str) -> Command {
    let program = env::current_exe().expect("this process has a program");
    of_program(configured(Command::new(program), database_url), task)
}

/// A control started by another program, which has been given everything else.
pub(crate) fn control_with(start: impl Fn(&Path) -> Command, task: &str) -> Command {
    let program = env::current_exe().expect("this process has a program");
    of_program(start(&program), task)
}

fn of_program(mut command: Command, task: &str) -> Command {
    command
        .args(["--exact", "support::control::program", "--nocapture"])
        .env(TASK, task);
    command
}

/// The program of the controls, where one was asked for. By itself it sees them do their work where nothing
/// stands in the way: what they then fail at is due to what was done to them.
#[tokio::test]
async fn program() {
    let Ok(task) = env::var(TASK) else {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("medicine.db");
        run("migrate", &url(&file))
            .await
            .expect("SeaORM migrates an empty database");
        let answer = run("insert", &url(&file)).await.expect("SeaORM inserts");
        assert_eq!(answer, "acknowledged=100");
        assert_eq!(
            select(&file, "SELECT count(*) || '' FROM drugs").await,
            ["100"]
        );
        return;
    };
    let database = env::var("DATABASE_URL").expect("a control is given its database");
    match run(&task, &database).await {
        Ok(text) => say(&text),
        Err(error) => panic!("{error}"),
    }
}

async fn run(task: &str, url: &str) -> Result<String, DbErr> {
    let connection = Database::connect(format!("{url}?mode=rwc")).await?;
    match task {
        "migrate" => Migrator::<false>::up(&connection, None).await?,
        "race" => Migrator::<true>::up(&connection, None).await?,
        "insert" => return Ok(format!("acknowledged={}", insert(&connection).await)),
        _ => panic!("there is no control {task}"),
    }
    Ok("migrated".into())
}

/// The medicine tracker's migrations; `WAITS` says whether the first waits for a line.
struct Migrator<const WAITS: bool>;

struct Observed<const WAITS: bool>(Box<dyn MigrationTrait>);

impl<const WAITS: bool> MigratorTrait for Migrator<WAITS> {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let all = migration::Migrator::migrations().into_iter();
        all.map(|migration| Box::new(Observed::<WAITS>(migration)) as Box<dyn MigrationTrait>)
            .collect()
    }
}

impl<const WAITS: bool> MigrationName for Observed<WAITS> {
    fn name(&self) -> &str {
        self.0.name()
    }
}

#[async_trait::async_trait]
impl<const WAITS: bool> MigrationTrait for Observed<WAITS> {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        static RUN: AtomicU32 = AtomicU32::new(0);
        let number = RUN.fetch_add(1, Ordering::Relaxed) + 1;
        if WAITS && number == 1 {
            say("the state is read");
            let mut line = String::new();
            std::io::stdin()
                .read_line(&mut line)
                .map_err(|error| DbErr::Custom(error.to_string()))?;
        }
        self.0.up(manager).await?;
        if env::var("CONTROL_DIE_IN").is_ok_and(|text| text == number.to_string()) {
            let me = rustix::process::getpid();
            rustix::process::kill_process(me, rustix::process::Signal::KILL)
                .map_err(|error| DbErr::Custom(error.to_string()))?;
        }
        Ok(())
    }
}

/// Inserts until an insert is refused, and 100 times at most.
async fn insert(connection: &DatabaseConnection) -> u32 {
    let day = NaiveDate::default();
    for acknowledged in 0..100 {
        let row = drug::ActiveModel {
            name: Set(format!("control {acknowledged}")),
            schedule_type: Set(drug::ScheduleType::AsNeeded),
            current_amount: Set(0),
            counted_on: Set(day),
            package_size: Set(1000),
            run_out_date: Set(day),
            reorder_date: Set(day),
            search_text: Set(String::new()),
            version: Set(1),
            created_at: Set(DateTime::default()),
            updated_at: Set(DateTime::default()),
            ..Default::default()
        };
        if row.insert(connection).await.is_err() {
            return acknowledged;
        }
    }
    100
}
