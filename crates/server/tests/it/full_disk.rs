//! A full file system: nothing is acknowledged that is not stored, and nothing needs a restart.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::control::control_with;
use crate::support::file::{copy, select, upgrade};
use crate::support::process::{Client, Process, figures};
use crate::support::small_disk::SmallDisk;
use crate::support::{Answer, reads};

const DRUGS: &str = "/api/v1/drugs";
const VACATIONS: &str = "/api/v1/doctor-vacations";

const FULL: &str = "urn:medicine-tracker:problem:storage-full";

/// Asserts what a service says that has no room to start.
fn does_not_start(answer: &Answer) {
    assert_eq!(answer.body["type"], FULL, "{answer:?}");
    assert_eq!(answer.body["title"], "There is no space left for the data");
    assert_eq!(
        answer.body["detail"],
        "Nothing was changed. The service starts by itself as soon as space is freed on the volume that holds the database."
    );
}

fn drug(name: &str) -> Value {
    json!({"name": name, "schedule_type": "daily", "night": 1, "current_amount": 30, "package_size": 10})
}

fn vacation() -> Value {
    json!({"start_date": "2027-01-01", "end_date": "2027-01-09", "notes": "skiing ".repeat(100)})
}

/// Every kind of write, on one drug and one absence that are there and on such as are made.
async fn every_write(
    client: &mut Client,
    drug_id: i64,
    vacation_id: i64,
) -> Vec<(&'static str, Answer)> {
    let a_drug = format!("{DRUGS}/{drug_id}");
    let a_vacation = format!("{VACATIONS}/{vacation_id}");
    let long = json!({"instructions": "with water ".repeat(100)});
    let mut answers = Vec::new();
    for (name, method, path, headers, body) in [
        ("create", Method::POST, DRUGS, None, drug("one more")),
        ("patch", Method::PATCH, &a_drug, None, long),
        ("replace", Method::PUT, &a_drug, None, drug("replaced")),
        (
            "refill",
            Method::POST,
            &format!("{a_drug}/refill"),
            None,
            json!({"packages": 1}),
        ),
        (
            "refill with a key",
            Method::POST,
            &format!("{a_drug}/refill"),
            Some(("Idempotency-Key", "a-key")),
            json!({"packages": 1}),
        ),
        (
            "create an absence",
            Method::POST,
            VACATIONS,
            None,
            vacation(),
        ),
        (
            "patch an absence",
            Method::PATCH,
            &a_vacation,
            None,
            json!({"notes": "at home"}),
        ),
        (
            "replace an absence",
            Method::PUT,
            &a_vacation,
            None,
            vacation(),
        ),
        (
            "delete an absence",
            Method::DELETE,
            &a_vacation,
            None,
            Value::Null,
        ),
        ("delete", Method::DELETE, &a_drug, None, Value::Null),
    ] {
        let headers: Vec<_> = headers.into_iter().collect();
        let answer = client.send(method, path, &headers, &body).await;
        answers.push((name, answer.expect("the service answers")));
    }
    answers
}

async fn total(client: &mut Client, path: &str) -> u32 {
    let answer = client.get(&format!("{path}?limit=1")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.header("x-total-count").parse().expect("a number")
}

async fn created(client: &mut Client, path: &str, body: &Value) -> i64 {
    let answer = client.post(path, body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body["id"].as_i64().expect("a record has an id")
}

/// Creates drugs until 50 were refused; answers how many were acknowledged.
async fn create_until_refused(client: &mut Client, there: u32) -> u32 {
    let mut acknowledged = 0;
    let mut refused = 0;
    while refused < 50 {
        let answer = client.post(DRUGS, &drug("perhaps")).await;
        if answer.status == 201 {
            acknowledged += 1;
        } else {
            assert_eq!(answer.problem().0, 507, "{answer:?}");
            refused += 1;
        }
        assert_eq!(total(client, DRUGS).await, there + acknowledged);
    }
    acknowledged
}

/// Ends the service, and counts in the file what it has stored.
async fn stored(mut process: Process, disk: &SmallDisk) -> String {
    let (_, status) = process.stop();
    assert!(status.success(), "{}", process.output());
    let (_copy, file) = copy(&disk.file("medicine.db"));
    assert_eq!(select(&file, "PRAGMA integrity_check").await, ["ok"]);
    let mut count = select(&file, "SELECT CAST(count(*) AS text) FROM drugs").await;
    count.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_file_system_writes_answer_507_reads_go_on_and_space_is_all_it_takes() {
    let disk = SmallDisk::new(4);
    let mut process = Process::spawn(disk.service());
    let mut client = process.ready().await;
    let drug_id = created(&mut client, DRUGS, &drug("kept")).await;
    let vacation_id = created(&mut client, VACATIONS, &vacation()).await;

    disk.fill();
    let acknowledged = 1 + create_until_refused(&mut client, 1).await;
    for (name, answer) in every_write(&mut client, drug_id, vacation_id).await {
        assert_eq!(answer.problem().0, 507, "{name}: {answer:?}");
        assert_eq!(answer.body["type"], FULL);
        assert_eq!(answer.body["title"], "There is no space left for the data");
        assert_eq!(
            answer.body["detail"],
            "Nothing was changed. Reading goes on; writing works again, without a restart, as soon as space is freed on the \
             volume that holds the database."
        );
    }
    let kept = client.get(&format!("{DRUGS}/{drug_id}")).await;
    assert_eq!(
        (kept.status.as_u16(), &kept.body["name"]),
        (200, &json!("kept"))
    );
    assert_eq!(client.get("/health/ready").await.status, 200);

    disk.free();
    for (name, answer) in every_write(&mut client, drug_id, vacation_id).await {
        assert!(answer.status.is_success(), "{name}: {answer:?}");
    }
    // The first and the last of them cancel each other out.
    assert_eq!(total(&mut client, DRUGS).await, acknowledged);
    assert_eq!(stored(process, &disk).await, acknowledged.to_string());
}

/// A log that has been moved into the file keeps its length, and takes writes where nothing else does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_file_system_what_still_fits_into_the_log_is_acknowledged_and_stays() {
    let disk = SmallDisk::new(16);
    let mut process = Process::spawn(disk.service());
    let mut client = process.ready().await;
    // The file grows when the log is moved into it, and the next log begins where that one has left room.
    let length = || {
        let found = std::fs::metadata(disk.file("medicine.db"));
        found.expect("it is there").len()
    };
    let (mut before, first) = (0, length());
    while length() == first {
        created(&mut client, DRUGS, &drug("kept")).await;
        before += 1;
    }

    disk.fill();
    let fitted = create_until_refused(&mut client, before).await;
    assert!(fitted > 0, "the log had not been moved into the file");
    // As a crash, with whatever of the log is not in the file yet.
    process.kill();
    let (_copy, file) = copy(&disk.file("medicine.db"));
    let count = select(&file, "SELECT CAST(count(*) AS text) FROM drugs").await;
    assert_eq!(count, [(before + fitted).to_string()]);

    disk.free();
    let mut process = Process::spawn(disk.service());
    let mut client = process.ready().await;
    created(&mut client, DRUGS, &drug("one more")).await;
    assert_eq!(
        stored(process, &disk).await,
        (before + fitted + 1).to_string()
    );
    figures(&format!(
        "full file system: {fitted} creations fitted into the log and stayed, the next 50 were refused with 507"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_on_a_full_file_system_says_what_is_wrong_and_recovers_when_space_is_freed() {
    let disk = SmallDisk::new(4);
    let mut process = Process::spawn(disk.service());
    created(&mut process.ready().await, DRUGS, &drug("kept")).await;
    process.stop();

    disk.fill();
    let mut process = Process::spawn(disk.service());
    let mut client = process.client().await;
    let answer = process
        .until(&mut client, "/health/ready", |answer| {
            answer.body["type"] != "urn:medicine-tracker:problem:starting"
        })
        .await;
    assert_eq!(answer.problem().0, 503, "{answer:?}");
    does_not_start(&answer);
    assert_eq!(client.get(DRUGS).await.problem().0, 503);

    disk.free();
    let mut client = process.ready().await;
    assert_eq!(total(&mut client, DRUGS).await, 1);
}

/// The first start of all, where not even the file can be made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_on_a_full_file_system_recovers_when_space_is_freed() {
    let disk = SmallDisk::new(4);
    disk.fill();
    let mut process = Process::spawn(disk.service());
    let mut client = process.client().await;
    let answer = process
        .until(&mut client, DRUGS, |answer| {
            answer.body["type"] != "urn:medicine-tracker:problem:starting"
        })
        .await;
    assert_eq!(answer.problem().0, 503, "{answer:?}");
    does_not_start(&answer);
    disk.free();
    let mut client = process.ready().await;
    created(&mut client, DRUGS, &drug("first")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_would_not_fit_is_not_begun_and_says_how_much_is_missing() {
    let mut disk = SmallDisk::new(4);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let old = directory.path().join("medicine.db");
    upgrade(&old, "+1").await;
    let file = disk.file("medicine.db");
    std::fs::copy(&old, &file).expect("it fits");
    let mut process = Process::spawn(disk.service());
    let mut client = process.client().await;
    let answer = process
        .until(&mut client, DRUGS, |answer| {
            answer.body["type"] != "urn:medicine-tracker:problem:starting"
        })
        .await;
    assert_eq!(answer.problem().0, 503, "{answer:?}");
    assert_eq!(
        answer.body["type"],
        "urn:medicine-tracker:problem:boot-no-space"
    );
    let title = answer.body["title"].as_str().unwrap_or_default();
    let expected = "Not enough space in *: * MiB free, * MiB needed.";
    assert!(reads(title, expected), "{answer:?}");
    assert_eq!(
        answer.body["detail"],
        "Nothing was changed. Free some space and try again."
    );
    assert!(
        std::fs::read(&file).expect("it is there") == std::fs::read(&old).expect("it is there"),
        "nothing was changed"
    );
    disk.grow_to(200);
    assert_eq!(total(&mut process.ready().await, DRUGS).await, 0);
}

/// What the ORM's insert answers without a transaction, on the same file system and the same schema.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_inserts_in_autocommit_acknowledge_what_is_not_stored() {
    let disk = SmallDisk::new(4);
    let mut process = Process::spawn(disk.service());
    created(&mut process.ready().await, DRUGS, &drug("kept")).await;

    // The service stays up, so that the log is there and only its growth is refused.
    disk.fill();
    let control = control_with(|program| disk.command(program), "insert");
    let mut control = Process::spawn(control);
    assert!(control.wait().success(), "{}", control.output());
    let (_, line) = control.line("acknowledged=");
    let acknowledged: u32 = line["acknowledged=".len()..].parse().expect("a number");
    let mut client = process.client().await;
    let stored = total(&mut client, DRUGS).await - 1;
    figures(&format!(
        "control on a full file system: SeaORM's insert in autocommit acknowledged {acknowledged}, stored {stored}"
    ));
    assert!(
        stored < acknowledged,
        "{acknowledged} acknowledged, {stored} stored"
    );
}
