//! What is to be changed in the primary key.

use super::column::is_autoincrement;
use super::table::columns;
use crate::autogenerate::reading::Both;
use crate::operation::Change;
use crate::schema::{Column, PrimaryKey};

/// What is done before the columns are changed, and what after.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) before: Vec<Change>,
    pub(super) after: Vec<Change>,
}

pub(super) fn changes(old: Both<'_>, new: Both<'_>) -> Changes {
    let mut changes = Changes::default();
    let (before, after) = (&old.sqlite.primary_key, &new.sqlite.primary_key);
    let same = is_same(old, new);
    let counts = |table: Both<'_>| -> Vec<String> {
        let columns = table.columns().map(|(column, _)| column);
        let counting = columns.filter(|column| is_autoincrement(table, column));
        counting
            .map(|column: &Column| column.name.clone())
            .collect()
    };
    let (counted, counting) = (counts(old), counts(new));
    for column in &counted {
        // With its column it goes by itself.
        if new.column(column).is_some() && (!same || !counting.contains(column)) {
            changes.before.push(Change::SetAutoincrement {
                column: column.clone(),
                on: false,
            });
        }
    }
    if !same && before.is_some() {
        changes.before.push(Change::DropPrimaryKey);
    }
    let comes_along = |column: &String| old.column(column).is_none() && is_lone(new, column);
    if !same
        && let Some(key) = after
        && !counting.iter().any(comes_along)
    {
        changes.after.push(Change::AddPrimaryKey {
            name: key.name.clone(),
            columns: columns(&key.keys, new.sqlite),
        });
    }
    for column in counting.iter().filter(|column| !comes_along(column)) {
        if !same || !counted.contains(column) {
            changes.after.push(Change::SetAutoincrement {
                column: column.clone(),
                on: true,
            });
        }
    }
    changes
}

/// Whether it is the same on both sides.
pub(super) fn is_same(old: Both<'_>, new: Both<'_>) -> bool {
    match (&old.sqlite.primary_key, &new.sqlite.primary_key) {
        (Some(one), Some(other)) => one.keys == other.keys && one.name == other.name,
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// Whether the column can say by itself that it is the key.
pub(super) fn is_lone(table: Both<'_>, column: &str) -> bool {
    let key = table.sqlite.primary_key.as_ref();
    key.and_then(|key| lone(table, key)).as_deref() == Some(column)
}

/// The only column of a key that says nothing more, so that the column can say it.
pub(super) fn lone(table: Both<'_>, key: &PrimaryKey) -> Option<String> {
    let [part] = &key.keys[..] else { return None };
    let usual = format!("{}_pkey", table.name());
    let on_server = table
        .postgres
        .and_then(|table| table.primary_key.as_ref()?.name.clone());
    let is_named = key.name.is_some() || on_server.is_some_and(|name| name != usual);
    (!is_named).then(|| crate::autogenerate::spelling::column(&part.text, table.sqlite))
}
