//! A column: as it is added, and what is changed in one that is there.

use sea_orm::sea_query::{Alias, ColumnDef};

use super::table::expression;
use super::{Side, Way, key};
use crate::autogenerate::reading::Both;
use crate::autogenerate::{spelling, types};
use crate::operation::Change;
use crate::schema::{Column, PrimaryKey};

/// A column on both databases.
type On<'a> = (&'a Column, Option<&'a Column>);

/// A column on both sides.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) old: On<'a>,
    pub(super) new: On<'a>,
}

impl Way<'_> {
    /// The column as it stands in its table, but for its keys and constraints.
    pub(super) fn definition(
        &mut self,
        table: Both<'_>,
        column: &Column,
        postgres: Option<&Column>,
    ) -> ColumnDef {
        let column_type = self.type_of(table, column, postgres);
        let mut definition = ColumnDef::new_with_type(Alias::new(&column.name), column_type);
        if !column.nullable {
            definition.not_null();
        } else if !is_in_key(table.sqlite.primary_key.as_ref(), column) {
            definition.null();
        }
        if let Some(default) = &column.default {
            definition.default(spelling::default(default, table.sqlite));
        }
        if let Some(generated) = &column.generated {
            let text = expression(&generated.expression, table.sqlite);
            definition.generated(text, generated.stored);
        }
        definition
    }

    /// Adds it to a table that has rows.
    pub(super) fn add_column(
        &mut self,
        table: Both<'_>,
        column: &Column,
        postgres: Option<&Column>,
    ) -> Vec<Change> {
        let mut definition = self.definition(table, column, postgres);
        if is_autoincrement(table, column) {
            definition.auto_increment();
            // A key with a name comes later, by itself.
            if key::is_lone(table, &column.name) {
                definition.primary_key();
            }
        }
        let has_value = column.default.is_some()
            || column.generated.is_some()
            || definition.get_column_spec().auto_increment;
        let column_type = definition.get_column_type().cloned();
        let fill = column_type.and_then(|column_type| {
            let must_have = !column.nullable && !has_value;
            self.fill(table.name(), column, &column_type, must_have)
        });
        let mut changes = vec![Change::AddColumn {
            column: Box::new(definition),
            fill,
        }];
        changes.extend(collation(None, (column, postgres)));
        changes.extend(comment(None, (column, postgres)));
        changes
    }

    /// Only what differs.
    pub(super) fn change_column(
        &mut self,
        table: Both<'_>,
        before: Both<'_>,
        Pair { old, new }: Pair<'_>,
    ) -> Vec<Change> {
        let name = || new.0.name.clone();
        let differs = |of: &dyn Fn(&Column) -> Option<String>| {
            of(old.0) != of(new.0) || old.1.and_then(of) != new.1.and_then(of)
        };
        let mut changes = Vec::new();
        let generated = |column: &Column| column.generated.as_ref().map(|text| format!("{text:?}"));
        let is_retyped = differs(&|column| Some(column.type_.clone()))
            || self.is_heard_of_another_type(table.name(), new);
        // PostgreSQL's texts of a default and of a computation say the type too.
        let is_generated = if is_retyped {
            generated(old.0) != generated(new.0)
        } else {
            differs(&generated)
        };
        let is_defaulted = if is_retyped {
            old.0.default != new.0.default
        } else {
            differs(&|column| column.default.clone())
        };
        if is_defaulted && old.0.default.is_some() && (is_retyped || new.0.default.is_none()) {
            changes.push(Change::DropDefault { column: name() });
        }
        if is_retyped {
            changes.push(Change::SetType {
                column: name(),
                column_type: self.type_of(table, new.0, new.1),
                using: None,
            });
        }
        if is_generated && let Some(generated) = &new.0.generated {
            changes.push(Change::SetGenerated {
                column: name(),
                expression: expression(&generated.expression, table.sqlite),
                stored: generated.stored,
            });
        }
        changes.extend(collation(Some(old), new));
        if is_defaulted && let Some(default) = &new.0.default {
            changes.push(Change::SetDefault {
                column: name(),
                value: spelling::default(default, table.sqlite),
            });
        }
        changes.extend(self.nullability(table, before, Pair { old, new }));
        changes.extend(comment(Some(old), new));
        changes
    }

    /// Whether PostgreSQL would have another type where SQLite has the same, if no server is there to say so.
    fn is_heard_of_another_type(&self, table: &str, (column, read): On<'_>) -> bool {
        let heard = |side: Side<'_>| {
            let heard = side.known.words.type_of(table, &column.name);
            heard.map(|text| types::postgres_name(text))
        };
        match (read, heard(self.from), heard(self.to)) {
            (None, Some(before), Some(after)) => before != after,
            _ => false,
        }
    }

    fn nullability(
        &mut self,
        table: Both<'_>,
        before: Both<'_>,
        Pair { old, new }: Pair<'_>,
    ) -> Option<Change> {
        // PostgreSQL forbids it in a key by itself, and keeps it forbidden when the key goes.
        let in_key = |table: Both<'_>| is_in_key(table.sqlite.primary_key.as_ref(), new.0);
        let on_server = |one: On<'_>| one.1.map(|column| column.nullable);
        let differs = old.0.nullable != new.0.nullable
            || (!in_key(table) && on_server(old) != on_server(new));
        if !differs {
            return None;
        }
        let column = new.0.name.clone();
        let is_by_key = in_key(before) || in_key(table);
        if new.0.nullable && (is_by_key || on_server(new) != Some(false)) {
            return Some(Change::DropNotNull { column });
        }
        let column_type = self.type_of(table, new.0, new.1);
        let fill = self.fill(table.name(), new.0, &column_type, false);
        Some(Change::SetNotNull { column, fill })
    }
}

/// Sets the collation where it is another; without a column before, where it is not the usual one.
pub(super) fn collation(old: Option<On<'_>>, new: On<'_>) -> Option<Change> {
    let of = |column: Option<&Column>| column.and_then(|column| column.collation.clone());
    let (sqlite, postgres) = (of(Some(new.0)), of(new.1));
    let before = (of(old.map(|old| old.0)), of(old.and_then(|old| old.1)));
    let set = |before: Option<String>, after: Option<String>, usual: &str| {
        (before != after).then(|| after.unwrap_or_else(|| usual.to_owned()))
    };
    let sqlite = set(before.0, sqlite, "BINARY").map(|name| name.to_uppercase());
    let postgres = set(before.1, postgres, "default");
    (sqlite.is_some() || postgres.is_some()).then(|| Change::SetCollation {
        column: new.0.name.clone(),
        sqlite,
        postgres,
    })
}

/// Sets the comment where it is another one.
pub(super) fn comment(old: Option<On<'_>>, new: On<'_>) -> Option<Change> {
    let of = |on: On<'_>| on.1.and_then(|column| column.comment.clone());
    (old.and_then(of) != of(new)).then(|| Change::SetComment {
        column: Some(new.0.name.clone()),
        comment: of(new),
    })
}

/// Whether the database gives its values by itself.
pub(super) fn is_autoincrement(table: Both<'_>, column: &Column) -> bool {
    let key = table.sqlite.primary_key.as_ref();
    let on_server = table
        .postgres
        .and_then(|table| table.column(&column.name))
        .is_some_and(|column| column.identity.is_some());
    key.is_some_and(|key| key.autoincrement && is_in_key(Some(key), column)) || on_server
}

fn is_in_key(key: Option<&PrimaryKey>, column: &Column) -> bool {
    let mut keys = key.iter().flat_map(|key| &key.keys);
    keys.any(|part| part.text.eq_ignore_ascii_case(&column.name))
}
