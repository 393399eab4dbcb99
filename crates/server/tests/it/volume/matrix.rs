//! Every archive into every service: what is there afterwards is the state of the archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::http::Method;
use futures_util::StreamExt as _;
use serde_json::Value;

use super::archives::{pack, unpack};
use super::script::state;
use super::served::{Served, WRITER};
use crate::support::file::execute;
use crate::support::process::{Client, DEADLINE, Process, figures, rounds};

/// Cases at a time: most of their time they wait.
const BESIDE: usize = 3;

/// What the service was doing when the archive was made, or when it was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Running,
    Stopped,
    Killed,
}

/// How an archive is brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Unpacked over what is there.
    Tar,
    /// The database alone, written into the file that is there.
    Copy,
}

/// What came of it.
#[derive(Debug, Default)]
struct Outcome {
    restored: u32,
    kept_before: u32,
}

/// Lets the service go on, stops it, or kills it.
fn bring(served: &mut Served, service: Service) {
    match service {
        Service::Running => {}
        Service::Stopped => {
            let process = &mut served.process;
            assert!(process.stop().1.success(), "{}", process.output());
            let output = process.output();
            let log = served.path("medicine.db-wal");
            assert!(!log.exists(), "the log is put away:\n{output}");
        }
        Service::Killed => served.process.kill(),
    }
}

/// Makes an archive; answers it with the fewest and the most writes that may be in it.
async fn archive(served: &mut Served, service: Service) -> (PathBuf, u64, u64) {
    let archive = served.directory.path().with_extension("tgz");
    if service != Service::Running {
        bring(served, service);
        pack(served.directory.path(), &archive);
        served.start();
        served.ready().await;
        return (archive, served.script.done, served.script.done);
    }
    let fewest = served.script.done;
    let (from, to) = (served.directory.path().to_owned(), archive.clone());
    let packing = tokio::task::spawn_blocking(move || pack(&from, &to));
    while !packing.is_finished() {
        served.write(1).await;
    }
    packing.await.expect("it does not panic");
    (archive, fewest, served.script.done)
}

async fn case(made: Service, restored: Service, how: How, number: u32) -> Outcome {
    let name = format!("archive {made:?}, restored {restored:?} by {how:?}, number {number}");
    let mut place = Served::after(u64::from(20 + number * 13 % 70)).await;
    let (archive, fewest, most) = archive(&mut place, made).await;
    place.write(u64::from(1 + number * 29 % 90)).await;
    // Long enough for the service to have seen the archiver go, so that some logs are moved before the restore.
    if number % 2 == 1 {
        tokio::time::sleep(Duration::from_millis(1100)).await;
        place.write(1).await;
    }
    bring(&mut place, restored);
    let before = place.script.done;

    bring_back(&archive, &place, how).await;
    if restored == Service::Running {
        place.client = tells(&place.process, &name).await;
    } else {
        place.start();
        place.ready().await;
    }
    let found = place
        .state()
        .await
        .unwrap_or_else(|wrong| panic!("{name}: {wrong}\n{}", place.process.output()));
    assert!(
        (fewest..=most).contains(&found),
        "{name}: {fewest} to {most} were in it, {before} before, {found} are there now\n{}",
        place.process.output()
    );
    // It can be worked with.
    let drug = serde_json::json!({"name": "new", "schedule_type": "as_needed", "package_size": 1});
    let answer = place
        .client
        .send(Method::POST, "/api/v1/drugs", &[], &drug)
        .await;
    assert!(
        answer.as_ref().is_ok_and(|answer| answer.status == 201),
        "{name}: {answer:?}\n{}",
        place.process.output()
    );
    assert!(place.process.stop().1.success());
    fs::remove_file(archive).expect("it was made");
    let kept = is_kept(place.directory.path(), before).await;
    assert!(
        kept,
        "{name}: the {before} writes from before are not kept\n{}",
        place.process.output()
    );
    Outcome {
        restored: 1,
        kept_before: u32::from(kept),
    }
}

async fn bring_back(archive: &Path, served: &Served, how: How) {
    match how {
        How::Tar => unpack(archive, served.directory.path()),
        How::Copy => overwrite(archive, &served.file()).await,
    }
}

/// Waits until a service that goes on says that its file was changed.
async fn tells(process: &Process, name: &str) -> Client {
    let deadline = Instant::now() + DEADLINE;
    loop {
        // A connection ends with the process that it was made to.
        if let Ok(mut client) = Client::connect(process.address()).await
            && let Ok(answer) = client
                .send(Method::GET, "/health/ready", &[], &Value::Null)
                .await
            && answer.status == 200
            && let Some(code) = answer.body["notices"][0]["code"].as_str()
        {
            assert!(
                ["database-restored", "log-set-aside"].contains(&code),
                "{answer:?}"
            );
            return client;
        }
        assert!(
            Instant::now() < deadline,
            "{name}: it tells nothing:\n{}",
            process.output()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Writes the database of an archive into a file's own place.
async fn overwrite(archive: &Path, file: &Path) {
    let room = tempfile::tempdir().expect("a temporary directory");
    unpack(archive, room.path());
    let from = room.path().join("medicine.db");
    // Who copies the one file has brought its log into it.
    execute(&from, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let mut from = fs::File::open(from).expect("it is there");
    let mut to = fs::File::options()
        .write(true)
        .truncate(true)
        .open(file)
        .expect("it is there");
    std::io::copy(&mut from, &mut to).expect("it is copied");
}

async fn is_kept(directory: &Path, before: u64) -> bool {
    let Ok(copies) = fs::read_dir(directory.join("snapshots")) else {
        return false;
    };
    for copy in copies {
        let path = copy.expect("the directory can be read").path();
        if state(&path, WRITER).await == Ok(before) {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_archive_restored_into_every_service_is_what_is_there_then() {
    let rounds = rounds(1);
    let mut cases = Vec::new();
    for made in [Service::Running, Service::Stopped, Service::Killed] {
        for restored in [Service::Running, Service::Stopped, Service::Killed] {
            for how in [How::Tar, How::Copy] {
                cases.push((made, restored, how));
            }
        }
    }
    let runs = cases
        .iter()
        .flat_map(|case| (0..rounds).map(move |number| (*case, number)));
    let outcomes = futures_util::stream::iter(runs)
        .map(|((made, restored, how), number)| async move {
            (
                (made, restored, how),
                case(made, restored, how, number).await,
            )
        })
        .buffer_unordered(BESIDE)
        .collect::<Vec<_>>()
        .await;
    for wanted in cases {
        let (mut restored, mut kept) = (0, 0);
        for (_, outcome) in outcomes.iter().filter(|(found, _)| *found == wanted) {
            restored += outcome.restored;
            kept += outcome.kept_before;
        }
        figures(&format!(
            "archive {:?}, restored {:?} by {:?}: {restored} of {rounds} restored, the state before kept as a copy in {kept}",
            wanted.0, wanted.1, wanted.2
        ));
    }
}

/// The same archives brought back by the same hands, and looked at without the service: what SQLite makes of them
/// alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_sqlite_alone_does_not_go_back_to_the_archive() {
    for how in [How::Tar, How::Copy] {
        let mut served = Served::after(40).await;
        let (archive, fewest, most) = archive(&mut served, Service::Stopped).await;
        served.write(50).await;
        bring(&mut served, Service::Killed);
        bring_back(&archive, &served, how).await;
        fs::remove_file(archive).expect("it was made");
        let found = served.state().await;
        let is_restored = found
            .as_ref()
            .is_ok_and(|found| (fewest..=most).contains(found));
        assert!(!is_restored, "by {how:?}: {found:?}");
    }
}
