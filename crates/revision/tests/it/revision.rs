//! `revision` and `edit`: the source of the migrations.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::support::{notebook, text};

const LIB: &str = "\
//! Notes.

mod m20260101_000000_create_notes;
mod m20260102_000000_add_title;
mod m20260103_000000_add_tags; // the last

pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20260101_000000_create_notes::Migration),
            Box::new(m20260102_000000_add_title::Migration),
            Box::new(m20260103_000000_add_tags::Migration), // the last
        ]
    }
}
";

fn source(lib: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir(directory.path().join("src")).expect("it is ours");
    fs::write(directory.path().join("src/lib.rs"), lib).expect("it is ours");
    directory
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    notebook("sqlite://nowhere.db", arguments)
        .env("MIGRATION_DIR", directory)
        .output()
        .expect("the notebook runs")
}

fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory.join("src")).expect("it is there");
    let mut names: Vec<String> = entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            entry.file_name().to_string_lossy().into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_migration_is_written_and_registered() {
    let directory = source(LIB);
    let output = run(
        directory.path(),
        &[
            "revision",
            "-m",
            "Add colour to Note",
            "--rev-id",
            "20260104_120000",
        ],
    );
    assert!(output.status.success(), "{}", text(&output));
    let name = "m20260104_120000_add_colour_to_note";
    assert_eq!(files(directory.path()), ["lib.rs", &format!("{name}.rs")]);
    let lib = fs::read_to_string(directory.path().join("src/lib.rs")).unwrap();
    assert_eq!(
        lib,
        LIB.replace(
            "add_tags; // the last\n",
            &format!("add_tags; // the last\nmod {name};\n")
        )
        .replace(
            "add_tags::Migration), // the last\n",
            &format!(
                "add_tags::Migration), // the last\n            Box::new({name}::Migration),\n"
            )
        )
    );
    let file = fs::read_to_string(directory.path().join(format!("src/{name}.rs"))).unwrap();
    assert!(
        file.starts_with(
            "//! Add colour to Note\n//!\n//! Revises: `m20260103_000000_add_tags`\n\nuse "
        ),
        "{file}"
    );
}

#[test]
fn a_name_made_of_the_time_sorts_behind_the_newest() {
    let directory = source(LIB);
    let output = run(directory.path(), &["revision", "-m", "Later", "--json"]);
    let answer = text(&output);
    assert!(output.status.success(), "{answer}");
    let files = files(directory.path());
    assert!(*files[1] > *"m20260103_000000_add_tags.rs", "{files:?}");
    assert!(answer.contains(&files[1]));
}

#[test]
fn what_is_refused_leaves_nothing_behind() {
    for (lib, arguments, code, words) in [
        (
            LIB,
            &["revision", "-m", "Again", "--rev-id", "20260103_000000"][..],
            8,
            "Revision m20260103_000000 is already there: m20260103_000000_add_tags.",
        ),
        (
            LIB,
            &["revision", "-m", "Early", "--rev-id", "20250101_000000"],
            8,
            "would sort before m20260103_000000_add_tags",
        ),
        (
            LIB,
            &["revision", "-m", "x", "--rev-id", "a b"],
            2,
            "use a-z, 0-9 and _",
        ),
        (
            LIB,
            &["revision", "-m", "…"],
            2,
            "needs a letter or a digit",
        ),
        (
            "mod m1;\n",
            &["revision", "-m", "x"],
            8,
            "no impl MigratorTrait",
        ),
        (
            "<<<<<<< HEAD\n",
            &["revision", "-m", "x"],
            8,
            "line 1 is not Rust",
        ),
    ] {
        let directory = source(lib);
        let output = run(directory.path(), arguments);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output));
        assert!(text(&output).contains(words), "{}", text(&output));
        assert_eq!(files(directory.path()), ["lib.rs"]);
        let now = fs::read_to_string(directory.path().join("src/lib.rs")).unwrap();
        assert_eq!(now, lib);
    }
}

#[test]
fn a_migration_is_opened_in_the_editor_by_a_part_of_its_name() {
    let directory = source(LIB);
    let file = directory.path().join("src/m20260102_000000_add_title.rs");
    fs::write(&file, "before").unwrap();
    let output = notebook("sqlite://nowhere.db", &["edit", "add title"])
        .env("MIGRATION_DIR", directory.path())
        .env_remove("VISUAL")
        .env("EDITOR", "cp /dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(fs::read_to_string(&file).unwrap(), "");
    let output = run(directory.path(), &["edit", "add_tags"]);
    assert_eq!(output.status.code(), Some(8), "{}", text(&output));
}
