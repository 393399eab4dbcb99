//! The command line: what it prints, and how it exits.

use crate::migrations::Short;
use crate::support::{SqliteFile, notebook, text};

fn run(url: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = notebook(url, arguments)
        .output()
        .expect("the notebook runs");
    (output.status.code(), text(&output))
}

#[tokio::test]
async fn a_database_is_taken_through_its_history() {
    let file = SqliteFile::new().at::<Short>().await;
    let url = file.url();
    assert_eq!(
        run(&url, &["current"]),
        (Some(0), "m20260102_000000_add_title\n".to_owned())
    );
    assert_eq!(
        run(&url, &["current", "--check-heads"]),
        (
            Some(3),
            "m20260102_000000_add_title\nTarget database is not up to date.\n  pending: m20260103_000000_add_tags\nRun: migration upgrade head\n"
                .to_owned()
        )
    );
    assert_eq!(
        run(&url, &["history", "-i"]),
        (
            Some(0),
            "m20260102_000000_add_title -> m20260103_000000_add_tags (head) (pending)\n\
             m20260101_000000_create_notes -> m20260102_000000_add_title (current)\n\
             base -> m20260101_000000_create_notes\n"
                .to_owned()
        )
    );
    let (code, answer) = run(&url, &["upgrade", "head"]);
    assert_eq!(code, Some(0));
    assert!(
        answer.starts_with("+ m20260103_000000_add_tags (")
            && answer.ends_with("m20260102_000000_add_title -> m20260103_000000_add_tags\n"),
        "{answer}"
    );
    assert_eq!(
        run(&url, &["current"]),
        (Some(0), "m20260103_000000_add_tags (head)\n".to_owned())
    );
    assert_eq!(
        run(&url, &["downgrade", "-1", "--allow-data-loss"]).0,
        Some(0)
    );
    assert_eq!(run(&url, &["downgrade", "base", "--yes"]).0, Some(0));
    assert_eq!(run(&url, &["current"]), (Some(0), "base\n".to_owned()));
}

#[tokio::test]
async fn a_part_of_the_history_has_both_its_ends() {
    let file = SqliteFile::new().at::<Short>().await;
    let range = |range| run(&file.url(), &["history", "-r", range]).1;
    let [third, second, first] = [
        "m20260102_000000_add_title -> m20260103_000000_add_tags (head)\n",
        "m20260101_000000_create_notes -> m20260102_000000_add_title\n",
        "base -> m20260101_000000_create_notes\n",
    ];
    assert_eq!(range("add_title:head"), format!("{third}{second}"));
    assert_eq!(range("base:current"), format!("{second}{first}"));
    assert_eq!(range(":add_title"), format!("{second}{first}"));
    assert_eq!(range("-1:"), format!("{third}{second}{first}"));
    assert_eq!(
        run(&file.url(), &["history", "-r", "head"]),
        (
            Some(2),
            "head is not a range: from:to, from: or :to\n".to_owned()
        )
    );
}

#[test]
fn what_makes_no_sense_is_a_matter_of_usage() {
    let file = SqliteFile::new();
    let usage = |arguments: &[&str]| {
        let (code, said) = run(&file.url(), arguments);
        assert_eq!(code, Some(2), "{said}");
        said
    };
    assert!(usage(&[]).starts_with("Takes a database through the history of its schema\n"));
    assert_eq!(
        usage(&["upgrade", "base:head"]),
        "base:head is a range, and a range needs --sql.\n"
    );
    assert_eq!(
        usage(&["upgrade", "+1", "--sql"]),
        "--sql reads no database, so nobody knows where +1 is: name the revision.\n"
    );
    assert!(usage(&["downgrade", "base", "--sql"]).starts_with("downgrade --sql needs a range"));
    usage(&["upgrade", "--sql", "--dry-run"]);
    usage(&["nonsense"]);
    assert!(file.files().is_empty());
}

#[test]
fn what_is_refused_is_explained_and_creates_no_file() {
    let file = SqliteFile::new();
    assert_eq!(
        run(&file.url(), &["downgrade", "base"]),
        (
            Some(1),
            format!(
                "Can't open the database {}: there is no such file\nNothing was changed.\n\
                 Check DATABASE_URL, and that the database is there and may be read and written.\n",
                file.path().display()
            )
        )
    );
    assert_eq!(run(&file.url(), &[]).0, Some(2));
    assert_eq!(
        run(&file.url(), &["upgrade", "-1"]),
        (
            Some(8),
            "-1 is not something that upgrade leads to.\nNothing was changed.\nDid you mean: migration downgrade -1\n".to_owned()
        )
    );
    assert_eq!(
        run(&file.url(), &["upgrade", "nope"]),
        (Some(4), "Can't locate revision identified by 'nope'.\nNothing was changed.\nWhat there is: migration history\n".to_owned())
    );
    assert!(file.files().is_empty());
}

#[tokio::test]
async fn a_file_may_say_where_the_database_is() {
    let file = SqliteFile::new().at::<Short>().await;
    let secret = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(secret.path(), format!("{}\n", file.url())).expect("the file is written");
    let current = |secret: &std::path::Path| {
        let output = notebook("", &["current"])
            .env("DATABASE_URL_FILE", secret)
            .output()
            .expect("the notebook runs");
        (output.status.code(), text(&output))
    };
    assert_eq!(
        current(secret.path()),
        (Some(0), "m20260102_000000_add_title\n".to_owned())
    );
    let unset = notebook(&file.url(), &["current"])
        .env("DATABASE_URL_FILE", "")
        .output()
        .expect("the notebook runs");
    assert_eq!(
        (unset.status.code(), text(&unset)),
        current(secret.path()),
        "an empty variable counts as not set"
    );
    let (code, answer) = current(std::path::Path::new("/nowhere/url"));
    assert_eq!(code, Some(2));
    assert!(
        answer.contains("/nowhere/url") && answer.contains("DATABASE_URL_FILE"),
        "{answer}"
    );
}
