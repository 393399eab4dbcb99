//! A case, compared: whether what comes out is what was expected.

use revision::Declared;
use revision::autogenerate::{Decisions, Known, Outcome, Proposal, Stage, compare};
use revision::operation::Operation;
use sea_orm::{ConnectionTrait as _, DbBackend};

use super::case::Case;
use super::journey;

/// The two schemas of a case.
pub(super) struct Sides {
    pub(super) before: Schema,
    pub(super) after: Schema,
    pub(super) left_out: Vec<String>,
}

/// How a schema is made.
pub(super) enum Schema {
    Statements {
        sqlite: Vec<String>,
        postgres: Vec<String>,
    },
    Entities(Declared),
}

impl Sides {
    pub(super) fn of(case: &Case) -> Self {
        let (sqlite, postgres) = (DbBackend::Sqlite, DbBackend::Postgres);
        Self {
            before: Schema::Statements {
                sqlite: case.before(sqlite),
                postgres: case.before(postgres),
            },
            after: Schema::Statements {
                sqlite: case.after(sqlite),
                postgres: case.after(postgres),
            },
            left_out: vec!["their_*".to_owned()],
        }
    }

    pub(super) fn known(&self) -> Known {
        match &self.after {
            Schema::Statements { .. } => Known::default(),
            Schema::Entities(declared) => Known::of(declared).expect("entities for both"),
        }
    }
}

impl Schema {
    /// What makes it, where that is a text.
    pub(super) fn statements(&self, backend: DbBackend) -> Option<&[String]> {
        match (self, backend) {
            (Self::Entities(_), _) => None,
            (Self::Statements { sqlite, .. }, DbBackend::Sqlite) => Some(sqlite),
            (Self::Statements { postgres, .. }, _) => Some(postgres),
        }
    }

    /// A stage on which it is made.
    pub(super) async fn stage(&self, server: Option<&str>) -> Stage {
        let stage = Stage::new(server).await.expect("a stage");
        if let Self::Entities(declared) = self {
            stage.declare(declared).await.expect("entities");
        }
        for connection in stage.connections() {
            let backend = connection.get_database_backend();
            for statement in self.statements(backend).into_iter().flatten() {
                let done = connection.execute_unprepared(statement).await;
                done.unwrap_or_else(|error| panic!("{statement}: {error}"));
            }
        }
        stage
    }
}

/// Runs a case; what is wrong with it, if anything.
pub(super) async fn run(case: &Case, sides: &Sides, server: Option<&str>) -> Result<(), String> {
    let before = sides.before.stage(server).await;
    let after = sides.after.stage(server).await;
    let result = judge(case, sides, server, &before, &after).await;
    before.close().await;
    after.close().await;
    result
}

async fn judge(
    case: &Case,
    sides: &Sides,
    server: Option<&str>,
    before: &Stage,
    after: &Stage,
) -> Result<(), String> {
    let known = sides.known();
    let found = compare(before, after, &known, &case.decisions, &sides.left_out).await;
    let proposal = match found {
        Err(error) => {
            return same("fails with", &error_lines(&error), &case.errors, |a, b| {
                a.contains(b)
            });
        }
        Ok(Outcome::Undecided(questions)) => {
            let asked = questions
                .iter()
                .map(|question| format!("{question} {}", question.ways().join(" ")));
            let asked: Vec<String> = asked.collect();
            return same("asks", &asked, &case.questions, |a, b| a == b);
        }
        Ok(Outcome::Nothing) => return expects_nothing(case),
        Ok(Outcome::Proposal(proposal)) => proposal,
    };
    expects_no_more(case)?;
    let again = compare(
        before,
        after,
        &known,
        &Decisions::default(),
        &sides.left_out,
    )
    .await;
    if !matches!(again, Ok(Outcome::Nothing)) {
        return Err(format!("finds something a second time: {again:?}"));
    }
    judge_proposal(case, sides, server, &proposal, after).await
}

/// Whether the operations are those that were expected, and lead there and back on a stage of its own that has rows.
pub(super) async fn judge_proposal(
    case: &Case,
    sides: &Sides,
    server: Option<&str>,
    proposal: &Proposal,
    after: &Stage,
) -> Result<(), String> {
    same("finds", &lines(&proposal.up), &case.up, |a, b| a == b)?;
    if !case.down.is_empty() {
        same(
            "goes back by",
            &lines(&proposal.down),
            &case.down,
            |a, b| a == b,
        )?;
    }
    let used = sides.before.stage(server).await;
    let result = journey::there_and_back(case, proposal, &used, after, &sides.left_out).await;
    used.close().await;
    result
}

fn expects_nothing(case: &Case) -> Result<(), String> {
    expects_no_more(case)?;
    same("finds", &[], &case.up, |a, b| a == b)
}

fn expects_no_more(case: &Case) -> Result<(), String> {
    same("asks", &[], &case.questions, |a, b| a == b)?;
    same("fails with", &[], &case.errors, |a, b| a == b)
}

fn lines(operations: &[Operation]) -> Vec<String> {
    operations.iter().flat_map(Operation::lines).collect()
}

fn error_lines(error: &revision::Error) -> Vec<String> {
    match error {
        revision::Error::Unproven { what } => what.clone(),
        other => vec![other.to_string()],
    }
}

fn same(
    does: &str,
    found: &[String],
    expected: &[String],
    fits: impl Fn(&str, &str) -> bool,
) -> Result<(), String> {
    let is_same = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(one, other)| fits(one, other));
    if is_same {
        return Ok(());
    }
    Err(format!(
        "{does}\n  {}\nexpected\n  {}",
        found.join("\n  "),
        expected.join("\n  ")
    ))
}
