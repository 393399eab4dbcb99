//! Eight processes that boot at once on one empty database.

use std::process::ExitStatus;

use migration::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, Statement};

use crate::support::cluster;
use crate::support::control::control;
use crate::support::file::{schema, upgrade, url};
use crate::support::process::{Process, figures, rounds};

const PROCESSES: usize = 8;

/// How many migrations there are.
fn migrations() -> usize {
    Migrator::migrations().len()
}

/// The versions that are recorded.
async fn versions(database_url: &str) -> Vec<String> {
    let connection = sea_orm::Database::connect(database_url)
        .await
        .expect("the database opens");
    let versions = Statement::from_string(
        connection.get_database_backend(),
        "SELECT version FROM seaql_migrations ORDER BY version",
    );
    let rows = connection
        .query_all_raw(versions)
        .await
        .expect("there are versions");
    connection.close().await.expect("the connection closes");

    let versions = rows.iter().map(|row| row.try_get_by_index(0));
    versions.collect::<Result<_, _>>().expect("they are text")
}

fn boot(database_url: &str) -> Vec<Process> {
    let processes = (0..PROCESSES).map(|_| Process::start(database_url));
    processes.collect()
}

/// Ends a process well, and answers how many migrations it has run.
fn stop(process: &mut Process) -> usize {
    let (_, status) = process.stop();
    assert!(status.success(), "{status}:\n{}", process.output());
    process.output().matches("upgrade begins").count()
}

/// Finds the one that serves, and sees that each of the others says that it is waiting.
async fn the_one_that_serves(processes: &mut [Process]) -> usize {
    let mut serving = None;
    while serving.is_none() {
        for (number, process) in processes.iter_mut().enumerate() {
            if process.client().await.get("/health/ready").await.status == 200 {
                serving = Some(number);
            }
        }
    }
    for (number, process) in processes.iter_mut().enumerate() {
        if Some(number) != serving {
            let mut client = process.client().await;
            let answer = process
                .until(&mut client, "/health/ready", |answer| {
                    answer.body["type"] != "urn:medicine-tracker:problem:starting"
                })
                .await;
            assert_eq!(
                answer.body["type"], "urn:medicine-tracker:problem:boot-in-use",
                "{answer:?}"
            );
        }
    }
    serving.expect("it was found")
}

/// Whether as many versions are recorded as there are migrations, each once.
fn each_once(versions: &[String]) -> bool {
    versions.len() == migrations() && versions.is_sorted_by(|a, b| a < b)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_processes_boot_at_once_on_an_empty_sqlite_file() {
    let rounds = rounds(2).min(10);
    for _ in 0..rounds {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("medicine.db");
        let mut processes = boot(&url(&file));
        let mut runs = 0;
        // One serves; when it ends, the next takes over.
        while !processes.is_empty() {
            let serving = the_one_that_serves(&mut processes).await;
            runs += stop(&mut processes.remove(serving));
        }
        assert_eq!(runs, migrations(), "each migration is run by one process");
        let versions = versions(&url(&file)).await;
        assert!(each_once(&versions), "{versions:?}");
        let expected = directory.path().join("expected.db");
        upgrade(&expected, "head").await;
        assert_eq!(schema(&file).await, schema(&expected).await);
    }
    figures(&format!(
        "{rounds} times 8 boots at once on an empty SQLite file: one served after the other, each migration ran once"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_processes_boot_at_once_on_an_empty_postgres_database() {
    let rounds = rounds(2).min(10);
    for _ in 0..rounds {
        let database_url = cluster::postgres().await;
        let mut processes = boot(&database_url);
        for process in &mut processes {
            process.ready().await;
        }
        let versions = versions(&database_url).await;
        let runs: usize = processes.iter_mut().map(stop).sum();
        assert_eq!(runs, migrations(), "each migration is run by one process");
        assert!(each_once(&versions), "{versions:?}");
    }
    figures(&format!(
        "{rounds} times 8 boots at once on an empty PostgreSQL database: all became ready, each migration ran once"
    ));
}

/// All have read the state before the first changes it: the moment that a lock excludes.
#[test]
fn control_of_eight_runners_of_seaorm_alone_only_one_survives() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let database_url = url(&directory.path().join("medicine.db"));
    let mut processes: Vec<_> = (0..PROCESSES)
        .map(|_| {
            let process = Process::spawn(control("race", &database_url));
            process.line("the state is read");
            process
        })
        .collect();
    for process in &mut processes {
        process.tell("go on");
    }
    let ends: Vec<ExitStatus> = processes.iter_mut().map(Process::wait).collect();
    let survivors = ends.iter().filter(|status| status.success()).count();
    let said: String = processes.iter().map(Process::output).collect();
    assert!(survivors <= 1, "{survivors} survived:\n{said}");
    assert!(said.contains("already exists"), "{said}");
}
