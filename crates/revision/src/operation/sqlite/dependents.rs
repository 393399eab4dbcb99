//! What hangs on a column, a table or a view.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::original::{Original, columns};
use crate::ddl::{ColumnText, CreateTable, Rule, names, quote};
use crate::operation::refuse;
use crate::schema::ForeignKey;

/// Refuses to drop a column of which more than itself would be lost.
pub(super) fn refuse_if_needed(
    create: &CreateTable,
    original: &Original,
    column: &str,
) -> Result<(), DbErr> {
    let own = column.to_lowercase();
    let table = create.name();
    let others: Vec<String> = create.columns.iter().map(ColumnText::name).collect();
    for clause in create.all_clauses() {
        let columns = clause.columns();
        let named = clause
            .name
            .as_deref()
            .map(|name| format!(" {name}"))
            .unwrap_or_default();
        let what = match &clause.rule {
            Rule::PrimaryKey { .. } => "the primary key",
            Rule::Generated { .. } => "a computed column",
            _ if clause.is_about_alone(column, &others) => continue,
            Rule::Unique { .. } => "the unique constraint",
            Rule::ForeignKey { .. } => "the foreign key",
            Rule::Check { .. } => "the check",
            _ => continue,
        };
        if columns.contains(&own) {
            return refuse(format!(
                "{what}{named} of {table} needs column {column}: drop or change it first."
            ));
        }
    }
    let dropped = own_indexes(original, column);
    for (name, _, index) in &original.indexes {
        let keys = index.keys.iter().flat_map(|key| names(&key.tokens));
        let mut speaks_of = keys.chain(names(&index.predicate));
        if !dropped.contains(name) && speaks_of.any(|word| word == own) {
            return refuse(format!(
                "The index {name} of {table} needs column {column}: drop it first."
            ));
        }
    }
    Ok(())
}

/// The indexes that are about this column alone, and go with it, as on PostgreSQL.
pub(super) fn own_indexes(original: &Original, column: &str) -> Vec<String> {
    let indexes = original.indexes.iter().filter(|(_, _, index)| {
        let [key] = &index.keys[..] else { return false };
        let is_own = key
            .column()
            .is_some_and(|name| name.eq_ignore_ascii_case(column));
        is_own
            && names(&index.predicate).iter().all(|word| {
                word.eq_ignore_ascii_case(column)
                    || !original.create.columns.iter().any(|other| other.is(word))
            })
    });
    indexes.map(|(name, ..)| name.clone()).collect()
}

/// The columns that a foreign key points at, those of the primary key when it names none.
pub(super) async fn parent_columns(
    connection: &impl ConnectionTrait,
    key: &ForeignKey,
) -> Result<Vec<String>, DbErr> {
    if !key.parent_columns.is_empty() {
        return Ok(key.parent_columns.clone());
    }
    let query = "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk";
    let statement =
        Statement::from_sql_and_values(DbBackend::Sqlite, query, [key.parent.as_str().into()]);
    let rows = connection.query_all_raw(statement).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Refuses to drop a table at which rows point while SQLite would take those rows along.
pub(super) async fn refuse_with_foreign_keys_on(
    connection: &impl ConnectionTrait,
    table: &str,
) -> Result<(), DbErr> {
    let pragma = Statement::from_string(DbBackend::Sqlite, "PRAGMA foreign_keys");
    let on = match connection.query_one_raw(pragma).await? {
        Some(row) => row.try_get_by_index::<i32>(0)? != 0,
        None => false,
    };
    if !on {
        return Ok(());
    }
    let query = "SELECT DISTINCT m.name FROM sqlite_schema m, pragma_foreign_key_list(m.name) f \
                 WHERE m.type = 'table' AND f.\"table\" = ? COLLATE NOCASE ORDER BY 1";
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, query, [table.into()]);
    let rows = connection.query_all_raw(statement).await?;
    let children: Vec<String> = rows
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<_, _>>()?;
    if children.is_empty() {
        return Ok(());
    }
    refuse(format!(
        "The table {table} cannot be rebuilt while foreign_keys is ON: SQLite would delete or change the rows of {} that point at it. \
         Nothing was changed. Run the migration with revision's engine, or switch foreign_keys off on this connection before the transaction begins.",
        children.join(", ")
    ))
}

/// The views and triggers that do not compile, and why.
pub(super) async fn broken(
    connection: &impl ConnectionTrait,
) -> Result<BTreeMap<String, String>, DbErr> {
    let query = "SELECT name, type FROM sqlite_schema WHERE type = 'view' \
                 UNION SELECT tbl_name, 'trigger' FROM sqlite_schema WHERE type = 'trigger'";
    let statement = Statement::from_string(DbBackend::Sqlite, query);
    let mut broken = BTreeMap::new();
    for row in connection.query_all_raw(statement).await? {
        let (name, kind): (String, String) = row.try_get_many_by_index()?;
        for (what, probe) in probes(connection, &name, &kind).await? {
            let statement = Statement::from_string(DbBackend::Sqlite, probe);
            if let Err(error) = connection.query_all_raw(statement).await {
                broken.insert(format!("{what} {name}"), crate::error::reason(&error));
            }
        }
    }
    Ok(broken)
}

/// Statements that make SQLite compile a view or the triggers of a table, and do nothing else.
///
/// EXPLAIN would do as well, but crashes SQLite when it is run from a driver's cache after the schema has changed.
async fn probes(
    connection: &impl ConnectionTrait,
    name: &str,
    kind: &str,
) -> Result<Vec<(&'static str, String)>, DbErr> {
    let table = quote(name);
    if kind == "view" {
        return Ok(vec![(
            "the view",
            format!("SELECT * FROM {table} WHERE FALSE"),
        )]);
    }
    let query = "SELECT lower(substr(sql, 1, 2000)) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?";
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, query, [name.into()]);
    let rows = connection.query_all_raw(statement).await?;
    let texts: Vec<String> = rows
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<_, _>>()?;
    // A view can only be written where a trigger does it instead.
    let on = |word: &str| texts.iter().any(|text| text.contains(word));
    let mut probes = Vec::new();
    if on("delete") {
        probes.push((
            "the triggers on DELETE of",
            format!("DELETE FROM {table} WHERE FALSE"),
        ));
    }
    if on("insert") {
        let columns = settable(connection, name).await?;
        let nulls = vec!["NULL"; columns.len()].join(", ");
        let columns = columns.join(", ");
        probes.push((
            "the triggers on INSERT of",
            format!("INSERT INTO {table} ({columns}) SELECT {nulls} WHERE FALSE"),
        ));
    }
    if on("update") {
        let columns = settable(connection, name).await?;
        let sets: Vec<String> = columns
            .iter()
            .map(|column| format!("{column} = {column}"))
            .collect();
        probes.push((
            "the triggers on UPDATE of",
            format!("UPDATE {table} SET {} WHERE FALSE", sets.join(", ")),
        ));
    }
    Ok(probes)
}

/// The columns that can be written, quoted.
async fn settable(connection: &impl ConnectionTrait, table: &str) -> Result<Vec<String>, DbErr> {
    let query = "SELECT name FROM pragma_table_info(?) ORDER BY cid";
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, query, [table.into()]);
    let rows = connection.query_all_raw(statement).await?;
    let names: Vec<String> = rows
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<_, _>>()?;
    if names.is_empty() {
        return columns(connection, table).await;
    }
    Ok(names.iter().map(|name| quote(name)).collect())
}
