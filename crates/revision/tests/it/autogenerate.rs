//! What `revision --autogenerate` finds between two schemas, and that it is so: the same schema as was wanted, with the
//! rows that were there, and back again.

mod cases;
mod rows;

use revision::autogenerate::{Known, Outcome, Proposal, Stage, compare};
use revision::schema::Schema;
use sea_orm::{ConnectionTrait as _, DatabaseConnection};

use crate::support::postgres;
use cases::{Case, On};
use rows::Rows;

/// A schema before and after, made of SQL.
async fn stage(server: Option<&str>, statements: &[String]) -> Stage {
    let stage = Stage::new(server).await.expect("a stage");
    for connection in stage.connections() {
        for statement in statements {
            let done = connection.execute_unprepared(statement).await;
            done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }
    stage
}

async fn schemas(stage: &Stage) -> Vec<Schema> {
    let mut schemas = Vec::new();
    for connection in stage.connections() {
        schemas.push(read(connection).await);
    }
    schemas
}

async fn read(connection: &DatabaseConnection) -> Schema {
    revision::schema::read(connection, &[])
        .await
        .expect("a schema")
}

/// Runs a case; what is wrong with it, if anything.
async fn run(case: &Case, server: Option<&str>) -> Result<(), String> {
    let before = stage(server, &case.before).await;
    let after = stage(server, &case.after).await;
    let found = compare(&before, &after, &Known::default(), &case.decisions, &[]).await;
    let result = match found {
        Err(error) => Err(format!("{error}")),
        Ok(Outcome::Undecided(questions)) => Err(format!("asks {questions:?}")),
        Ok(Outcome::Nothing) if case.expected.is_empty() => Ok(()),
        Ok(Outcome::Nothing) => Err("finds nothing".to_owned()),
        Ok(Outcome::Proposal(proposal)) => judge(case, &proposal, &after, server).await,
    };
    before.close().await;
    after.close().await;
    result
}

async fn judge(
    case: &Case,
    proposal: &Proposal,
    after: &Stage,
    server: Option<&str>,
) -> Result<(), String> {
    let found: Vec<String> = proposal
        .up
        .iter()
        .flat_map(revision::operation::Operation::lines)
        .collect();
    if found != case.expected {
        return Err(format!("finds {found:#?}"));
    }
    let used = stage(server, &case.before).await;
    let result = with_rows(case, proposal, &used, after).await;
    used.close().await;
    result
}

/// There and back with five rows in every table.
async fn with_rows(
    case: &Case,
    proposal: &Proposal,
    used: &Stage,
    after: &Stage,
) -> Result<(), String> {
    let schemas_before = schemas(used).await;
    for connection in used.connections() {
        rows::fill(connection)
            .await
            .map_err(|error| format!("filling: {error}"))?;
    }
    let there = Rows::of(used).await;
    used.run(&proposal.up)
        .await
        .map_err(|error| format!("up: {error}"))?;
    for (reached, wanted) in schemas(used).await.iter().zip(schemas(after).await) {
        let differences = reached.differences(&wanted);
        if !differences.is_empty() {
            return Err(format!("up with rows: {differences:?}"));
        }
    }
    there.kept_in(&Rows::of(used).await, &case.decisions)?;
    used.run(&proposal.down)
        .await
        .map_err(|error| format!("down: {error}"))?;
    for (reached, wanted) in schemas(used).await.iter().zip(&schemas_before) {
        let differences = reached.differences(wanted);
        if !differences.is_empty() {
            return Err(format!("down with rows: {differences:?}"));
        }
    }
    there.back_in(&Rows::of(used).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_is_found_and_loses_nothing() {
    let server = postgres().await;
    let mut failures = Vec::new();
    for case in cases::all() {
        let result = match case.on {
            On::Both => run(&case, Some(&server)).await,
            On::Sqlite => run(&case, None).await,
        };
        if let Err(reason) = result {
            failures.push(format!("{}: {reason}", case.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
