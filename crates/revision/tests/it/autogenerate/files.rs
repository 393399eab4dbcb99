//! The files that the command writes for the cases: one for a project that has tried it on SQLite alone, and where a
//! server makes it another one, that one too.

use revision::autogenerate::{Outcome, Proposal, compare};
use revision::render::Migration;
use sea_orm::DbBackend;

use super::case::Case;
use super::compared::Sides;
use super::{TEXTS, entities, over_every, server};
use crate::support::{self, compile};

/// All of them, by the name of their case.
pub(crate) async fn written() -> Vec<compile::Case> {
    let mut files = Vec::new();
    for (text, cases) in TEXTS {
        let results = over_every(Case::all(cases), |case, server| async move {
            files_of(text, &case, &Sides::of(&case), server.as_deref()).await
        });
        files.extend(results.await.into_iter().flatten());
    }
    let url = server().await;
    for (case, sides) in entities::all() {
        files.extend(files_of("entities", &case, &sides, Some(&url)).await);
    }
    files.sort_by(|one: &compile::Case, other| one.name.cmp(&other.name));
    files
}

/// None where the case is about a question or a refusal.
async fn files_of(
    text: &str,
    case: &Case,
    sides: &Sides,
    server: Option<&str>,
) -> Vec<compile::Case> {
    let name = format!("{text}_{}", snake_case(&case.name));
    let alone = proposal(case, sides, None).await;
    let Some(server) = server else {
        return Vec::from_iter(alone.map(|proposal| file(name, case, sides, &proposal)));
    };
    let both = proposal(case, sides, Some(server)).await;
    assert_eq!(both.is_none(), case.up.is_empty(), "{name}");
    let mut files = Vec::from_iter(both.map(|proposal| file(name.clone(), case, sides, &proposal)));
    let alone = alone.map(|proposal| file(format!("{name}_alone"), case, sides, &proposal));
    // What is noted at its head is not what makes it another one.
    files.extend(alone.filter(|alone| !files.iter().any(|file| code(file) == code(alone))));
    files
}

async fn proposal(case: &Case, sides: &Sides, server: Option<&str>) -> Option<Proposal> {
    let before = sides.before.stage(server).await;
    let after = sides.after.stage(server).await;
    let (decisions, left_out) = (&case.decisions, &sides.left_out);
    let found = compare(&before, &after, &sides.known(), decisions, left_out).await;
    before.close().await;
    after.close().await;
    match found {
        Ok(Outcome::Proposal(proposal)) => Some(*proposal),
        _ => None,
    }
}

/// It is run where it was proved, and only in the full form of the tests: its operations are run by the cases, and that
/// files do what their operations do is shown on the chosen ones. Where the entities make the schema, it is looked at
/// alone.
fn file(name: String, case: &Case, sides: &Sides, proposal: &Proposal) -> compile::Case {
    let migration = Migration {
        message: &case.name,
        revises: Some("m0_setup"),
        up: &proposal.up,
        down: &proposal.down,
        notes: &proposal.notes(),
    };
    let before = |backend| {
        let is_proved = proposal.proved_on.contains(&backend);
        let statements = sides.before.statements(backend).filter(|_| is_proved);
        statements.map(|statements| statements.join(";\n"))
    };
    compile::Case {
        sqlite: before(DbBackend::Sqlite),
        postgres: before(DbBackend::Postgres),
        is_run: support::is_full_form(),
        ..compile::Case::new(name, &migration)
    }
}

/// Without its head.
fn code(file: &compile::Case) -> &str {
    let code = file.file.find("\nuse ");
    &file.file[code.expect("every file uses something")..]
}

fn snake_case(text: &str) -> String {
    let text = text.to_lowercase();
    let words = text.split(|char: char| !char.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("_")
}
