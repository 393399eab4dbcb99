//! What the process does when it cannot serve: it says why, and recovers by itself where it can.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::support::Answer;
use crate::support::file::{bytes, execute, upgrade, url};
use crate::support::process::{Client, Process, service};
use crate::support::small_disk::SmallDisk;

const ROUTES: [&str; 5] = [
    "/health/ready",
    "/api/v1/drugs",
    "/api/v1/drugs/1",
    "/api/v1/doctor-vacations",
    "/api/v1/doctor-vacations/1",
];

/// Waits until the trouble is known and sees that every route tells it; answers the problem.
async fn troubled(process: &mut Process, client: &mut Client) -> Answer {
    let first = process
        .until(client, "/health/ready", |answer| {
            answer.body["type"] != "urn:medicine-tracker:problem:starting"
        })
        .await;
    for route in ROUTES {
        let answer = client.get(route).await;
        assert_eq!(answer.problem().0, 503, "{route}: {answer:?}");
        assert_eq!(answer.body["detail"], first.body["detail"], "{route}");
        assert!(!answer.header("retry-after").is_empty(), "{route}");
    }
    assert_eq!(client.get("/health/live").await.status, 200);
    assert_eq!(healthcheck(process).0, Some(1));
    first
}

/// Asserts that the problem's words hold each text.
fn says(answer: &Answer, texts: &[&str]) {
    let words = format!("{} {}", answer.body["title"], answer.body["detail"]);
    for text in texts {
        assert!(words.contains(text), "`{text}` is missing in {words}");
    }
}

/// What the subcommand says of a running service: its exit code and its words.
fn healthcheck(process: &Process) -> (Option<i32>, String) {
    let mut command = service("sqlite://unused.db");
    command
        .env("PORT", process.address().port().to_string())
        .arg("healthcheck");
    run(command)
}

fn run(command: Command) -> (Option<i32>, String) {
    let mut process = Process::spawn(command);
    let status = process.wait();
    (status.code(), process.output())
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("the directory can be read");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_auto_migrate_an_old_database_is_left_alone_until_somebody_migrates_it() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("medicine.db");
    upgrade(&file, "+1").await;
    let before = bytes(&file);
    let mut command = service(&url(&file));
    command.env("AUTO_MIGRATE", "false");
    let mut process = Process::spawn(command);
    let mut client = process.client().await;
    let answer = troubled(&mut process, &mut client).await;
    says(
        &answer,
        &[
            "Target database is not up to date.",
            "m20260914_183000_create_doctor_vacations",
            "m20260921_201500_add_instructions_field_to_drug",
            "m20261005_194500_create_idempotency_keys",
            "m20261019_190000_index_drugs_by_group",
            "m20261026_193000_search_drugs_by_trigrams",
            "m20261123_191500_search_drugs_by_pieces",
            "Nothing was changed",
            "migration upgrade head",
        ],
    );
    assert_eq!(bytes(&file), before);
    upgrade(&file, "head").await;
    process.ready().await;
    assert_eq!(healthcheck(&process).0, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revision_that_nobody_knows_is_refused_and_the_file_keeps_every_byte() {
    for (revision, auto_migrate, code, texts) in [
        (
            "m29991231_000000_from_the_future",
            "true",
            "boot-newer",
            ["newer than this program", "restore"],
        ),
        (
            "m29991231_000000_from_the_future",
            "false",
            "boot-newer",
            ["newer than this program", "restore"],
        ),
        (
            "m20260908_000000_lost",
            "true",
            "boot-unknown-revision",
            ["Can't locate revision", "migration history"],
        ),
        (
            "m20260908_000000_lost",
            "false",
            "boot-unknown-revision",
            ["Can't locate revision", "migration history"],
        ),
    ] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("medicine.db");
        upgrade(&file, "head").await;
        execute(
            &file,
            &format!("INSERT INTO seaql_migrations VALUES ('{revision}', 0)"),
        )
        .await;
        let before = bytes(&file);
        let mut command = service(&url(&file));
        command.env("AUTO_MIGRATE", auto_migrate);
        let mut process = Process::spawn(command);
        let mut client = process.client().await;
        let answer = troubled(&mut process, &mut client).await;
        assert_eq!(
            answer.body["type"],
            format!("urn:medicine-tracker:problem:{code}")
        );
        says(&answer, &[revision, "Nothing was changed."]);
        says(&answer, &texts);
        // Between two attempts nothing of SQLite's lies beside the file.
        let named: Vec<_> = before.keys().collect();
        let now = bytes(&file);
        for name in named {
            assert_eq!(now[name], before[name], "{}", name.display());
        }
        execute(
            &file,
            &format!("DELETE FROM seaql_migrations WHERE version = '{revision}'"),
        )
        .await;
        process.ready().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_database_is_named_and_left_as_it_is() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("medicine.db");
    std::fs::write(
        &file,
        "a shopping list, and long enough to be one\n".repeat(500),
    )
    .unwrap();
    let before = bytes(&file);
    let mut process = Process::start(&url(&file));
    let mut client = process.client().await;
    let answer = troubled(&mut process, &mut client).await;
    says(
        &answer,
        &[
            "it is not a SQLite database",
            &file.display().to_string(),
            "DATABASE_URL",
        ],
    );
    assert_eq!(bytes(&file), before);
    std::fs::remove_file(&file).unwrap();
    process.ready().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_is_not_there_is_named_until_it_is() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path().join("data");
    let mut process = Process::start(&url(&data.join("medicine.db")));
    let mut client = process.client().await;
    let answer = troubled(&mut process, &mut client).await;
    says(
        &answer,
        &["there is no directory", &data.display().to_string()],
    );
    std::fs::create_dir(&data).unwrap();
    process.ready().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_may_not_be_written_is_named_until_it_may() {
    let mut disk = SmallDisk::new(8);
    let mut process = Process::spawn(disk.service());
    process.ready().await;
    process.stop();
    for is_new in [false, true] {
        if is_new {
            std::fs::remove_file(disk.file("medicine.db")).unwrap();
        }
        disk.set_read_only(true);
        let mut process = Process::spawn(disk.service());
        let mut client = process.client().await;
        let answer = troubled(&mut process, &mut client).await;
        says(
            &answer,
            &["may not be written", "medicine.db", "Nothing was changed."],
        );
        disk.set_read_only(false);
        process.ready().await;
        process.stop();
    }
}

#[test]
fn a_bad_configuration_exits_78_names_every_variable_and_creates_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut command = service("mysql://carer:secret@db/medicine");
    command.current_dir(directory.path());
    let wrong = [
        ("HOST", "localhost"),
        ("PORT", "80000"),
        ("TZ", "Europe/Berln"),
        ("LOG_FORMAT", "xml"),
        ("RUST_LOG", "server=loud"),
        ("AUTO_MIGRATE", "yes"),
    ];
    command.envs(wrong);
    let (code, said) = run(command);
    assert_eq!(code, Some(78), "{said}");
    for (name, value) in wrong {
        assert!(
            said.contains(&format!("{name}=`{value}`")),
            "{name} is missing in {said}"
        );
    }
    assert!(
        said.contains("DATABASE_URL=`mysql://…@db/medicine`"),
        "{said}"
    );
    assert!(!said.contains("secret"), "{said}");
    assert!(names(directory.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_healthcheck_exits_0_when_ready_and_1_when_nobody_answers() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut process = Process::start(&url(&directory.path().join("medicine.db")));
    process.ready().await;
    assert_eq!(healthcheck(&process), (Some(0), String::new()));

    // A port that is taken, but where nobody answers as the service does.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = service("sqlite://unused.db");
    command
        .env("PORT", silent.local_addr().unwrap().port().to_string())
        .arg("healthcheck");
    let (code, said) = run(command);
    assert_eq!(code, Some(1));
    assert!(said.contains("no answer within 3 s"), "{said}");
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_created() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut command = service(&url(&directory.path().join("medicine.db")));
    command.env("PORT", address.port().to_string());
    let (code, said) = run(command);
    assert_eq!(code, Some(1));
    assert!(
        said.contains(&format!(
            "HOST and PORT: cannot listen on {address}: Address already in use"
        )),
        "{said}"
    );
    assert!(names(directory.path()).is_empty());
}
