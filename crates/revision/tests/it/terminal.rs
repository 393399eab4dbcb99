//! What a person sees on a terminal, and a pipe does not.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::migrations::Full;
use crate::support::{SqliteFile, notebook, select, text};

/// Runs the notebook on a terminal of its own, and types something there.
fn on_a_terminal(url: &str, arguments: &[&str], typed: &str) -> (Option<i32>, String) {
    type_into(&notebook(url, arguments), typed)
}

/// Runs a command on a terminal of its own, and types something there.
pub(crate) fn type_into(inner: &Command, typed: &str) -> (Option<i32>, String) {
    let quoted = |text: &OsStr| format!("'{}'", text.to_string_lossy().replace('\'', r"'\''"));
    let words: Vec<String> = std::iter::once(inner.get_program())
        .chain(inner.get_args())
        .map(quoted)
        .collect();
    let mut command = Command::new("script");
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(directory) = inner.get_current_dir() {
        command.current_dir(directory);
    }
    let mut child = command
        .args(["-qec", &words.join(" "), "/dev/null"])
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("these tests need script, which is in util-linux");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    stdin.write_all(typed.as_bytes()).expect("it is read");
    // The terminal goes on until the program ends.
    let output = child.wait_with_output().expect("it ends");
    drop(stdin);
    (output.status.code(), text(&output))
}

#[tokio::test]
async fn there_is_colour_on_a_terminal_only() {
    let file = SqliteFile::new().at::<Full>().await;
    let (code, said) = on_a_terminal(&file.url(), &["current"], "");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("\x1b[32mm20260103_000000_add_tags\x1b[0m (head)"));
    let piped = notebook(&file.url(), &["current"]).output().unwrap();
    assert_eq!(text(&piped), "m20260103_000000_add_tags (head)\n");
}

#[tokio::test]
async fn somebody_is_asked_before_rows_are_lost() {
    let file = SqliteFile::new().at::<Full>().await;
    let rows = "SELECT CAST(count(*) AS text) FROM sqlite_schema WHERE name = 'note'";
    let (code, said) = on_a_terminal(&file.url(), &["reset"], "no\n");
    assert_eq!(code, Some(8), "{said}");
    assert!(
        said.contains("reset loses every row of: folder (1), note (1)."),
        "{said}"
    );
    assert_eq!(select(&file.url(), rows).await, ["1"]);
    let (code, said) = on_a_terminal(&file.url(), &["reset"], "yes\n");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(select(&file.url(), rows).await, ["0"]);
}
