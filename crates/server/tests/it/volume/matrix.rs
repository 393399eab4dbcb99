//! Every archive into every service: what is there afterwards is the state of the archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _};

use super::archives::{pack, unpack};
use super::script::{Script, state};
use crate::support::file::{copy_to, execute, select, url};
use crate::support::process::{Process, figures, rounds};

const WRITER: &str = "writer";
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

/// A service with one writer.
struct Place {
    directory: tempfile::TempDir,
    process: Process,
    script: Script,
}

impl Place {
    async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut process = Process::start(&url(&directory.path().join("medicine.db")));
        let mut client = process.ready().await;
        let script = Script::begin(WRITER, &mut client).await;
        Self {
            directory,
            process,
            script,
        }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("medicine.db")
    }

    async fn write(&mut self, count: u64) {
        let mut client = self.process.ready().await;
        self.script.steps(&mut client, count).await;
    }

    fn bring(&mut self, service: Service) {
        match service {
            Service::Running => {}
            Service::Stopped => {
                assert!(self.process.stop().1.success(), "{}", self.process.output());
                let log = self.directory.path().join("medicine.db-wal");
                assert!(
                    !log.exists(),
                    "the log is put away:\n{}",
                    self.process.output()
                );
            }
            Service::Killed => self.process.kill(),
        }
    }

    async fn start(&mut self) {
        self.process = Process::start(&url(&self.file()));
        self.process.ready().await;
    }

    /// Makes an archive; answers it with the fewest and the most writes that may be in it.
    async fn archive(&mut self, service: Service) -> (PathBuf, u64, u64) {
        let archive = self.directory.path().with_extension("tgz");
        if service != Service::Running {
            self.bring(service);
            pack(self.directory.path(), &archive);
            self.start().await;
            return (archive, self.script.done, self.script.done);
        }
        let mut client = self.process.client().await;
        let fewest = self.script.done;
        let (from, to) = (self.directory.path().to_owned(), archive.clone());
        let packing = tokio::task::spawn_blocking(move || pack(&from, &to));
        while !packing.is_finished() {
            self.script.steps(&mut client, 1).await;
        }
        packing.await.expect("it does not panic");
        (archive, fewest, self.script.done)
    }
}

async fn case(made: Service, restored: Service, how: How, number: u32) -> Outcome {
    let name = format!("archive {made:?}, restored {restored:?} by {how:?}, number {number}");
    let mut place = Place::new().await;
    place.write(u64::from(20 + number * 13 % 70)).await;
    let (archive, fewest, most) = place.archive(made).await;
    place.write(u64::from(1 + number * 29 % 90)).await;
    // Long enough for the service to have seen the archiver go, so that some logs are moved before the restore.
    if number % 2 == 1 {
        tokio::time::sleep(Duration::from_millis(1100)).await;
        place.write(1).await;
    }
    place.bring(restored);
    let before = place.script.done;

    match how {
        How::Tar => unpack(&archive, place.directory.path()),
        How::Copy => overwrite(&archive, &place.file()).await,
    }
    if restored == Service::Running {
        let begun = std::time::Instant::now();
        let mut client = place.process.client().await;
        let told = |answer: &crate::support::Answer| {
            answer.status == 200 && answer.body["notices"][0]["code"].is_string()
        };
        // The connection ends with the process that it was made to.
        while !client
            .send(
                axum::http::Method::GET,
                "/health/ready",
                &[],
                &serde_json::Value::Null,
            )
            .await
            .is_ok_and(|answer| told(&answer))
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "{name}: nothing was told\n{}",
                place.process.output()
            );
            if let Ok(again) =
                crate::support::process::Client::connect(place.process.address()).await
            {
                client = again;
            }
        }
    } else {
        place.start().await;
    }
    let found = state(&place.file(), WRITER)
        .await
        .unwrap_or_else(|wrong| panic!("{name}: {wrong}\n{}", place.process.output()));
    assert!(
        (fewest..=most).contains(&found),
        "{name}: {fewest} to {most} were in it, {before} before, {found} are there now\n{}",
        place.process.output()
    );
    // It can be worked with.
    let mut client = place.process.client().await;
    let answer = client
        .post(
            "/api/v1/drugs",
            &serde_json::json!({"name": "new", "schedule_type": "as_needed", "package_size": 1}),
        )
        .await;
    assert_eq!(answer.status, 201, "{name}: {answer:?}");
    assert!(place.process.stop().1.success());
    fs::remove_file(archive).expect("it was made");
    let kept = is_kept(place.directory.path(), before).await;
    if how == How::Tar && restored != Service::Killed {
        assert!(
            kept,
            "{name}: the {before} writes from before are not kept\n{}",
            place.process.output()
        );
    }
    Outcome {
        restored: 1,
        kept_before: u32::from(kept),
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

/// What SQLite does by itself: an older file beside the log of a writer that was killed is restored in vain.
#[tokio::test]
async fn control_plain_sqlite_ignores_a_restore_beside_the_log_of_a_killed_writer() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (file, killed) = (
        directory.path().join("plain.db"),
        directory.path().join("killed.db"),
    );
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    execute_new(&options, "CREATE TABLE t (x)").await;
    let archive = fs::read(&file).expect("it is there");
    let mut writer = options.connect().await.expect("it opens");
    for _ in 0..30 {
        sqlx::query("INSERT INTO t VALUES (1)")
            .execute(&mut writer)
            .await
            .expect("it runs");
    }
    copy_to(&file, &killed);
    fs::write(&killed, archive).expect("it is restored");
    assert_eq!(
        select(&killed, "SELECT count(*) || '' FROM t").await,
        ["30"]
    );
}

async fn execute_new(options: &SqliteConnectOptions, sql: &'static str) {
    let mut connection = options.connect().await.expect("it opens");
    sqlx::query(sql)
        .execute(&mut connection)
        .await
        .expect("it runs");
    connection.close().await.expect("it closes");
}
