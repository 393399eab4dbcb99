//! What is wrong with the files is recognised, told in words, and got over without a restart where that is possible.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use domain::FixedClock;
use serde_json::json;
use server::boot::bring_up;
use server::config::Config;
use server::state::Phase;
use tokio::sync::watch;

use super::script::{Script, state};
use crate::support::Answer;
use crate::support::file::{copy_to, execute, url};
use crate::support::process::{Client, Process, configured, service};
use crate::support::small_disk::SmallDisk;

const DRUGS: &str = "/api/v1/drugs";

/// Waits for the trouble of a code, and asserts that answer, log and doctor say it, with every text.
async fn troubled(process: &mut Process, database_url: &str, code: &str, texts: &[&str]) -> Answer {
    let kind = format!("urn:medicine-tracker:problem:{code}");
    let mut client = process.client().await;
    let answer = process
        .until(&mut client, "/health/ready", |answer| {
            answer.body["type"] == kind.as_str()
        })
        .await;
    assert_eq!(answer.problem().0, 503, "{answer:?}");
    assert_eq!(
        client.get(DRUGS).await.body["detail"],
        answer.body["detail"]
    );
    let words = format!("{} {}", answer.body["title"], answer.body["detail"]);
    process.line(&format!("code=\"{code}\""));
    let (_, said) = ask(process, database_url, &["doctor"]);
    for text in texts {
        assert!(words.contains(text), "`{text}` is missing in {words}");
        assert!(said.contains(text), "`{text}` is missing in {said}");
    }
    assert!(said.starts_with(code), "{said}");
    answer
}

/// Runs a subcommand beside a service: its exit code and its words.
fn ask(process: &Process, database_url: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = service(database_url);
    command
        .env("PORT", process.address().port().to_string())
        .args(arguments);
    let mut asked = Process::spawn(command);
    let status = asked.wait();
    (status.code(), asked.output())
}

async fn served(directory: &Path) -> (Process, Script) {
    let mut process = Process::start(&url(&directory.join("medicine.db")));
    let mut client = process.ready().await;
    let script = Script::begin("writer", &mut client).await;
    (process, script)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_service_waits_and_takes_over() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (mut first, mut script) = served(directory.path()).await;
    let database_url = url(&directory.path().join("medicine.db"));
    let mut second = Process::start(&database_url);
    let pid = format!("process {}", first.pid());
    troubled(
        &mut second,
        &database_url,
        "boot-in-use",
        &[&pid, "Nothing was changed", "takes over by itself"],
    )
    .await;
    script.steps(&mut first.client().await, 5).await;
    first.kill();
    let mut client = second.ready().await;
    script.steps(&mut client, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_without_its_database_is_kept_until_the_database_is_back() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (mut process, mut script) = served(directory.path()).await;
    script.steps(&mut process.client().await, 7).await;
    process.kill();
    let file = directory.path().join("medicine.db");
    let elsewhere = directory.path().join("elsewhere");
    fs::rename(&file, &elsewhere).expect("it is there");
    let log = fs::read(directory.path().join("medicine.db-wal")).expect("it is there");
    let mut process = Process::start(&url(&file));
    troubled(
        &mut process,
        &url(&file),
        "boot-missing",
        &[
            "medicine.db is gone",
            "medicine.db-wal",
            "Nothing was changed",
        ],
    )
    .await;
    assert!(fs::read(directory.path().join("medicine.db-wal")).expect("it is there") == log);
    fs::rename(&elsewhere, &file).expect("it is there");
    process.ready().await;
    assert_eq!(state(&file, "writer").await, Ok(7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_file_is_not_served_and_a_copy_is_offered_and_restored_without_a_restart() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (mut process, mut script) = served(directory.path()).await;
    script.steps(&mut process.client().await, 30).await;
    let database_url = url(&directory.path().join("medicine.db"));
    let (code, said) = ask(&process, &database_url, &["backup"]);
    assert_eq!(code, Some(0), "{said}");
    process.kill();
    let file = directory.path().join("medicine.db");
    execute(&file, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let whole = fs::read(&file).expect("it is there");
    fs::write(&file, &whole[..whole.len() / 2]).expect("it is torn");

    let mut process = Process::start(&database_url);
    let texts = [
        "is damaged",
        "Nothing was changed",
        "copy is number 1",
        "restore 1",
    ];
    troubled(&mut process, &database_url, "boot-damaged", &texts).await;
    let (code, said) = ask(&process, &database_url, &["restore", "1"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("quarantine"), "{said}");
    process.ready().await;
    assert_eq!(state(&file, "writer").await, Ok(30));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_in_1970_is_waited_out() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let database_url = url(&directory.path().join("medicine.db"));
    let config = Config::read(|name| (name == "DATABASE_URL").then(|| database_url.clone()));
    let clock = Arc::new(FixedClock::new(DateTime::UNIX_EPOCH));
    let (phase, mut phases) = watch::channel(Phase::Starting);
    let config = config.expect("it is valid");
    let boot = tokio::spawn(bring_up(config, clock.clone(), phase));
    let troubled = |phase: &Phase| matches!(phase, Phase::Troubled(_));
    {
        let phase = phases.wait_for(troubled).await.expect("it goes on");
        let Phase::Troubled(trouble) = &*phase else {
            unreachable!("it was waited for")
        };
        assert_eq!(trouble.code, "boot-clock");
        let words = format!("{} {}", trouble.title, trouble.detail);
        for text in ["1970-01-01", "Nothing was changed", "timedatectl"] {
            assert!(words.contains(text), "`{text}` is missing in {words}");
        }
    }
    assert!(!directory.path().join("medicine.db").exists());
    clock.set("2026-11-22T11:00:00Z".parse().expect("an instant"));
    let serving = |phase: &Phase| matches!(phase, Phase::Serving(_));
    phases.wait_for(serving).await.expect("it goes on");
    boot.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_behind_the_last_entry_is_told() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (mut process, _) = served(directory.path()).await;
    process.stop();
    let file = directory.path().join("medicine.db");
    execute(
        &file,
        "UPDATE drugs SET updated_at = '2999-01-02 03:04:05+00:00'",
    )
    .await;
    let mut process = Process::start(&url(&file));
    let answer = process.ready().await.get("/health/ready").await;
    let notices = answer.body["notices"]
        .as_array()
        .expect("there are notices");
    let behind = notices
        .iter()
        .find(|notice| notice["code"] == "clock-behind");
    let detail = behind.expect("it is noticed")["detail"].to_string();
    assert!(detail.contains("2999-01-02 03:04"), "{detail}");
    let (code, said) = ask(&process, &url(&file), &["doctor"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("clock-behind"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_volume_is_told_until_it_can_be_written() {
    let mut disk = SmallDisk::new(8);
    let mut process = Process::spawn(disk.service());
    process.ready().await;
    process.stop();
    disk.set_read_only(true);
    let mut process = Process::spawn(disk.service());
    let mut client = process.client().await;
    let answer = process
        .until(&mut client, DRUGS, |answer| {
            answer.body["type"] == "urn:medicine-tracker:problem:boot-read-only"
        })
        .await;
    assert!(
        answer.body["detail"]
            .to_string()
            .contains("Mount it writable"),
        "{answer:?}"
    );
    disk.set_read_only(false);
    process.ready().await;
}

/// Only root can give files away; an ordinary user who runs the tests sees the same in a directory that is closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_another_owner_are_told_until_they_are_given_back() {
    let is_root = rustix::process::geteuid().is_root();
    let directory = tempfile::tempdir_in("/tmp").expect("a temporary directory");
    let file = directory.path().join("medicine.db");
    let mut process = Process::start(&url(&file));
    process.ready().await;
    process.stop();
    let set = |mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode))
            .expect("it is ours");
    };
    set(0o555);
    let program = env!("CARGO_BIN_EXE_medicine-tracker");
    let (mut command, texts) = if is_root {
        // The program may lie where nobody else may look, so it is run through its descriptor.
        let mut command = Command::new("sh");
        let script = "exec 9<\"$0\"; exec setpriv --reuid=65534 --clear-groups /proc/self/fd/9";
        command.args(["-c", script, program]);
        (command, ["belongs to user 0", "runs as user 65534"])
    } else {
        (
            Command::new(program),
            ["may not be written", "runs as user"],
        )
    };
    command = configured(command, &url(&file));
    let mut process = Process::spawn(command);
    let mut client = process.client().await;
    let answer = process
        .until(&mut client, DRUGS, |answer| {
            answer.body["type"] == "urn:medicine-tracker:problem:boot-owner"
        })
        .await;
    let words = format!("{} {}", answer.body["title"], answer.body["detail"]);
    for text in texts
        .iter()
        .chain(&["chown -R", "Nothing was changed", "the data is there"])
    {
        assert!(words.contains(text), "`{text}` is missing in {words}");
    }
    set(0o777);
    if is_root {
        for entry in fs::read_dir(directory.path()).expect("it can be read") {
            let path = entry.expect("an entry").path();
            std::os::unix::fs::chown(path, Some(65534), Some(65534)).expect("we are root");
        }
    }
    process.ready().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_removed_under_the_service_is_kept_as_a_copy_and_nothing_more_is_acknowledged()
 {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (mut process, mut script) = served(directory.path()).await;
    let mut client = process.client().await;
    script.steps(&mut client, 9).await;
    let file = directory.path().join("medicine.db");
    fs::remove_file(&file).expect("it is there");
    let drug = json!({"name": "late", "schedule_type": "as_needed", "package_size": 1});
    let answer = client.post(DRUGS, &drug).await;
    assert_eq!(
        answer.body["type"], "urn:medicine-tracker:problem:database-replaced",
        "{answer:?}"
    );
    process.line("boot-missing");
    let copies = fs::read_dir(directory.path().join("snapshots")).expect("there is a copy");
    let copy = copies
        .map(|entry| entry.expect("an entry").path())
        .next()
        .expect("there is a copy");
    assert_eq!(state(&copy, "writer").await, Ok(9));
    let (code, said) = ask(&process, &url(&file), &["restore", "1"]);
    assert_eq!(code, Some(0), "{said}");
    let mut client = Client::connect(process.address())
        .await
        .expect("it accepts");
    process
        .until(&mut client, "/health/ready", |answer| answer.status == 200)
        .await;
    script.steps(&mut client, 3).await;
}

/// The log becomes long, but the file is not written as long as somebody has the directory open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_is_not_written_while_somebody_reads_the_directory() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (process, mut script) = served(directory.path()).await;
    let mut client = process.client().await;
    let file = directory.path().join("medicine.db");
    let log = directory.path().join("medicine.db-wal");
    let mut archiver = Command::new("sh")
        .args(["-c", "exec 3<\"$0\"; echo open; read end"])
        .arg(directory.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("there is a shell");
    let mut line = [0; 5];
    std::io::Read::read_exact(archiver.stdout.as_mut().expect("a pipe"), &mut line)
        .expect("it opens");
    let written = || fs::metadata(&file).expect("it is there");
    let before = written().modified().expect("it has a time");
    while fs::metadata(&log).expect("it is there").len() < 5 * 1024 * 1024 {
        script.steps(&mut client, 10).await;
    }
    assert_eq!(written().modified().expect("it has a time"), before);
    drop(archiver.stdin.take());
    archiver.wait().expect("it ends");
    let deadline = std::time::Instant::now() + crate::support::process::DEADLINE;
    while written().modified().expect("it has a time") == before {
        assert!(
            std::time::Instant::now() < deadline,
            "the log is not moved:\n{}",
            process.output()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A stop puts the log away, so that the file alone is the whole database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_stop_the_file_alone_holds_everything() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (mut process, mut script) = served(directory.path()).await;
    script.steps(&mut process.client().await, 40).await;
    assert!(process.stop().1.success());
    let file = directory.path().join("medicine.db");
    assert!(!directory.path().join("medicine.db-wal").exists());
    let elsewhere = directory.path().join("alone");
    fs::create_dir(&elsewhere).expect("it is new");
    copy_to(&file, &elsewhere.join("medicine.db"));
    assert_eq!(
        state(&elsewhere.join("medicine.db"), "writer").await,
        Ok(40)
    );
}
