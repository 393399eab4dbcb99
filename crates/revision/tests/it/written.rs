//! `revision --autogenerate`: what is said, what is written, and what is not.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{notebook, text};
use crate::terminal::type_into;

const LIB: &str = "\
mod m20260101_000000_create_notes;
mod m20260102_000000_add_title;
mod m20260103_000000_add_tags;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20260101_000000_create_notes::Migration),
            Box::new(m20260102_000000_add_title::Migration),
            Box::new(m20260103_000000_add_tags::Migration),
        ]
    }
}
";

/// A crate of migrations, to which one is added.
struct Source(tempfile::TempDir);

impl Source {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("it is ours");
        fs::create_dir(directory.path().join("src")).expect("it is ours");
        fs::write(directory.path().join("src/lib.rs"), LIB).expect("it is ours");
        Self(directory)
    }

    /// `revision --autogenerate` over a tag that was edited.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut all = vec!["revision", "--autogenerate", "-m", "Retag"];
        all.extend(arguments);
        let mut command = notebook("sqlite://nowhere.db", &all);
        command
            .env("NOTEBOOK", "retagged")
            .env("MIGRATION_DIR", self.0.path())
            .current_dir(self.0.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.command(arguments).output().expect("the notebook runs");
        (output.status.code(), text(&output))
    }

    fn is_untouched(&self) -> bool {
        let src = self.0.path().join("src");
        let files = fs::read_dir(&src).expect("it is ours").count();
        files == 1 && fs::read_to_string(src.join("lib.rs")).expect("it is ours") == LIB
    }

    /// The migration that was written.
    fn written(&self) -> String {
        let files = fs::read_dir(self.0.path().join("src")).expect("it is ours");
        let mut paths = files.map(|file| file.expect("it is ours").path());
        let path = paths.find(|path| path.to_string_lossy().ends_with("_retag.rs"));
        fs::read_to_string(path.expect("a file is there")).expect("it is ours")
    }
}

const DECIDED: &[&str] = &[
    "--rename",
    "tag.note_id:page_id",
    "--default",
    "tag.colour='red'",
];

#[test]
fn what_was_found_is_said_and_written() {
    let source = Source::new();
    let (code, said) = source.run(DECIDED);
    assert_eq!(code, Some(0), "{said}");
    for line in [
        "Found:\n  tag: rename column note_id to page_id\n  tag: drop index tag_note\n  tag: forbid NULL in id\n  tag: add column colour varchar NOT NULL\n",
        "Proved on SQLite: up leads to what the entities declare, down to what was there.",
        "\nsrc/m2",
        "\nRegistered in src/lib.rs.\n",
    ] {
        assert!(said.contains(line), "{line}\n---\n{said}");
    }
    let written = source.written();
    for line in [
        "//! Retag\n//!\n//! Revises: `m20260103_000000_add_tags`\n",
        ".add_column_with(string(Tag::Colour), Expr::cust(\"'red'\"))",
        "rename_column(Tag::NoteId, Tag::PageId)",
    ] {
        assert!(written.contains(line), "{line}\n---\n{written}");
    }
}

#[test]
fn what_cannot_be_known_is_asked_and_nothing_is_written() {
    let source = Source::new();
    let (code, said) = source.run(&[]);
    assert_eq!(code, Some(11), "{said}");
    assert_eq!(
        said,
        "tag.note_id is gone: was it renamed to page_id or colour, or is it dropped with what is in it?\n\
         Nothing was changed.\n\
         Run it again with:\n     --rename tag.note_id:page_id\n  or --rename tag.note_id:colour\n  or --drop tag.note_id\n"
    );
    let (code, said) = source.run(&["--drop", "tag.note_id"]);
    assert_eq!(code, Some(11), "{said}");
    assert!(
        said.contains("tag.colour (varchar) must not be NULL"),
        "{said}"
    );
    assert!(said.contains("--default \"tag.colour=…\""), "{said}");
    assert!(source.is_untouched());
}

#[test]
fn a_decision_that_does_not_fit_is_refused() {
    let source = Source::new();
    for (arguments, code, words) in [
        (
            &["--rename", "tag.nota_id:page_id"][..],
            8,
            "--rename tag.nota_id:page_id does not fit",
        ),
        (
            &["--drop", "tag.colour"],
            8,
            "--drop tag.colour does not fit",
        ),
        (
            &["--rename", "tag.note_id"],
            2,
            "must have a : between two parts",
        ),
        (
            &["--rename", "tag.note_id:"],
            2,
            "must have a : between two parts",
        ),
        (
            &[
                "--rename",
                "tag.note_id:page_id",
                "--default",
                "tag.color='x'",
            ],
            8,
            "the entities have no column tag.color",
        ),
        (
            &[
                "--rename",
                "tag.note_id:page_id",
                "--default",
                "tag.colour=')",
            ],
            8,
            "--default tag.colour=') does not fit: unrecognized token",
        ),
        (
            &[
                "--rename",
                "tag.note_id:page_id",
                "--default",
                "tag.colour=red",
            ],
            8,
            "does not fit: no such column: red.\nNothing was changed.\nIt is SQL over the columns of the row, and a text stands in quotes",
        ),
        (
            &[
                "--rename",
                "tag.note_id:page_id",
                "--default",
                "tag.colour=null",
            ],
            8,
            "does not fit: tag.colour must not be NULL",
        ),
        (
            &[DECIDED, &["--default", "tag.colour='blue'"]].concat(),
            8,
            "--default tag.colour='blue' does not fit: the column is filled twice",
        ),
        (&["--rev-id", "M 1"], 2, "cannot begin the name of a module"),
        (&["--empty"], 2, "cannot be used with"),
    ] {
        let (found, said) = source.run(arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(source.is_untouched(), "{arguments:?}");
    }
}

#[test]
fn nothing_is_written_where_nothing_is_to_be_done() {
    let source = Source::new();
    let (code, said) = source.run(&["--exclude-table", "t*"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        said,
        "The entities and the migrations belong together: there is nothing to write.\n"
    );
    assert!(source.is_untouched());
}

#[test]
fn the_sql_the_json_and_the_file_are_shown_without_being_written() {
    let source = Source::new();
    let with = |more: &[&str]| source.run(&[DECIDED, more].concat());
    let (code, sql) = with(&["--sql"]);
    assert_eq!(code, Some(0), "{sql}");
    assert!(
        sql.starts_with("ALTER TABLE \"tag\" RENAME COLUMN \"note_id\" TO \"page_id\";\n"),
        "{sql}"
    );
    let (code, sql) = with(&["--sql", "--url", "postgres://nobody@127.0.0.1:1/nothing"]);
    assert_eq!(code, Some(1), "a server that is named must answer: {sql}");
    let (code, file) = with(&["--dry-run"]);
    assert_eq!(code, Some(0), "{file}");
    assert!(file.contains("#[derive(DeriveIden)]\nenum Tag {"), "{file}");
    let (code, json) = with(&["--json", "--dry-run"]);
    assert_eq!(code, Some(0), "{json}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["up"][0], "tag: rename column note_id to page_id");
    assert_eq!(json["proved_on"], serde_json::json!(["SQLite"]));
    assert_eq!(json["path"], serde_json::Value::Null);
    assert!(source.is_untouched());
}

#[test]
fn a_hook_gets_the_file_and_may_refuse_it() {
    let source = Source::new();
    let refusing = [DECIDED, &["--hook", "grep -q nothing_of_that"]].concat();
    let (code, said) = source.run(&refusing);
    assert_eq!(code, Some(8), "{said}");
    assert!(
        said.contains("grep -q nothing_of_that does not take the new file"),
        "{said}"
    );
    assert!(source.is_untouched());
    let stamping = "sed -i '1s/^/\\/\\/ Checked.\\n/'";
    let output = source
        .command(DECIDED)
        .env("REVISION_HOOKS", stamping)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert!(source.written().starts_with("// Checked.\n//! Retag\n"));
}

#[test]
fn on_a_terminal_it_is_asked_for() {
    let source = Source::new();
    let (code, said) = type_into(&source.command(&[]), "1\n'red'\n");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("1  renamed to page_id"), "{said}");
    assert!(
        source
            .written()
            .contains("rename_column(Tag::NoteId, Tag::PageId)")
    );

    let source = Source::new();
    let (code, said) = type_into(&source.command(&[]), "\n");
    assert_eq!(code, Some(11), "no answer is none: {said}");
    assert!(source.is_untouched());
}

#[test]
fn a_program_without_entities_says_so() {
    let source = Source::new();
    let output = source
        .command(&[])
        .env("NOTEBOOK", "full")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(8));
    assert!(text(&output).starts_with("This program declares no entities"));
    assert!(source.is_untouched());
}

/// The source of the migrations is looked for only when a file is to be written.
#[test]
fn without_the_source_the_sql_is_shown_all_the_same() {
    let elsewhere = tempfile::tempdir().unwrap();
    let run = |more: &[&str]| {
        let source = Source::new();
        let output = source
            .command(&[DECIDED, more].concat())
            .env_remove("MIGRATION_DIR")
            .current_dir(elsewhere.path())
            .output()
            .unwrap();
        (output.status.code(), text(&output))
    };
    assert_eq!(run(&["--sql"]).0, Some(0));
    let (code, said) = run(&[]);
    assert_eq!(code, Some(8), "{said}");
    assert!(said.contains("--migration-dir"), "{said}");
    assert!(
        Path::new(elsewhere.path())
            .read_dir()
            .unwrap()
            .next()
            .is_none()
    );
}
