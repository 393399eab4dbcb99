//! `kill -9` and SIGTERM in the boot migration: afterwards the database is exactly the old or the new one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use migration::Migrator;
use revision::{Engine, Options, Target};
use rustix::process::Signal;
use sea_orm::{ConnectionTrait as _, Statement, TransactionTrait as _};
use tempfile::TempDir;

use crate::support::cluster;
use crate::support::control::control;
use crate::support::file::{copy, copy_to, execute, schema, select, upgrade, url};
use crate::support::process::{Process, figures, rounds};

/// So many that the snapshot before the migration takes a while.
const ROWS: u32 = 20_000;
/// What every round compares: each row weighs in with its id.
const CONTENT: &str = "SELECT concat_ws(' ', count(*), sum(id * length(name)), \
    sum(current_amount * (id % 997)), min(search_text), max(search_text), sum(length(updated_at))) FROM drugs";

/// A database at the first revision, full of drugs, and what an upgrade makes of it.
struct Old {
    directory: TempDir,
    before: Vec<String>,
    after: Vec<String>,
    content: Vec<String>,
}

/// What is found of a database after a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Old,
    New,
    /// Neither the one nor the other, or rows are missing.
    Between,
}

/// How far a boot had come, by what it has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    Nothing,
    Snapshot,
    Migration,
    Serving,
}

impl Old {
    async fn make() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("old.db");
        upgrade(&file, "+1").await;
        execute(
            &file,
            &format!(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) \
                 INSERT INTO drugs (name, schedule_type, current_amount, counted_on, package_size, \
                 run_out_date, reorder_date, search_text, version, created_at, updated_at) \
                 SELECT 'Drug ' || i, 'as_needed', i * 1000, '2026-09-08', 1000, '9999-12-31', '9999-12-31', \
                 'drug ' || i || char(10), 1, '2026-09-08 10:00:00+00:00', '2026-09-08 10:00:00+00:00' FROM n"
            ),
        )
        .await;
        let before = schema(&file).await;
        let content = select(&file, CONTENT).await;
        let (_copy, new) = copy(&file);
        upgrade(&new, "head").await;
        Self {
            before,
            after: schema(&new).await,
            content,
            directory,
        }
    }

    /// The database, in a directory of its own.
    fn fresh(&self) -> (TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("medicine.db");
        copy_to(&self.directory.path().join("old.db"), &file);
        (directory, file)
    }

    /// Looks at a copy, so that the restart finds exactly what the kill left.
    async fn look_at(&self, file: &Path) -> Found {
        let (_copy, file) = copy(file);
        let schema = schema(&file).await;
        let is_whole = select(&file, CONTENT).await == self.content
            && select(&file, "PRAGMA integrity_check").await == ["ok"];
        match () {
            () if is_whole && schema == self.before => Found::Old,
            () if is_whole && schema == self.after => Found::New,
            () => Found::Between,
        }
    }

    /// Starts the service on what is there, and sees it serve every row on the new schema.
    async fn restarts(&self, file: &Path) {
        let mut process = Process::start(&url(file));
        let mut client = process.ready().await;
        let drugs = client.get("/api/v1/drugs?limit=1").await;
        assert_eq!(drugs.header("x-total-count"), ROWS.to_string());
        let (_, status) = process.stop();
        assert!(status.success(), "{}", process.output());
        assert_eq!(self.look_at(file).await, Found::New);
    }

    /// The shortest time from the first line to the first migration, and from there to the service: what the
    /// machine does beside a boot makes it longer, and a kill that comes too late shows nothing.
    fn measure(&self) -> (Duration, Duration) {
        let measured = (0..5).map(|_| {
            let (_directory, file) = self.fresh();
            let process = Process::start(&url(&file));
            let begun = process.line("listening").0;
            let migrating = process.line("upgrade begins").0;
            let ready = process.line(" ready ").0;
            (migrating - begun, ready - migrating)
        });
        measured
            .reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)))
            .expect("there are five")
    }
}

fn reached(output: &str) -> Reached {
    [
        (" ready ", Reached::Serving),
        ("upgrade begins", Reached::Migration),
        ("snapshot taken", Reached::Snapshot),
    ]
    .into_iter()
    .find(|(text, _)| output.contains(text))
    .map_or(Reached::Nothing, |(_, reached)| reached)
}

/// Starts one boot after the other and sends each a signal a little later: half of them anywhere in the boot,
/// the other half soon after the first migration has begun, where the one transaction is.
async fn sweep(rounds: u32, signal: Signal) -> Vec<(Reached, Found)> {
    let old = Old::make().await;
    let (copying, migrating) = old.measure();
    let half = rounds.div_ceil(2);
    let mut seen = Vec::new();
    for round in 0..rounds {
        let (_directory, file) = old.fresh();
        let mut process = Process::start(&url(&file));
        let moment = if round < half {
            process.line("listening").0 + (copying + migrating) * round / half
        } else {
            // At the first, the second or the last pending migration, and a little later each time.
            let nth = usize::try_from(round % 3).expect("it is 0, 1 or 2");
            let begun = process.nth_line("upgrade begins", nth);
            begun.expect("there are three").0 + migrating * (round - half) / (2 * (rounds - half))
        };
        std::thread::sleep(moment.saturating_duration_since(Instant::now()));
        process.signal(signal);
        let status = process.wait();
        if signal == Signal::TERM {
            assert!(status.success(), "{status}:\n{}", process.output());
        }
        let found = old.look_at(&file).await;
        assert_ne!(
            found,
            Found::Between,
            "round {round}:\n{}",
            process.output()
        );
        seen.push((reached(&process.output()), found));
        old.restarts(&file).await;
    }
    let name = if signal == Signal::KILL {
        "kill -9"
    } else {
        "SIGTERM"
    };
    let count = |reached, found| {
        seen.iter()
            .filter(|seen| **seen == (reached, found))
            .count()
    };
    figures(&format!(
        "{rounds} boots of {} ms (of which {} ms from the first migration on) ended by {name}: \
         {} before the snapshot was taken, {} between snapshot and migrations, {} in the migrations and rolled back, \
         {} in the migrations and committed, {} while serving; 0 between old and new, {rounds} restarts serve",
        (copying + migrating).as_millis(),
        migrating.as_millis(),
        count(Reached::Nothing, Found::Old),
        count(Reached::Snapshot, Found::Old),
        count(Reached::Migration, Found::Old),
        count(Reached::Migration, Found::New),
        count(Reached::Serving, Found::New),
    ));
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_in_the_boot_migration_leaves_the_old_or_the_new_database_and_the_next_boot_serves()
{
    let seen = sweep(rounds(20), Signal::KILL).await;
    assert!(
        seen.contains(&(Reached::Migration, Found::Old)),
        "no kill came inside the migrations: {seen:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_boot_migration_leaves_the_old_or_the_new_database_and_the_next_boot_serves()
{
    sweep(rounds(20).div_ceil(4), Signal::TERM).await;
}

/// On PostgreSQL a migration can be held in the middle: it waits for whoever reads the table that it alters.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_boot_that_is_ended_inside_a_migration_leaves_the_old_postgres_database() {
    const TABLES: &str = "SELECT count(*) FROM pg_class WHERE relname IN \
        ('drugs', 'doctor_vacations', 'idempotency_keys', 'idx-doctor_vacations-start_date')";
    const VERSIONS: &str = "SELECT count(*) FROM seaql_migrations";
    for signal in [Signal::TERM, Signal::KILL] {
        let database_url = cluster::postgres().await;
        let Ok(first) = "+1".parse::<Target>();
        Engine::new::<Migrator>()
            .upgrade(&database_url, &first, &Options::default())
            .await
            .expect("an empty database migrates");
        let observer = sea_orm::Database::connect(&database_url)
            .await
            .expect("the database opens");
        let number = async |sql: &str| -> i64 {
            let statement = Statement::from_string(observer.get_database_backend(), sql);
            let row = observer.query_one_raw(statement).await.expect("it runs");
            let row = row.expect("there is a row");
            row.try_get_by_index(0).expect("it is a number")
        };
        let reader = observer.begin().await.expect("a transaction begins");
        reader
            .execute_unprepared("SELECT FROM drugs")
            .await
            .expect("the table is there");

        let mut process = Process::start(&database_url);
        process.line("m20260921_201500_add_instructions_field_to_drug");
        let told = Instant::now();
        process.signal(signal);
        let status = process.wait();
        assert!(told.elapsed() < Duration::from_secs(8));
        assert_eq!(status.success(), signal == Signal::TERM, "{status}");

        reader.rollback().await.expect("the reader ends");
        assert_eq!((number(TABLES).await, number(VERSIONS).await), (1, 1));
        let mut process = Process::start(&database_url);
        process.ready().await;
        let all = Engine::new::<Migrator>().names().len();
        assert_eq!(number(TABLES).await, 4);
        assert_eq!(usize::try_from(number(VERSIONS).await), Ok(all));
        process.stop();
        observer.close().await.expect("the connection closes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_seaorm_alone_is_caught_between_old_and_new_and_never_boots_again() {
    let old = Old::make().await;
    let migrate = |file: &Path, die_in: &str| {
        let mut command: Command = control("migrate", &url(file));
        command.env("CONTROL_DIE_IN", die_in);
        let mut process = Process::spawn(command);
        (process.wait(), process.output())
    };
    for pending in ["1", "2", "3"] {
        let (_directory, file) = old.fresh();
        let (status, output) = migrate(&file, pending);
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(9),
            "{output}"
        );
        assert_eq!(old.look_at(&file).await, Found::Between);
        let (status, output) = migrate(&file, "never");
        assert!(
            !status.success()
                && (output.contains("already exists") || output.contains("duplicate")),
            "{status}: {output}"
        );
    }
    // Left alone it comes to the same schema, so the difference above is the kill's.
    let (_directory, file) = old.fresh();
    assert!(migrate(&file, "never").0.success());
    assert_eq!(old.look_at(&file).await, Found::New);
}

#[tokio::test]
async fn control_a_row_that_is_gone_or_changed_is_seen() {
    let old = Old::make().await;
    for change in [
        "DELETE FROM drugs WHERE id = 7",
        "UPDATE drugs SET current_amount = 0 WHERE id = 7",
        "DROP INDEX \"idx-drugs-reorder_date\"",
        "DELETE FROM seaql_migrations",
    ] {
        let (_directory, file) = old.fresh();
        assert_eq!(old.look_at(&file).await, Found::Old);
        execute(&file, change).await;
        assert_eq!(old.look_at(&file).await, Found::Between, "{change}");
    }
}
