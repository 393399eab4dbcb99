//! The rebuild: a new table, the rows, the old one dropped, the new one in its place, and all that belongs to it again.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::edit::Plan;
use super::original::{Original, is_autoincrement};
use super::{copy, dependents};
use crate::ddl::quote;
use crate::operation::refuse;

pub(super) async fn run(
    connection: &impl ConnectionTrait,
    original: &Original,
    plan: &Plan,
) -> Result<(), DbErr> {
    dependents::refuse_with_foreign_keys_on(connection, &original.name).await?;
    let broken_before = dependents::broken(connection).await?;
    let new = free_name(connection, &original.name).await?;
    let mut create = plan.create.clone();
    create.rename(&new);
    execute(connection, &create.print()).await?;
    copy::run(connection, original, plan, &new).await?;
    let keeps_sequence = is_autoincrement(&original.create) && is_autoincrement(&create);
    replace(connection, &original.name, &new, keeps_sequence).await?;
    for (name, sql, _) in &original.indexes {
        if !plan.dropped_indexes.contains(name) {
            execute(connection, sql).await?;
        }
    }
    for sql in &original.triggers {
        execute(connection, sql).await?;
    }
    for (what, reason) in dependents::broken(connection).await? {
        if !broken_before.contains_key(&what) {
            return refuse(format!(
                "{what} would not work any more: {reason}. Drop it before the change of table {}, and create it anew behind it.",
                original.name
            ));
        }
    }
    Ok(())
}

/// A name for the new table that nothing has.
async fn free_name(connection: &impl ConnectionTrait, table: &str) -> Result<String, DbErr> {
    let mut name = format!("_rebuild_{table}");
    loop {
        let query = "SELECT 1 FROM sqlite_schema WHERE name = ? COLLATE NOCASE";
        let statement =
            Statement::from_sql_and_values(DbBackend::Sqlite, query, [name.as_str().into()]);
        if connection.query_one_raw(statement).await?.is_none() {
            return Ok(name);
        }
        name.insert(0, '_');
    }
}

/// Puts the new table in the place of the old one, without a word changed elsewhere.
async fn replace(
    connection: &impl ConnectionTrait,
    old: &str,
    new: &str,
    keeps_sequence: bool,
) -> Result<(), DbErr> {
    let (old_text, new_text) = (literal(old), literal(new));
    if keeps_sequence {
        // An id that was given once, and its row deleted, is not given again. No value is looked at, so that the
        // statements are the same for every database.
        execute(
            connection,
            &format!("DELETE FROM sqlite_sequence WHERE name = {new_text}"),
        )
        .await?;
        execute(connection, &format!("INSERT INTO sqlite_sequence (name, seq) SELECT {new_text}, seq FROM sqlite_sequence WHERE name = {old_text}")).await?;
    }
    let statistics = statistics(connection).await?;
    for table in &statistics {
        execute(
            connection,
            &format!("UPDATE {table} SET tbl = {new_text} WHERE tbl = {old_text} COLLATE NOCASE"),
        )
        .await?;
    }
    execute(connection, &format!("DROP TABLE {}", quote(old))).await?;
    // Otherwise SQLite looks into every view and trigger, and finds that the old table is not there.
    let was_on = legacy_alter_table(connection).await?;
    if !was_on {
        execute(connection, "PRAGMA legacy_alter_table = ON").await?;
    }
    let renamed = execute(
        connection,
        &format!("ALTER TABLE {} RENAME TO {}", quote(new), quote(old)),
    )
    .await;
    if !was_on {
        execute(connection, "PRAGMA legacy_alter_table = OFF").await?;
    }
    renamed?;
    for table in &statistics {
        execute(
            connection,
            &format!("UPDATE {table} SET tbl = {old_text} WHERE tbl = {new_text}"),
        )
        .await?;
    }
    Ok(())
}

/// The tables in which ANALYZE keeps what it found, where there are such.
async fn statistics(connection: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let query = "SELECT name FROM sqlite_schema WHERE name IN ('sqlite_stat1', 'sqlite_stat4')";
    let rows = connection
        .query_all_raw(Statement::from_string(DbBackend::Sqlite, query))
        .await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

async fn legacy_alter_table(connection: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let pragma = Statement::from_string(DbBackend::Sqlite, "PRAGMA legacy_alter_table");
    match connection.query_one_raw(pragma).await? {
        Some(row) => Ok(row.try_get_by_index::<i32>(0)? != 0),
        None => Ok(false),
    }
}

async fn execute(connection: &impl ConnectionTrait, sql: &str) -> Result<(), DbErr> {
    connection.execute_unprepared(sql).await?;
    Ok(())
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
