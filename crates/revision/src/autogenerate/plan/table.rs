//! What is to be changed in a table that is on both sides.

use super::{Way, column, without};
use crate::autogenerate::reading::Both;
use crate::autogenerate::spelling;
use crate::operation::Change;
use crate::schema::{Check, ForeignKey, KeyPart, Table, Unique};
use sea_orm::sea_query::Expr;

impl Way<'_> {
    /// Constraints that go come first, then columns, then constraints that come: each finds what it speaks of.
    pub(super) fn changes(&mut self, old: Both<'_>, new: Both<'_>) -> Vec<Change> {
        let (gone, come) = constraints(self, old, new);
        let key = super::key::changes(old, new);
        let mut changes = key.before;
        changes.extend(gone);
        for (column, _) in old.columns() {
            if new.column(&column.name).is_none() {
                changes.push(Change::DropColumn {
                    column: column.name.clone(),
                });
            }
        }
        for (column, postgres) in new.columns() {
            match old.column(&column.name) {
                None => changes.extend(self.add_column(new, column, postgres)),
                Some(before) => {
                    let columns = column::Pair {
                        old: before,
                        new: (column, postgres),
                    };
                    changes.extend(self.change_column(new, old, columns));
                }
            }
        }
        changes.extend(key.after);
        changes.extend(come);
        for (option, change) in [
            ("strict", Change::SetStrict as fn(bool) -> Change),
            ("without rowid", Change::SetWithoutRowid),
        ] {
            let has = |table: &Table| table.options.iter().any(|other| other == option);
            if has(old.sqlite) != has(new.sqlite) {
                changes.push(change(has(new.sqlite)));
            }
        }
        let comment = |table: Both<'_>| table.postgres.and_then(|table| table.comment.clone());
        if comment(old) != comment(new) {
            changes.push(Change::SetComment {
                column: None,
                comment: comment(new),
            });
        }
        changes
    }
}

/// What goes of the constraints, and what comes.
fn constraints(way: &Way<'_>, old: Both<'_>, new: Both<'_>) -> (Vec<Change>, Vec<Change>) {
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    let is_dropped = |name: &str| new.column(name).is_none();
    // What is about one column alone goes with it.
    let goes_along = |columns: &[String]| matches!(columns, [column] if is_dropped(column));

    let same_key = |one: &ForeignKey, other: &ForeignKey| same_foreign_key(old, new, one, other);
    let (before, after) = (&old.sqlite.foreign_keys, &new.sqlite.foreign_keys);
    for key in without(before, after, |one, other| same_key(one, other)) {
        if !goes_along(&key.columns) {
            gone.push(Change::DropForeignKey {
                name: way.name_of_foreign_key(old, key),
                columns: key.columns.clone(),
            });
        }
    }
    for key in without(after, before, |one, other| same_key(other, one)) {
        come.push(Change::AddForeignKey(way.foreign_key(new, key)));
    }

    let (before, after) = (&old.sqlite.uniques, &new.sqlite.uniques);
    for unique in without(before, after, Unique::eq) {
        let columns = columns(&unique.keys, old.sqlite);
        if !goes_along(&columns) {
            gone.push(Change::DropUnique {
                name: unique.name.clone(),
                columns,
            });
        }
    }
    for unique in without(after, before, Unique::eq) {
        come.push(Change::AddUnique {
            name: unique.name.clone(),
            columns: columns(&unique.keys, new.sqlite),
        });
    }

    let (before, after) = (&old.sqlite.checks, &new.sqlite.checks);
    for check in without(before, after, Check::eq) {
        let mut speaks_of = old
            .columns()
            .filter(|(column, _)| spelling::speaks_of(&check.expression, &column.name));
        let first = speaks_of.next().map(|(column, _)| &column.name);
        let alone = first.is_some_and(|name| is_dropped(name)) && speaks_of.next().is_none();
        if !alone {
            gone.push(Change::DropCheck {
                name: check.name.clone(),
                expression: match check.name {
                    Some(_) => None,
                    None => Some(expression(&check.expression, old.sqlite)),
                },
            });
        }
    }
    for check in without(after, before, Check::eq) {
        come.push(Change::AddCheck {
            name: check.name.clone(),
            expression: expression(&check.expression, new.sqlite),
        });
    }
    gone.extend(renamed_by_server(old, new));
    (gone, come)
}

/// Names that PostgreSQL made up and keeps when a table or a column is renamed: a new table would have other ones.
fn renamed_by_server(old: Both<'_>, new: Both<'_>) -> Vec<Change> {
    let (Some(old), Some(new)) = (old.postgres, new.postgres) else {
        return Vec::new();
    };
    let mut renames = Vec::new();
    let mut rename = |from: Option<&String>, to: Option<&String>| {
        if let (Some(from), Some(to)) = (from, to)
            && from != to
        {
            renames.push(Change::RenameConstraint {
                from: from.clone(),
                to: to.clone(),
            });
        }
    };
    if let (Some(before), Some(after)) = (&old.primary_key, &new.primary_key)
        && before.keys == after.keys
    {
        rename(before.name.as_ref(), after.name.as_ref());
    }
    let twins = without(&old.uniques, &new.uniques, Unique::eq);
    for before in twins {
        let same = |after: &&Unique| after.keys == before.keys && after.extra == before.extra;
        let mut open = without(&new.uniques, &old.uniques, Unique::eq).into_iter();
        if let Some(after) = open.find(same) {
            rename(before.name.as_ref(), after.name.as_ref());
        }
    }
    for before in without(&old.checks, &new.checks, Check::eq) {
        let same = |after: &&Check| after.expression == before.expression;
        let mut open = without(&new.checks, &old.checks, Check::eq).into_iter();
        if let Some(after) = open.find(same) {
            rename(before.name.as_ref(), after.name.as_ref());
        }
    }
    let nameless = |key: &ForeignKey| ForeignKey {
        name: None,
        ..key.clone()
    };
    for before in without(&old.foreign_keys, &new.foreign_keys, ForeignKey::eq) {
        let same = |after: &&ForeignKey| nameless(after) == nameless(before);
        let mut open = without(&new.foreign_keys, &old.foreign_keys, ForeignKey::eq).into_iter();
        if let Some(after) = open.find(same) {
            rename(before.name.as_ref(), after.name.as_ref());
        }
    }
    renames
}

/// Whether it is the same on both databases; the name does not count, because SQLite's text may have none.
fn same_foreign_key(old: Both<'_>, new: Both<'_>, one: &ForeignKey, other: &ForeignKey) -> bool {
    let nameless = |key: &ForeignKey| {
        let lower = |names: &[String]| -> Vec<String> {
            names.iter().map(|name| name.to_lowercase()).collect()
        };
        ForeignKey {
            name: None,
            columns: lower(&key.columns),
            parent: key.parent.to_lowercase(),
            parent_columns: lower(&key.parent_columns),
            ..key.clone()
        }
    };
    let postgres = |table: Both<'_>, key| table.postgres_key(key).map(nameless);
    nameless(one) == nameless(other) && postgres(old, one) == postgres(new, other)
}

/// The columns of a key as they are really spelled.
pub(super) fn columns(keys: &[KeyPart], table: &Table) -> Vec<String> {
    let columns = keys.iter();
    columns
        .map(|key| spelling::column(&key.text, table))
        .collect()
}

pub(super) fn expression(text: &str, table: &Table) -> Expr {
    Expr::cust(spelling::expression(text, table))
}
