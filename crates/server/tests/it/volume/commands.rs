//! `backup`, `restore` and `snapshots` beside a service that works on.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::script::{Script, state};
use super::served::{Served, typed};
use crate::support::cluster;
use crate::support::file::{copy, execute, select, upgrade, url};
use crate::support::process::{Client, Process, figures, rounds, service};

const DRUGS: &str = "/api/v1/drugs";

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
    let found =
        "SELECT CAST(count(*) AS text) FROM drugs_search WHERE drugs_search MATCH 'writer*'";
    assert_eq!(select(&file, found).await.concat(), rows);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restores_while_three_clients_write_lose_nothing_that_comes_after() {
    let rounds = rounds(5);
    // The state that is restored, before the clients of each round begin.
    let mut served = Served::after(12).await;
    let backup = served.path("backup.db");
    served.told(&["backup", typed(&backup)]);
    let served_by = served.process.address();
    let mut written = 0;
    for round in 0..rounds {
        // What is written beside the restore may be in the state before it or in the one after.
        let strangers = (0..3).map(|number| {
            tokio::spawn(async move {
                let mut client = Client::connect(served_by).await.expect("it accepts");
                for write in 0..15 {
                    let name = format!("stranger {round} {number} {write}");
                    let body =
                        json!({"name": name, "schedule_type": "as_needed", "package_size": 1});
                    let answer = client.post(DRUGS, &body).await;
                    assert_eq!(answer.status, 201, "{answer:?}");
                }
            })
        });
        let strangers: Vec<_> = strangers.collect();
        let said = tokio::task::block_in_place(|| served.ask(&["restore", "-"], Some(&backup)));
        assert_eq!(said.code, Some(0), "{said:?}");
        for stranger in strangers {
            stranger.await.expect("no write fails");
        }
        assert_eq!(served.state().await, Ok(12), "round {round}");
        // And from here on nothing is lost.
        let name = format!("after{round}");
        let mut after = Script::begin(&name, &mut served.client).await;
        after.steps(&mut served.client, 6).await;
        written += 6 + 45;
        assert_eq!(state(&served.file(), &name).await, Ok(6));
    }
    let process = &mut served.process;
    assert!(process.stop().1.success());
    let output = process.output();
    assert!(!output.contains("request failed method=POST"), "{output}");
    figures(&format!(
        "{rounds} restores beside three clients, {written} writes: no 5xx, 0 lost after"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_keeps_everything_acknowledged_before_it_as_a_copy() {
    let mut served = Served::after(6).await;
    assert!(served.told(&["backup"]).contains("restore 1"));
    served.write(9).await;
    let said = served.told(&["restore", "1"]);
    assert!(said.contains("kept as copy 2"), "{said}");
    assert_eq!(served.state().await, Ok(6));
    is_derived_anew(&served.file()).await;
    served.told(&["restore", "2"]);
    assert_eq!(served.state().await, Ok(15));
    is_derived_anew(&served.file()).await;
    let listed = served.told(&["snapshots"]);
    for text in [
        "1  ",
        "manual",
        "2  ",
        "3  ",
        "pre-restore",
        "m20261123_191500",
    ] {
        assert!(listed.contains(text), "`{text}` is missing in {listed}");
    }
    // What is sent is one whole file.
    let sent = served.ask(&["backup", "-"], None);
    assert_eq!(sent.code, Some(0), "{}", sent.complaint);
    let sent_to = served.path("sent.db");
    fs::write(&sent_to, sent.printed).expect("there is room");
    assert_eq!(state(&sent_to, "writer").await, Ok(15));
    let drugs = served.client.get("/api/v1/drugs?limit=200").await;
    assert_eq!(drugs.body.as_array().map(Vec::len), Some(6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_revision_is_brought_up_to_date_and_a_newer_one_is_refused() {
    let mut served = Served::after(6).await;
    let newer = served.path("newer.db");
    upgrade(&newer, "head").await;
    execute(
        &newer,
        "INSERT INTO seaql_migrations VALUES ('m29991231_000000_from_the_future', 0)",
    )
    .await;
    let said = served.ask(&["restore", typed(&newer)], None);
    assert_eq!(said.code, Some(1));
    for text in [
        "restore-newer",
        "m29991231_000000_from_the_future",
        "The database is as it was",
    ] {
        assert!(
            said.complaint.contains(text),
            "`{text}` is missing: {said:?}"
        );
    }
    assert_eq!(served.state().await, Ok(6));

    let older = served.path("older.db");
    upgrade(&older, "+1").await;
    let said = served.told(&["restore", typed(&older)]);
    assert!(said.contains("revision m20261123_191500"), "{said}");
    let drugs = served.client.get(DRUGS).await;
    assert_eq!(drugs.body.as_array().map(Vec::len), Some(0), "{drugs:?}");
    let mut script = Script::begin("again", &mut served.client).await;
    script.steps(&mut served.client, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_restored_is_named_and_the_database_stays_as_it_was() {
    let mut served = Served::after(6).await;
    let place = |name: &str, bytes: &[u8]| {
        let path = served.path(name);
        fs::write(&path, bytes).expect("there is room");
        typed(&path).to_owned()
    };
    let empty = place("empty", b"");
    let list = place("list", &b"a shopping list ".repeat(300));
    let archive = place("archive.tgz", &[0x1f, 0x8b, 8, 0]);
    let whole = fs::read(served.file()).expect("it is there");
    let torn = place("torn.db", &whole[..20_000]);
    let foreign = place("foreign.db", b"");
    execute(Path::new(&foreign), "CREATE TABLE t (x)").await;
    for (what, text) in [
        ("77", "there is no copy 77"),
        ("nowhere.db", "there is no file nowhere.db"),
        (&*empty, "empty: it is empty"),
        (&*list, "list: it is not a SQLite database"),
        (&*archive, "archive.tgz: this is an archive"),
        (&*torn, "torn.db: it is damaged"),
        (
            &*foreign,
            "foreign.db: it is a SQLite database, but none of this program's",
        ),
    ] {
        let said = served.ask(&["restore", what], None);
        assert_eq!(said.code, Some(1), "{what}: {said:?}");
        let words = &said.complaint;
        assert!(
            words.starts_with("restore-failed  Nothing was restored"),
            "{what}: {words}"
        );
        assert!(words.contains(text), "{what}: {words}");
        assert!(
            words.contains("The database is as it was"),
            "{what}: {words}"
        );
    }
    assert_eq!(served.state().await, Ok(6));
    let left = fs::read_dir(served.directory.path()).expect("it can be read");
    let mut left = left.map(|entry| entry.expect("an entry").file_name());
    let is_hidden = |name: std::ffi::OsString| name.to_string_lossy().starts_with('.');
    assert!(!left.any(is_hidden), "nothing is left behind");
    served.write(3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_written_over_nothing_and_says_where_it_could_not_be_made() {
    let served = Served::after(6).await;
    let there = served.path("there.db");
    fs::write(&there, "something else").expect("there is room");
    let nowhere = served.path("nowhere").join("a.db");
    for (target, text) in [
        (&there, "is there already and was left as it is"),
        (&nowhere, "No such file or directory"),
    ] {
        let said = served.ask(&["backup", typed(target)], None);
        assert_eq!(said.code, Some(1), "{said:?}");
        let words = format!("backup-failed  No copy was made: {}", typed(target));
        assert!(said.complaint.starts_with(&words), "{said:?}");
        assert!(said.complaint.contains(text), "{said:?}");
    }
    assert_eq!(fs::read(&there).expect("it is there"), b"something else");
    let made = served.path("made.db");
    served.told(&["backup", typed(&made)]);
    let permissions = |path: &Path| fs::metadata(path).expect("it is there").permissions();
    assert_eq!(permissions(&made), permissions(&served.file()));
    assert_eq!(state(&made, "writer").await, Ok(6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_goes_from_sqlite_to_postgres_and_the_next_ids_come_after() {
    let mut served = Served::after(10).await;
    let vacation = json!({"start_date": "2027-01-01", "end_date": "2027-01-09"});
    served
        .client
        .post("/api/v1/doctor-vacations", &vacation)
        .await;
    let paths = ["/api/v1/drugs?limit=200", "/api/v1/doctor-vacations"];
    let mut before = Vec::new();
    for path in paths {
        before.push(served.client.get(path).await.body);
    }
    assert!(served.process.stop().1.success());

    let target = cluster::postgres().await;
    let source = url(&served.file());
    let copy = || {
        let mut command = service(&target);
        command.args(["copy-from", &source]);
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
    served.script.steps(&mut client, 10).await;
    let (code, said) = copy();
    assert_eq!(code, Some(1));
    assert!(said.contains("holds rows already"), "{said}");
}
