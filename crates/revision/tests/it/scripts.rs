//! `--sql` and `--dry-run`: what would be done.

use std::io::Write as _;
use std::process::{Command, Stdio};

use revision::{Direction, Engine, Options, Target};

use crate::migrations::{Full, Short};
use crate::support::{SqliteFile, execute, impatient, notebook, picture, postgres, text};

/// Feeds a script to `sqlite3` or `psql`, as a person would.
pub(crate) fn feed(url: &str, script: &str) {
    let mut command = if let Some(path) = url.strip_prefix("sqlite://") {
        let mut command = Command::new("sqlite3");
        command.args(["-bail", path]);
        command
    } else {
        let mut command = Command::new("psql");
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url]);
        command
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("these tests need sqlite3 and psql: apt-get install -y sqlite3 postgresql-client");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    stdin.write_all(script.as_bytes()).expect("it is read");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}\n{script}", text(&output));
}

/// Without the schema's fingerprints, which a script for PostgreSQL cannot know.
async fn picture_without_memory(url: &str) -> String {
    let lines = picture(url).await;
    let lines = lines.lines();
    lines
        .filter(|line| !line.starts_with("revision_memory: "))
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn the_script_of_an_upgrade_does_what_the_upgrade_does() {
    let (by_hand, by_tool) = (SqliteFile::new(), SqliteFile::new());
    for (by_hand, by_tool) in [
        (by_hand.url(), by_tool.url()),
        (postgres().await, postgres().await),
    ] {
        let engine = Engine::new::<Full>();
        let script = async |direction, from: &str, to: &str| {
            let [from, to] = [from, to].map(|text| text.parse::<Target>().unwrap());
            let options = Options::default();
            engine
                .script(&by_hand, direction, &from, &to, &options)
                .await
                .unwrap()
        };
        feed(&by_hand, &script(Direction::Up, "base", "head").await);
        engine
            .upgrade(&by_tool, &Target::Head, &impatient())
            .await
            .unwrap();
        assert_eq!(
            picture_without_memory(&by_hand).await,
            picture_without_memory(&by_tool).await
        );
        assert!(engine.check(&by_hand).await.unwrap().is_fine());

        // And a part of it, down and up.
        feed(
            &by_hand,
            &script(Direction::Down, "head", "create_notes").await,
        );
        engine
            .downgrade(&by_tool, &Target::Steps(-2), &impatient())
            .await
            .unwrap();
        assert_eq!(
            picture_without_memory(&by_hand).await,
            picture_without_memory(&by_tool).await
        );
        feed(
            &by_hand,
            &script(Direction::Up, "create_notes", "add_title").await,
        );
        engine
            .upgrade(&by_tool, &Target::Steps(1), &impatient())
            .await
            .unwrap();
        assert_eq!(
            picture_without_memory(&by_hand).await,
            picture_without_memory(&by_tool).await
        );
        assert_ne!(engine.check(&by_hand).await.unwrap().drifted, Some(true));
    }
}

#[tokio::test]
async fn a_script_for_sqlite_remembers_exactly_what_an_upgrade_remembers() {
    let (by_hand, by_tool) = (SqliteFile::new(), SqliteFile::new().at::<Full>().await);
    let output = notebook(&by_hand.url(), &["upgrade", "head", "--sql"])
        .output()
        .unwrap();
    feed(&by_hand.url(), &String::from_utf8_lossy(&output.stdout));
    assert_eq!(picture(&by_hand.url()).await, picture(&by_tool.url()).await);
}

#[test]
fn a_script_needs_no_database() {
    let missing = SqliteFile::new();
    for url in [
        missing.url(),
        "postgres://nobody:secret@127.0.0.1:1/nowhere".to_owned(),
    ] {
        let output = notebook(&url, &["upgrade", "head", "--sql"])
            .output()
            .unwrap();
        let script = text(&output);
        assert!(output.status.success(), "{script}");
        assert!(script.contains("CREATE TABLE tag (id integer PRIMARY KEY, note_id integer);\n"));
        assert!(script.contains("INSERT INTO \"seaql_migrations\""));
        assert!(!script.contains("secret"));
    }
    assert!(missing.files().is_empty());
}

#[tokio::test]
async fn a_dry_run_tells_everything_and_changes_nothing() {
    let (file, postgres) = (SqliteFile::new(), postgres().await);
    for url in [file.url(), postgres] {
        Engine::new::<Short>()
            .upgrade(&url, &Target::Head, &impatient())
            .await
            .unwrap();
        execute(&url, "INSERT INTO note VALUES (2, 1, 5, 'two')").await;
        let before = (picture(&url).await, file.files());
        let output = notebook(&url, &["upgrade", "head", "--dry-run"])
            .output()
            .unwrap();
        let told = text(&output);
        assert!(output.status.success(), "{told}");
        assert!(
            told.contains("UPDATE note SET reads = reads * 2;  -- 2 rows, "),
            "{told}"
        );
        assert!(told.ends_with("A dry run: everything was rolled back. Nothing was changed.\n"));
        assert_eq!((picture(&url).await, file.files()), before);

        let output = notebook(&url, &["upgrade", "head", "--dry-run"])
            .env("NOTEBOOK", "broken")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output).contains("\nNothing was changed.\n"),
            "{}",
            text(&output)
        );
        assert_eq!((picture(&url).await, file.files()), before);
    }
}

#[tokio::test]
async fn a_dry_run_is_refused_where_the_command_would_be() {
    let file = SqliteFile::new().at::<Full>().await;
    for url in [file.url(), postgres().await] {
        Engine::new::<Full>()
            .upgrade(&url, &Target::Head, &impatient())
            .await
            .unwrap();
        let run = |arguments: &[&str]| {
            let output = notebook(&url, arguments).output().unwrap();
            (output.status.code(), text(&output))
        };
        let tried = run(&["downgrade", "create_notes", "--dry-run"]);
        assert_eq!(tried, run(&["downgrade", "create_notes"]));
        assert_eq!(tried.0, Some(8), "{}", tried.1);
        // What turns out to hold nothing is dropped twice, and told once.
        let (code, told) = run(&["downgrade", "-1", "--dry-run"]);
        assert_eq!(code, Some(0), "{told}");
        assert_eq!(told.matches("DROP TABLE tag;").count(), 1, "{told}");
    }
}

#[test]
fn a_dry_run_makes_no_file() {
    let file = SqliteFile::new();
    let output = notebook(&file.url(), &["upgrade", "--dry-run"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("INSERT INTO folder VALUES (1, 'home');  -- 1 row, "));
    assert!(file.files().is_empty());
}
