//! Operations as Rust: what the files look like, that they compile, and that they do what the operations do.

mod cases;

use revision::render::Migration;

use crate::autogenerate::files;
use crate::support::compile::{self, Case, Failure};

/// What every file has.
const ALWAYS: &str = "\
#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
";

#[test]
fn a_file_is_as_a_person_would_write_it() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("render/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    let _guard = settings.bind_to_scope();
    for (group, cases) in cases::groups() {
        let files = cases.iter().map(|case| {
            let (head, body) = case.file.split_once(ALWAYS).expect("every file has it");
            format!("{head}{body}")
        });
        let files: Vec<String> = files.collect();
        insta::assert_snapshot!(group, files.join("\n\n"));
    }
}

/// The chosen ones and those of the whole table of autogenerate, in one crate, because that is what takes the time.
#[tokio::test(flavor = "multi_thread")]
async fn every_file_compiles_and_does_what_its_operations_do() {
    let groups = cases::groups().into_iter();
    let mut cases: Vec<Case> = groups.flat_map(|(_, cases)| cases).collect();
    let table = files::written().await;
    assert!(table.len() >= 300, "only {} files", table.len());
    cases.extend(table);
    cases.push(other_than_its_operations());
    let failures = compile::failures("cases", &cases).await;
    let names: Vec<&str> = failures
        .iter()
        .map(|failure| failure.name.as_str())
        .collect();
    assert_eq!(names, [OTHER; 2], "{}", told(&failures));
}

/// It is told on either database.
const OTHER: &str = "other_than_its_operations";

fn other_than_its_operations() -> Case {
    let cases = cases::groups().into_iter().flat_map(|(_, cases)| cases);
    let is_for_both = |case: &Case| case.sqlite.is_some() && case.postgres.is_some();
    let mut cases = cases.filter(|case| is_for_both(case) && !case.up.is_empty());
    let mut case = cases.next().expect("one is for both");
    OTHER.clone_into(&mut case.name);
    case.up.pop();
    case
}

fn told(failures: &[Failure]) -> String {
    let lines: Vec<String> = failures
        .iter()
        .map(|Failure { name, what }| format!("{name}: {what}"))
        .collect();
    lines.join("\n\n")
}

/// One that is not run is looked at as well, though no program has it.
#[tokio::test]
async fn a_file_that_is_not_clean_is_told() {
    let migration = Migration {
        message: "Nothing",
        revises: None,
        up: &[],
        down: &[],
        notes: &[],
    };
    let case = |name: &str| Case {
        is_run: false,
        ..Case::new(name.to_owned(), &migration)
    };
    let (good, mut unused) = (case("good"), case("unused"));
    unused.file = unused.file.replace(
        "use sea_orm_migration::prelude::*;",
        "use sea_orm_migration::prelude::*;\nuse sea_orm_migration::schema::*;",
    );
    let failures = compile::failures("control", &[good, unused]).await;
    let names: Vec<&str> = failures
        .iter()
        .map(|failure| failure.name.as_str())
        .collect();
    assert_eq!(names, ["unused"], "{}", told(&failures));
}
