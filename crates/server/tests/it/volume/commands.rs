//! `backup`, `restore` and `snapshots` beside a service that works on.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use super::script::{Script, state};
use crate::support::cluster;
use crate::support::file::{copy, execute, select, upgrade, url};
use crate::support::process::{Process, figures, rounds, service};

/// Runs a subcommand on a database: its exit code, what it prints, and what it complains of.
fn run(file: &Path, arguments: &[&str], input: Option<&Path>) -> (Option<i32>, Vec<u8>, String) {
    let mut command = service(&url(file));
    command.args(arguments).stdin(match input {
        Some(path) => Stdio::from(fs::File::open(path).expect("it is there")),
        None => Stdio::null(),
    });
    let output = command.output().expect("the program is there");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), output.stdout, said)
}

fn succeeds(file: &Path, arguments: &[&str]) -> String {
    let (code, printed, said) = run(file, arguments, None);
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    String::from_utf8(printed).expect("it is text")
}

/// The counts and the search index are those of the drugs that are there now.
async fn is_derived_anew(file: &Path) {
    let (_directory, file) = copy(file);
    let counted = "SELECT (SELECT sum(n) FROM drug_counts) || ' ' || count(*) FROM drugs";
    let counted = select(&file, counted).await.concat();
    let (sum, rows) = counted.split_once(' ').expect("two numbers");
    assert_eq!(sum, rows);
    // It fails where the index and the drugs do not agree.
    let agree = "INSERT INTO drugs_search (drugs_search, rank) VALUES ('integrity-check', 1)";
    execute(&file, agree).await;
    let found = "SELECT CAST(count(*) AS text) FROM drugs_search WHERE drugs_search MATCH 'writer'";
    assert_eq!(select(&file, found).await.concat(), rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restores_while_three_clients_write_lose_nothing_that_comes_after() {
    let rounds = rounds(5);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("medicine.db");
    let mut process = Process::start(&url(&file));
    let mut client = process.ready().await;
    // The state that is restored, before the clients of each round begin.
    let mut old = Script::begin("old", &mut client).await;
    old.steps(&mut client, 12).await;
    let backup = directory.path().join("backup.db");
    succeeds(&file, &["backup", backup.to_str().expect("it is text")]);
    let mut written = 0;
    for round in 0..rounds {
        // What is written beside the restore may be in the state before it or in the one after.
        let mut strangers = Vec::new();
        for number in 0..3 {
            let address = process.address();
            strangers.push(tokio::spawn(async move {
                let mut client = crate::support::process::Client::connect(address).await.expect("it accepts");
                for write in 0..15 {
                    let name = format!("stranger {round} {number} {write}");
                    let body = serde_json::json!({"name": name, "schedule_type": "as_needed", "package_size": 1});
                    let answer = client.post("/api/v1/drugs", &body).await;
                    assert_eq!(answer.status, 201, "{answer:?}");
                }
            }));
        }
        let (database, from) = (file.clone(), backup.clone());
        let restored =
            tokio::task::spawn_blocking(move || run(&database, &["restore", "-"], Some(&from)));
        let (code, _, said) = restored.await.expect("it does not panic");
        assert_eq!(code, Some(0), "{said}");
        for stranger in strangers {
            stranger.await.expect("no write fails");
        }
        assert_eq!(state(&file, "old").await, Ok(12), "round {round}");
        // And from here on nothing is lost.
        let mut after = Script::begin(&format!("after{round}"), &mut client).await;
        after.steps(&mut client, 6).await;
        written += 6 + 45;
        assert_eq!(state(&file, &format!("after{round}")).await, Ok(6));
    }
    assert!(process.stop().1.success());
    assert!(
        !process.output().contains("request failed method=POST"),
        "{}",
        process.output()
    );
    figures(&format!(
        "{rounds} restores beside three clients, {written} writes: no 5xx, 0 lost after"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_keeps_everything_acknowledged_before_it_as_a_copy() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("medicine.db");
    let mut process = Process::start(&url(&file));
    let mut client = process.ready().await;
    let mut script = Script::begin("writer", &mut client).await;
    script.steps(&mut client, 6).await;
    assert!(succeeds(&file, &["backup"]).contains("restore 1"));
    script.steps(&mut client, 9).await;
    let said = succeeds(&file, &["restore", "1"]);
    assert!(said.contains("kept as copy 2"), "{said}");
    assert_eq!(state(&file, "writer").await, Ok(6));
    is_derived_anew(&file).await;
    succeeds(&file, &["restore", "2"]);
    assert_eq!(state(&file, "writer").await, Ok(15));
    is_derived_anew(&file).await;
    let listed = succeeds(&file, &["snapshots"]);
    for text in [
        "1  ",
        "manual",
        "2  ",
        "3  ",
        "pre-restore",
        "m20261026_193000",
    ] {
        assert!(listed.contains(text), "`{text}` is missing in {listed}");
    }
    // What is sent is one whole file.
    let (code, sent, said) = run(&file, &["backup", "-"], None);
    assert_eq!(code, Some(0), "{said}");
    let sent_to = directory.path().join("sent.db");
    fs::write(&sent_to, sent).expect("there is room");
    assert_eq!(state(&sent_to, "writer").await, Ok(15));
    let drugs = process.ready().await.get("/api/v1/drugs?limit=200").await;
    assert_eq!(drugs.body.as_array().map(Vec::len), Some(6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_revision_is_brought_up_to_date_and_a_newer_one_is_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("medicine.db");
    let mut process = Process::start(&url(&file));
    let mut client = process.ready().await;
    let mut script = Script::begin("writer", &mut client).await;
    script.steps(&mut client, 6).await;

    let newer = directory.path().join("newer.db");
    upgrade(&newer, "head").await;
    execute(
        &newer,
        "INSERT INTO seaql_migrations VALUES ('m29991231_000000_from_the_future', 0)",
    )
    .await;
    let (code, _, said) = run(
        &file,
        &["restore", newer.to_str().expect("it is text")],
        None,
    );
    assert_eq!(code, Some(1));
    for text in [
        "restore-newer",
        "m29991231_000000_from_the_future",
        "The database is as it was",
    ] {
        assert!(said.contains(text), "`{text}` is missing in {said}");
    }
    assert_eq!(state(&file, "writer").await, Ok(6));

    let older = directory.path().join("older.db");
    upgrade(&older, "+1").await;
    let said = succeeds(&file, &["restore", older.to_str().expect("it is text")]);
    assert!(said.contains("revision m20261026_193000"), "{said}");
    let drugs = client.get("/api/v1/drugs").await;
    assert_eq!(drugs.body.as_array().map(Vec::len), Some(0), "{drugs:?}");
    script = Script::begin("again", &mut client).await;
    script.steps(&mut client, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_restored_is_named_and_the_database_stays_as_it_was() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("medicine.db");
    let mut process = Process::start(&url(&file));
    let mut client = process.ready().await;
    let mut script = Script::begin("writer", &mut client).await;
    script.steps(&mut client, 6).await;
    let place = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).expect("there is room");
        path.to_str().expect("it is text").to_owned()
    };
    let empty = place("empty", b"");
    let list = place("list", &b"a shopping list ".repeat(300));
    let archive = place("archive.tgz", &[0x1f, 0x8b, 8, 0]);
    let torn = place("torn.db", &fs::read(&file).expect("it is there")[..20_000]);
    let foreign = place("foreign.db", b"");
    execute(Path::new(&foreign), "CREATE TABLE t (x)").await;
    for (what, text) in [
        ("77", "there is no copy 77"),
        ("nowhere.db", "there is no file nowhere.db"),
        (&*empty, "the file is empty"),
        (&*list, "it is not a SQLite database"),
        (&*archive, "this is an archive"),
        (&*torn, "it is damaged"),
        (&*foreign, "none of this program's"),
    ] {
        let (code, _, said) = run(&file, &["restore", what], None);
        assert_eq!(code, Some(1), "{what}: {said}");
        assert!(
            said.starts_with("restore-failed  Nothing was restored") && said.contains(text),
            "{what}: {said}"
        );
        assert!(said.contains("The database is as it was"), "{what}: {said}");
    }
    assert_eq!(state(&file, "writer").await, Ok(6));
    let left = fs::read_dir(directory.path()).expect("it can be read");
    let left = left.filter(|entry| {
        entry
            .as_ref()
            .is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with('.'))
    });
    assert_eq!(left.count(), 0, "nothing is left behind");
    script.steps(&mut client, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_goes_from_sqlite_to_postgres_and_the_next_ids_come_after() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("medicine.db");
    let mut process = Process::start(&url(&file));
    let mut client = process.ready().await;
    let mut script = Script::begin("writer", &mut client).await;
    script.steps(&mut client, 10).await;
    let vacation = serde_json::json!({"start_date": "2027-01-01", "end_date": "2027-01-09"});
    client.post("/api/v1/doctor-vacations", &vacation).await;
    let paths = ["/api/v1/drugs?limit=200", "/api/v1/doctor-vacations"];
    let mut before = Vec::new();
    for path in paths {
        before.push(client.get(path).await.body);
    }
    assert!(process.stop().1.success());

    let target = cluster::postgres().await;
    let copy = || {
        let mut command = service(&target);
        command.args(["copy-from", &url(&file)]);
        let output = command.output().expect("the program is there");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert_eq!(copy(), (Some(0), String::new()));
    let mut process = Process::start(&target);
    let mut client = process.ready().await;
    for (path, before) in paths.iter().zip(before) {
        assert_eq!(client.get(path).await.body, before);
    }
    script.steps(&mut client, 10).await;
    let (code, said) = copy();
    assert_eq!(code, Some(1));
    assert!(said.contains("holds rows already"), "{said}");
}
