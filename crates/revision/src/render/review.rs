//! What a person should look at before a statement runs on real data, in one sentence each.

use sea_orm::sea_query::{ColumnDef, ColumnType};

use super::expression::words;
use super::widening::{self, widens};
use crate::operation::{AlterTable, Change, Operation};

/// For each operation of `up`, its remarks; `down` says what a type was before.
pub(super) fn up(up: &[Operation], down: &[Operation]) -> Vec<Vec<String>> {
    let of = |(index, operation)| remarks(operation, &up[..index], down);
    up.iter().enumerate().map(of).collect()
}

/// For each operation of `down`, its remarks, and which of what `up` dropped it brings back empty.
pub(super) fn down(down: &[Operation], up: &[Operation]) -> Vec<Vec<String>> {
    let of = |(index, operation)| {
        let mut all = brought_back(operation, up);
        all.extend(remarks(operation, &down[..index], up));
        all
    };
    down.iter().enumerate().map(of).collect()
}

fn remarks(operation: &Operation, before: &[Operation], other: &[Operation]) -> Vec<String> {
    match operation {
        Operation::DropTable { table } => vec![format!(
            "drops {table} with its rows; the guard counts them and asks for --allow-data-loss."
        )],
        Operation::AlterTable(alter) if !is_new(&alter.table, before) => {
            let changes = alter.changes.iter();
            changes
                .filter_map(|change| change_of(&alter.table, change, other))
                .collect()
        }
        Operation::CreateIndex(create) if create.index.unique && !is_new(&create.table, before) => {
            let keys: Vec<&str> = create
                .index
                .keys
                .iter()
                .map(|key| key.text.as_str())
                .collect();
            vec![duplicates(&create.table, &keys.join(", "))]
        }
        Operation::ReplaceEnum { name, .. } => vec![format!(
            "a row with a value that {name} no longer has stops the migration."
        )],
        _ => Vec::new(),
    }
}

/// A table that was created just before has no rows.
fn is_new(name: &str, before: &[Operation]) -> bool {
    before.iter().any(
        |operation| matches!(operation, Operation::CreateTable(create) if create.table == name),
    )
}

fn change_of(table: &str, change: &Change, other: &[Operation]) -> Option<String> {
    Some(match change {
        Change::DropColumn { column } => format!(
            "drops {table}.{column} with its values; the guard counts them and asks for --allow-data-loss."
        ),
        Change::SetGenerated { column, .. } => format!(
            "what stands in {table}.{column} is lost, because it is computed from now on; the guard counts it."
        ),
        Change::AddColumn { column, fill: None } if wants_value(column) => format!(
            "rows that are there have no value for {table}.{}, which is NOT NULL: they stop the migration.",
            column.get_column_name()
        ),
        Change::SetNotNull { column, fill: None } => {
            format!("a row with NULL in {table}.{column} stops the migration.")
        }
        Change::SetNotNull {
            column,
            fill: Some(fill),
        } => format!("every NULL in {table}.{column} becomes {}.", words(fill)),
        Change::SetType {
            column,
            column_type,
            using,
        } => return conversion(table, column, column_type, using.is_some(), other),
        Change::AddUnique { columns, .. } => duplicates(table, &columns.join(", ")),
        Change::AddPrimaryKey { columns, .. } => format!(
            "rows of {table} with the same {0}, or with NULL in it, stop the migration.",
            columns.join(", ")
        ),
        Change::AddCheck { name, expression } => format!(
            "a row of {table} that breaks the check {} stops the migration.",
            name.clone().unwrap_or_else(|| words(expression))
        ),
        Change::AddForeignKey(key) => {
            format!(
                "a row of {table} that points at no row of {} stops the migration.",
                key.parent
            )
        }
        Change::SetStrict(true) => {
            format!("a value in {table} that is not of its column's type stops the migration.")
        }
        _ => return None,
    })
}

fn duplicates(table: &str, columns: &str) -> String {
    format!("rows of {table} with the same {columns} stop the migration.")
}

fn wants_value(column: &ColumnDef) -> bool {
    let spec = column.get_column_spec();
    spec.nullable == Some(false)
        && spec.default.is_none()
        && spec.generated.is_none()
        && !spec.auto_increment
}

/// What a conversion may do, unless it is known to keep every value.
fn conversion(
    table: &str,
    column: &str,
    to: &ColumnType,
    has_using: bool,
    other: &[Operation],
) -> Option<String> {
    let from = type_of(table, column, other);
    if !has_using && from.is_some_and(|from| widens(from, to)) {
        return None;
    }
    let was = from.map_or_else(String::new, |from| {
        format!(" from {}", widening::words(from))
    });
    let but = match widening::limit(to) {
        _ if has_using => "look at the expression",
        Some(_) => {
            "the guard counts the values that are longer, and asks for --allow-data-loss to cut them"
        }
        None => "a value that does not convert stops the migration",
    };
    Some(format!(
        "converts {table}.{column}{was} to {}; {but}.",
        widening::words(to)
    ))
}

/// The type that a column is given again on the way back.
fn type_of<'a>(table: &str, column: &str, operations: &'a [Operation]) -> Option<&'a ColumnType> {
    changes(table, operations).find_map(|change| match change {
        Change::SetType {
            column: other,
            column_type,
            ..
        } if other == column => Some(column_type),
        _ => None,
    })
}

/// What comes back by this operation after `up` has dropped it.
fn brought_back(operation: &Operation, up: &[Operation]) -> Vec<String> {
    match operation {
        Operation::CreateTable(create) if up.iter().any(|operation| matches!(operation, Operation::DropTable { table } if *table == create.table)) => {
            vec![format!("{} comes back without the rows that were dropped.", create.table)]
        }
        Operation::AlterTable(AlterTable { table, changes: own }) => {
            let added = own.iter().filter_map(|change| match change {
                Change::AddColumn { column, .. } => Some(column.get_column_name()),
                _ => None,
            });
            let dropped = |name: &String| {
                changes(table, up).any(|change| matches!(change, Change::DropColumn { column } if column == name))
            };
            let back = added.filter(dropped);
            back.map(|name| format!("{table}.{name} comes back without the values that were dropped.")).collect()
        }
        _ => Vec::new(),
    }
}

fn changes<'a>(table: &str, operations: &'a [Operation]) -> impl Iterator<Item = &'a Change> {
    let of = operations
        .iter()
        .filter_map(move |operation| match operation {
            Operation::AlterTable(alter) if alter.table == table => Some(&alter.changes),
            _ => None,
        });
    of.flatten()
}
