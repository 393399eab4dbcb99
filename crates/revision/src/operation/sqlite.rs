//! Changing a table in SQLite: by its own `ALTER TABLE` where that suffices, else by one rebuild.

mod affinity;
mod copy;
mod dependents;
mod edit;
mod native;
mod original;
mod rebuild;

use sea_orm::{ConnectionTrait, DbErr};

use super::count;
use super::{AlterTable, Change};
use crate::ddl::quote;
use edit::Plan;
use original::Original;

pub(super) async fn run(
    connection: &impl ConnectionTrait,
    alter: &AlterTable,
) -> Result<(), DbErr> {
    for part in parts(&alter.changes) {
        match part {
            Part::Rename { from, to } => {
                // SQLite itself knows best where a column is spoken of.
                let table = quote(&alter.table);
                let sql = format!(
                    "ALTER TABLE {table} RENAME COLUMN {} TO {}",
                    quote(from),
                    quote(to)
                );
                connection.execute_unprepared(&sql).await?;
            }
            Part::Others(changes) => apply(connection, &alter.table, &changes).await?,
        }
    }
    Ok(())
}

async fn apply(
    connection: &impl ConnectionTrait,
    table: &str,
    changes: &[&Change],
) -> Result<(), DbErr> {
    let original = Original::read(connection, table).await?;
    let plan = Plan::new(&original, changes)?;
    if plan.is_nothing() {
        return Ok(());
    }
    let doubts = plan.doubts(connection, &original).await?;
    count::refuse(connection, &original.name, &plan.rows(&original), &doubts).await?;
    if let Some(statements) = native::statements(connection, &original, changes).await? {
        for statement in statements {
            connection.execute_unprepared(&statement).await?;
        }
        return Ok(());
    }
    rebuild::run(connection, &original, &plan).await
}

#[derive(Debug)]
enum Part<'a> {
    Rename { from: &'a str, to: &'a str },
    Others(Vec<&'a Change>),
}

/// Puts everything but the renames together, so that one rebuild does for all of it.
///
/// A rename goes before changes that do not speak of its names, and behind those that do.
fn parts(changes: &[Change]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut others: Vec<&Change> = Vec::new();
    for change in changes {
        if let Change::RenameColumn { from, to } = change {
            // What only looks like the name costs a rebuild more, and nothing else.
            let speaks = |change: &&Change| {
                let text = format!("{change:?}").to_lowercase();
                text.contains(&from.to_lowercase()) || text.contains(&to.to_lowercase())
            };
            if others.iter().any(speaks) {
                parts.push(Part::Others(std::mem::take(&mut others)));
            }
            parts.push(Part::Rename { from, to });
        } else {
            others.push(change);
        }
    }
    if !others.is_empty() {
        parts.push(Part::Others(others));
    }
    parts
}
