//! An archive of the volume that is made while the service writes.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use super::script::{Script, Writing, state};
use crate::support::file::{select, url};
use crate::support::process::{Process, figures, rounds};

/// Makes an archive of a directory with the guide's command.
pub(super) fn pack(directory: &Path, archive: &Path) {
    run(
        Command::new("tar")
            .arg("czf")
            .arg(archive)
            .arg("-C")
            .arg(directory)
            .arg("."),
        &[0, 1],
    );
}

/// Unpacks an archive with the guide's command.
pub(super) fn unpack(archive: &Path, directory: &Path) {
    let script = "cd \"$0\" && tar xzf \"$1\"";
    run(
        Command::new("sh")
            .args(["-c", script])
            .arg(directory)
            .arg(archive),
        &[0],
    );
}

fn run(command: &mut Command, codes: &[i32]) {
    let output = command.output().expect("the program is there");
    let code = output.status.code();
    let is_expected = code.is_some_and(|code| codes.contains(&code));
    assert!(
        is_expected,
        "{command:?}: {code:?} {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Makes archives while the writers go on, and judges each.
async fn archives(directory: &Path, name: &str, writers: &[(String, Writing)], count: u32) -> u32 {
    let database = directory.join("medicine.db");
    // Looking into the directory would make this test a visitor.
    let written = || {
        fs::metadata(&database)
            .and_then(|found| found.modified())
            .expect("it is there")
    };
    let mut moved = 0;
    for number in 0..count {
        let before = written();
        // The first of them come while the log is moved, which waits for a second without visitors.
        tokio::time::sleep(Duration::from_millis(u64::from(number * 37 % 1400))).await;
        let acknowledged: Vec<u64> = writers.iter().map(|(_, writing)| writing.done()).collect();
        let work = tempfile::tempdir().expect("a temporary directory");
        let archive = work.path().join("volume.tgz");
        let room = work.path().join("restored");
        fs::create_dir(&room).expect("it is new");
        let from = directory.to_owned();
        let to = archive.clone();
        tokio::task::spawn_blocking(move || pack(&from, &to))
            .await
            .expect("it does not panic");
        unpack(&archive, &room);
        for ((writer, writing), acknowledged) in writers.iter().zip(acknowledged) {
            let found = state(&room.join("medicine.db"), writer)
                .await
                .unwrap_or_else(|wrong| panic!("{name} {number}: {wrong}"));
            let most = writing.done() + 1;
            assert!(
                (acknowledged..=most).contains(&found),
                "{name} {number}: {acknowledged} of {writer} were acknowledged before the archive was begun, {found} are in it"
            );
        }
        moved += u32::from(written() != before);
    }
    moved
}

async fn hot(name: &str, clients: u32, pause: Duration, count: u32) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut process = Process::start(&url(&directory.path().join("medicine.db")));
    let mut client = process.ready().await;
    let mut writers = Vec::new();
    for number in 0..clients {
        let writer = format!("writer{number}");
        let script = Script::begin(&writer, &mut client).await;
        writers.push((writer, script.go_on(&process, pause)));
    }
    let moved = archives(directory.path(), name, &writers, count).await;
    let mut written = 0;
    for (_, writing) in writers {
        written += writing.end().await.done;
    }
    figures(&format!(
        "{count} archives {name}, {written} writes, the log moved between {moved} of them: 0 not restorable, 0 acknowledged \
         writes lost, 0 mixtures"
    ));
    assert!(process.stop().1.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_made_under_full_load_holds_everything_acknowledged_before() {
    // Written at full speed a volume soon takes half a minute to archive, so a new one is begun.
    let mut left = rounds(8);
    while left > 0 {
        let count = left.min(40);
        hot("under full load", 3, Duration::ZERO, count).await;
        left -= count;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_made_at_twenty_writes_a_second_holds_everything_acknowledged_before() {
    hot(
        "at 20 writes a second",
        1,
        Duration::from_millis(50),
        rounds(4),
    )
    .await;
}

/// What SQLite does by itself: the log is moved and begun anew between the two readings of one archive.
#[tokio::test]
async fn control_an_archive_of_a_plain_sqlite_writer_loses_what_was_acknowledged() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("plain.db");
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let mut writer = options.connect().await.expect("it opens");
    run_sql(&mut writer, "CREATE TABLE t (x)").await;
    run_sql(&mut writer, "INSERT INTO t VALUES (1)").await;
    let archive = directory.path().join("archive.db");
    // An archiver reads the file, the writer's log becomes long, and the archiver reads the log.
    fs::copy(&file, &archive).expect("it is copied");
    let long = "INSERT INTO t SELECT zeroblob(3000) FROM generate_series(1, 1200)";
    let long = long.replace(
        "generate_series(1, 1200)",
        "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) SELECT i FROM n)",
    );
    run_sql(&mut writer, &long).await;
    run_sql(&mut writer, "INSERT INTO t VALUES (2)").await;
    fs::copy(
        directory.path().join("plain.db-wal"),
        directory.path().join("archive.db-wal"),
    )
    .expect("it is copied");
    let found =
        tokio::spawn(
            async move { select(&archive, "SELECT count(*) || '' FROM t WHERE x = 1").await },
        );
    assert!(
        found.await.map_or(true, |found| found != ["1"]),
        "the row was acknowledged before the archive was begun, and is in it"
    );
}

async fn run_sql(connection: &mut SqliteConnection, sql: &str) {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    query.execute(connection).await.expect("it runs");
}
