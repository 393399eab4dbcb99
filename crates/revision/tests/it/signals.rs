//! SIGTERM in the middle of a migration: it ends well, or it never was.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use revision::Engine;
use rustix::process::{Pid, Signal, kill_process};

use crate::migrations::{Gated, Short};
use crate::support::{SqliteFile, impatient, notebook, picture, postgres};

/// An upgrade that has come to its gate, and been sent SIGTERM there.
fn stopped_at_the_gate(url: &str, gate: &std::path::Path, grace: &str) -> Child {
    let mut child = notebook(url, &["upgrade", "head", "--grace", grace])
        .env("NOTEBOOK", "gated")
        .env("NOTEBOOK_GATE", gate)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the notebook runs");
    let mut line = String::new();
    let stderr = child.stderr.as_mut().expect("standard error is a pipe");
    BufReader::new(stderr).read_line(&mut line).expect("a line");
    assert_eq!(line, "at the gate\n");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it runs");
    child
}

#[tokio::test]
async fn what_is_quick_is_finished_after_sigterm() {
    let (file, gate) = (SqliteFile::new(), tempfile::tempdir().unwrap());
    for url in [file.url(), postgres().await] {
        let open = gate.path().join("open");
        let child = stopped_at_the_gate(&url, &open, "60");
        std::fs::write(&open, "").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", crate::support::text(&output));
        let status = Engine::new::<Gated>().status(&url).await.unwrap();
        assert!(status.is_up_to_date());
        std::fs::remove_file(&open).unwrap();
    }
}

#[tokio::test]
async fn what_is_not_is_rolled_back() {
    let (file, gate) = (SqliteFile::new(), tempfile::tempdir().unwrap());
    for url in [file.url(), postgres().await] {
        Engine::new::<Short>()
            .upgrade(&url, &revision::Target::Head, &impatient())
            .await
            .unwrap();
        let before = picture(&url).await;
        let child = stopped_at_the_gate(&url, &gate.path().join("never"), "0");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(picture(&url).await, before);
        Engine::new::<Gated>()
            .upgrade(&url, &revision::Target::Head, &impatient())
            .await
            .unwrap();
    }
}
