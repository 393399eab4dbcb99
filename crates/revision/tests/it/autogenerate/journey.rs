//! The way there and back with rows in every table.

use revision::autogenerate::{Proposal, Stage};
use revision::schema::Schema;
use sea_orm::ConnectionTrait as _;

use super::case::Case;
use super::rows::{Rows, Travelled, fill};

/// What is wrong with it, if anything.
pub(super) async fn there_and_back(
    case: &Case,
    proposal: &Proposal,
    used: &Stage,
    after: &Stage,
    left_out: &[String],
) -> Result<(), String> {
    let schemas_before = schemas(used).await;
    if !case.is("no rows") {
        for (connection, schema) in used.connections().zip(&schemas_before) {
            let filled = fill(connection, schema, case.is("no nulls")).await;
            filled.map_err(|error| format!("filling: {error}"))?;
        }
    }
    let rows_before = Rows::of(used, &schemas_before).await;
    let done = used
        .run(&proposal.up)
        .await
        .map_err(|error| error.to_string());
    if !went("up", done, case.refused_up.as_deref())? {
        return Ok(());
    }
    for connection in used.connections() {
        for statement in &case.meddling {
            let done = connection.execute_unprepared(statement).await;
            done.map_err(|error| format!("{statement}: {error}"))?;
        }
    }
    let (reached, wanted) = (schemas(used).await, schemas(after).await);
    for (reached, wanted) in reached.iter().zip(&wanted) {
        equal("up", &ours(reached, left_out), &ours(wanted, left_out))?;
    }
    for (reached, before) in reached.iter().zip(&schemas_before) {
        keeps_strangers(before, reached)?;
    }
    let travelled = Travelled {
        operations: &proposal.up,
        decisions: &case.decisions,
        before: &schemas_before,
        after: &reached,
    };
    let rows_there = Rows::of(used, &reached).await;
    travelled.keep(&rows_before, &rows_there)?;
    rows_there.have(&case.values)?;

    let done = used
        .run(&proposal.down)
        .await
        .map_err(|error| error.to_string());
    if !went("down", done, case.refused_down.as_deref())? {
        return Ok(());
    }
    let schemas_back = schemas(used).await;
    for (reached, wanted) in schemas_back.iter().zip(&schemas_before) {
        equal("down", reached, wanted)?;
    }
    travelled.come_back(&rows_before, &Rows::of(used, &schemas_back).await)
}

/// Whether it went that way; an error when that is not as expected.
fn went(way: &str, done: Result<(), String>, refused: Option<&str>) -> Result<bool, String> {
    match (done, refused) {
        (Ok(()), None) => Ok(true),
        (Ok(()), Some(why)) => Err(format!("{way} is not refused, expected {why}")),
        (Err(error), Some(why)) if error.contains(why) => Ok(false),
        (Err(error), _) => Err(format!("{way} with rows: {error}")),
    }
}

async fn schemas(stage: &Stage) -> Vec<Schema> {
    let mut schemas = Vec::new();
    for connection in stage.connections() {
        let schema = revision::schema::read(connection, &[]).await;
        schemas.push(schema.expect("a schema"));
    }
    schemas
}

/// Without what is nobody's to change: triggers, views, and the tables of others.
fn ours(schema: &Schema, left_out: &[String]) -> Schema {
    let mut schema = schema.clone();
    schema.objects.clear();
    let starts: Vec<&str> = left_out
        .iter()
        .map(|one| one.trim_end_matches('*'))
        .collect();
    schema
        .tables
        .retain(|name, _| !starts.iter().any(|start| name.starts_with(start)));
    for table in schema.tables.values_mut() {
        table.triggers.clear();
    }
    schema
}

/// Triggers and views are still there.
fn keeps_strangers(before: &Schema, reached: &Schema) -> Result<(), String> {
    let names = |schema: &Schema| -> Vec<String> {
        let triggers = schema
            .tables
            .values()
            .flat_map(|table| table.triggers.keys());
        let objects = schema.objects.iter().map(|object| &object.name);
        triggers.chain(objects).cloned().collect()
    };
    let there = names(reached);
    match names(before).iter().find(|name| !there.contains(name)) {
        Some(lost) => Err(format!("up loses {lost}")),
        None => Ok(()),
    }
}

fn equal(way: &str, reached: &Schema, wanted: &Schema) -> Result<(), String> {
    let differences = reached.differences(wanted);
    if differences.is_empty() {
        return Ok(());
    }
    let each: Vec<String> = differences.iter().map(ToString::to_string).collect();
    Err(format!(
        "{way} with rows leads elsewhere: {}",
        each.join("; ")
    ))
}
