//! What is done to the files while a service runs on them, and how it leaves them.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::script::state;
use super::served::Served;
use crate::support::file::copy_to;

const DRUGS: &str = "/api/v1/drugs";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_removed_under_the_service_is_kept_as_a_copy_and_nothing_more_is_acknowledged()
 {
    let mut served = Served::after(9).await;
    let file = served.file();
    fs::remove_file(&file).expect("it is there");
    let drug = json!({"name": "late", "schedule_type": "as_needed", "package_size": 1});
    let answer = served.client.post(DRUGS, &drug).await;
    assert_eq!(answer.problem().0, 503, "{answer:?}");
    assert_eq!(
        answer.body["type"],
        "urn:medicine-tracker:problem:database-replaced"
    );
    assert_eq!(
        answer.body["title"],
        format!(
            "{} was replaced while the service was running",
            file.display()
        )
    );
    assert_eq!(
        answer.body["detail"],
        "It looks like a restore. This request was not carried out, and nothing is written into the new file. What was \
         acknowledged before is being kept as a copy; the service then goes on with the new file by itself, within \
         seconds."
    );
    served.process.line("boot-missing");
    let copies = fs::read_dir(served.path("snapshots")).expect("there is a copy");
    let copy = copies
        .map(|entry| entry.expect("an entry").path())
        .next()
        .expect("there is a copy");
    assert_eq!(state(&copy, "writer").await, Ok(9));
    served.told(&["restore", "1"]);
    served.ready().await;
    served.write(3).await;
}

/// The log becomes long, but the file is not written as long as somebody has the directory open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_is_not_written_while_somebody_reads_the_directory() {
    let mut served = Served::after(0).await;
    let (file, log) = (served.file(), served.path("medicine.db-wal"));
    let mut archiver = Command::new("sh")
        .args(["-c", "exec 3<\"$0\"; echo open; read end"])
        .arg(served.directory.path())
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
        served.write(10).await;
    }
    assert_eq!(written().modified().expect("it has a time"), before);
    drop(archiver.stdin.take());
    archiver.wait().expect("it ends");
    let deadline = std::time::Instant::now() + crate::support::process::DEADLINE;
    while written().modified().expect("it has a time") == before {
        assert!(
            std::time::Instant::now() < deadline,
            "the log is not moved:\n{}",
            served.process.output()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A stop puts the log away, so that the file alone is the whole database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_stop_the_file_alone_holds_everything() {
    let mut served = Served::after(40).await;
    assert!(served.process.stop().1.success());
    assert!(!served.path("medicine.db-wal").exists());
    let elsewhere = served.path("alone");
    fs::create_dir(&elsewhere).expect("it is new");
    copy_to(&served.file(), &elsewhere.join("medicine.db"));
    assert_eq!(
        state(&elsewhere.join("medicine.db"), "writer").await,
        Ok(40)
    );
}

/// What every log has changed is in the second copy as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_copy_is_the_file() {
    let mut served = Served::after(0).await;
    let file = served.file();
    let written = || {
        let found = fs::metadata(&file).expect("it is there");
        found.modified().expect("it has a time")
    };
    for _ in 0..3 {
        let before = written();
        while written() == before {
            served.write(10).await;
        }
    }
    assert!(served.process.stop().1.success());
    let twin = fs::read_dir(served.path("twin")).expect("it is there");
    let twin: Vec<_> = twin.map(|entry| entry.expect("an entry").path()).collect();
    let [twin] = &twin[..] else {
        panic!("{twin:?}")
    };
    assert!(twin.to_string_lossy().ends_with("-whole.db"), "{twin:?}");
    let (copy, file) = (fs::read(twin), fs::read(&file));
    assert!(copy.expect("it can be read") == file.expect("it can be read"));
}
