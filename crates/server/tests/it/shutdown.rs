//! A stop ends in time, whatever is open: `docker stop` kills after ten seconds.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use tempfile::TempDir;

use crate::support::file::{execute, select, upgrade, url};
use crate::support::process::Process;

const LIMIT: Duration = Duration::from_secs(8);

async fn serving() -> (TempDir, PathBuf, Process) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("medicine.db");
    let mut process = Process::start(&url(&file));
    process.ready().await;
    (directory, file, process)
}

/// Stops the service and asserts that it ends cleanly and in time.
fn stops_in_time(process: &mut Process) {
    let (took, status) = process.stop();
    assert!(took < LIMIT, "it took {took:?}:\n{}", process.output());
    assert_eq!(status.code(), Some(0), "{}", process.output());
    assert!(process.output().contains("stopped"));
}

/// A connection on which so much has been sent, and nothing more comes.
fn stalled(process: &Process, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(process.address()).expect("it accepts");
    stream.write_all(sent.as_bytes()).expect("it reads");
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_in_time_with_idle_and_half_sent_requests_open() {
    let half_head = "GET /api/v1/drugs HTTP/1.1\r\nHost: medi";
    let half_body = "POST /api/v1/drugs HTTP/1.1\r\nHost: medicine\r\nContent-Type: application/json\r\n\
                     Content-Length: 100\r\n\r\n{\"name\": \"half";
    let whole = "GET /health/live HTTP/1.1\r\nHost: medicine\r\n\r\n";
    for open in [
        vec![],
        vec![""],
        vec![whole],
        vec![half_head],
        vec![half_body],
        vec!["", whole, half_head, half_body],
    ] {
        let (_directory, file, mut process) = serving().await;
        let mut streams: Vec<_> = open.iter().map(|sent| stalled(&process, sent)).collect();
        for (stream, sent) in streams.iter_mut().zip(&open) {
            if *sent == whole {
                // Answered, so that it idles as a browser's connection does.
                let mut answer = [0; 12];
                stream.read_exact(&mut answer).expect("it answers");
                assert_eq!(&answer, b"HTTP/1.1 200");
            }
        }
        stops_in_time(&mut process);
        let log = file.with_extension("db-wal");
        assert!(!log.exists(), "the log is put away");
        let drugs = select(&file, "SELECT CAST(count(*) AS text) FROM drugs").await;
        assert_eq!(drugs, ["0"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_in_time_while_a_write_waits_for_a_database_that_somebody_else_has_locked() {
    let (_directory, file, mut process) = serving().await;
    let lock = Lock::take(&file).await;
    let body = r#"{"name": "late", "schedule_type": "as_needed", "package_size": 1}"#;
    let whole = format!(
        "POST /api/v1/drugs HTTP/1.1\r\nHost: medicine\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let _waiting = stalled(&process, &whole);
    // When a later connection has been answered, this one has been read.
    process.ready().await;
    stops_in_time(&mut process);
    lock.release().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_in_time_while_the_boot_waits_for_a_database_that_somebody_else_has_locked() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("medicine.db");
    upgrade(&file, "+1").await;
    execute(&file, "PRAGMA journal_mode = WAL").await;
    let lock = Lock::take(&file).await;
    let mut process = Process::start(&url(&file));
    process.line("waiting for the database");
    stops_in_time(&mut process);
    lock.release().await;
}

/// What the framework's own accept loop makes of a half-sent head.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_the_frameworks_own_stop_is_held_up_by_a_half_sent_head() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let mut stream = TcpStream::connect(address).expect("it accepts");
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: medi")
        .expect("it is sent");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = axum::serve(listener, Router::<()>::new()).with_graceful_shutdown(async {
        // Whether it was told or the sender is gone, it has to stop.
        let _ = stopped.await;
    });
    let serving = tokio::spawn(serving.into_future());
    // A second connection that is answered shows that the first was accepted.
    let mut second = TcpStream::connect(address).expect("it accepts");
    second
        .write_all(b"GET / HTTP/1.1\r\nHost: medicine\r\n\r\n")
        .expect("it is sent");
    let answered = tokio::task::spawn_blocking(move || second.read_exact(&mut [0; 12]));
    answered
        .await
        .expect("it does not panic")
        .expect("it answers");
    stop.send(()).expect("it serves");
    assert!(tokio::time::timeout(LIMIT, serving).await.is_err());
}

/// Somebody else's write transaction.
struct Lock(sqlx::SqliteConnection);

impl Lock {
    async fn take(file: &std::path::Path) -> Self {
        use sqlx::ConnectOptions as _;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        let mut connection = options.connect().await.expect("the database opens");
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await
            .expect("nobody else writes");
        Self(connection)
    }

    async fn release(self) {
        use sqlx::Connection as _;
        self.0.close().await.expect("the connection closes");
    }
}
