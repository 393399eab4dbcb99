//! What is to be changed in a table that is on both sides.

use super::{Side, Way, column, without};
use crate::autogenerate::reading::Both;
use crate::autogenerate::spelling;
use crate::operation::Change;
use crate::schema::{Check, Column, ForeignKey, KeyPart, Table, Unique};
use sea_orm::sea_query::Expr;

impl Way<'_> {
    /// Constraints that go come first, then columns, then constraints that come: each finds what it speaks of.
    pub(super) fn changes(&mut self, old: Both<'_>, new: Both<'_>) -> Vec<Change> {
        let (mut gone, come) = constraints(self, old, new);
        let key = super::key::changes(old, new);
        let is_strict = |table: Both<'_>| table.sqlite.options.iter().any(|one| one == "strict");
        let mut changes = Vec::new();
        // A STRICT table has few types: others come after it stopped being one, and go before it becomes one.
        if is_strict(old) && !is_strict(new) {
            changes.push(Change::SetStrict(false));
        }
        // What leans on a key goes before it.
        let leaves = |change: &mut Change| matches!(change, Change::DropForeignKey { .. });
        changes.extend(gone.extract_if(.., leaves));
        changes.extend(key.before);
        changes.extend(gone);
        let dropped = old.columns().map(|(column, _)| column);
        let dropped = dropped.filter(|column| new.column(&column.name).is_none());
        // What a computed column is computed from goes after it, or after it is computed from something else.
        let (sources, dropped): (Vec<&Column>, Vec<&Column>) =
            dropped.partition(|column| is_source(old, column));
        changes.extend(dropped.into_iter().map(drop_column));
        // What is no longer computed does not mind what becomes of its source.
        for (column, _) in new
            .columns()
            .filter(|(column, _)| column.generated.is_none())
        {
            let before = old.column(&column.name);
            if before.is_some_and(|(before, _)| before.generated.is_some()) {
                let column = column.name.clone();
                changes.push(Change::DropGenerated { column });
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
        changes.extend(sources.into_iter().map(drop_column));
        changes.extend(key.after);
        changes.extend(come);
        if is_strict(new) && !is_strict(old) {
            changes.push(Change::SetStrict(true));
        }
        let has_no_rowid = |table: Both<'_>| {
            let mut options = table.sqlite.options.iter();
            options.any(|one| one == "without rowid")
        };
        if has_no_rowid(old) != has_no_rowid(new) {
            changes.push(Change::SetWithoutRowid(has_no_rowid(new)));
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

fn drop_column(column: &Column) -> Change {
    let column = column.name.clone();
    Change::DropColumn { column }
}

/// Whether a column of the table is computed from it.
fn is_source(table: Both<'_>, column: &Column) -> bool {
    let computed = table
        .columns()
        .filter_map(|(column, _)| column.generated.as_ref());
    let mut computed = computed.map(|generated| &generated.expression);
    computed.any(|expression| spelling::speaks_of(expression, &column.name))
}

impl Way<'_> {
    /// Whether a key of the table that it points at goes, or becomes another kind of value.
    fn changes_parent(&self, key: &ForeignKey) -> bool {
        let sides = [self.from, self.to].map(|side| side.reading.table(&key.parent));
        let [Some(old), Some(new)] = sides else {
            return false;
        };
        let type_of = |table: Both<'_>, name: &String| {
            table.column(name).map(|(column, _)| column.type_.clone())
        };
        let mut columns = key.parent_columns.iter();
        !super::key::is_same(old, new)
            || !without(&old.sqlite.uniques, &new.sqlite.uniques, Unique::eq).is_empty()
            || columns.any(|name| type_of(old, name) != type_of(new, name))
    }

    /// Whether neither end has the type of the other while they are converted.
    fn is_retyped_at_both_ends(&self, table: Both<'_>, key: &ForeignKey) -> bool {
        let is_retyped = |table: &str, column: &String| {
            let type_of = |side: Side<'_>| {
                let (column, _) = side.reading.table(table)?.column(column)?;
                Some(column.type_.clone())
            };
            matches!((type_of(self.from), type_of(self.to)), (Some(old), Some(new)) if old != new)
        };
        let mut ends = key.columns.iter().zip(&key.parent_columns);
        ends.any(|(own, other)| is_retyped(table.name(), own) && is_retyped(&key.parent, other))
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
    let added = without(after, before, |one, other| same_key(other, one));
    for key in without(before, after, |one, other| same_key(one, other)) {
        // Not so when the key that it leans on would go before its column.
        if !goes_along(&key.columns) || way.changes_parent(key) {
            gone.push(Change::DropForeignKey {
                name: way.name_of_foreign_key(old, key),
                columns: key.columns.clone(),
            });
        }
    }

    let mut added = added;
    for key in after
        .iter()
        .filter(|key| way.is_retyped_at_both_ends(new, key))
    {
        if let Some(twin) = before.iter().find(|one| same_key(one, key)) {
            gone.push(Change::DropForeignKey {
                name: way.name_of_foreign_key(old, twin),
                columns: twin.columns.clone(),
            });
            added.push(key);
        }
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
    let reprinted = reprinted(old, new);
    let is_same = |one: &Check, other: &Check| {
        let mut reprinted = reprinted.iter();
        one == other && !reprinted.any(|name| spelling::speaks_of(&one.expression, name))
    };
    for check in without(before, after, is_same) {
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
    for check in without(after, before, is_same) {
        come.push(Change::AddCheck {
            name: check.name.clone(),
            expression: expression(&check.expression, new.sqlite),
        });
    }
    // What a key of the same table points at is there by now.
    for key in added {
        come.push(Change::AddForeignKey(way.foreign_key(new, key)));
    }
    (gone, come)
}

/// Columns of another type of which a check, printed by the server, says another type than before.
///
/// It would keep the words of the old one in it, and not be as if it was made for the new one.
fn reprinted(old: Both<'_>, new: Both<'_>) -> Vec<String> {
    let texts = |table: Option<&Table>| -> Vec<String> {
        let checks = table.map_or(&[][..], |table| &table.checks);
        checks
            .iter()
            .map(|check| check.expression.clone())
            .collect()
    };
    let (before, after) = (texts(old.postgres), texts(new.postgres));
    let changed = without(&before, &after, String::eq);
    let retyped = new.columns().filter(|(column, postgres)| {
        let former = old.column(&column.name).and_then(|(_, postgres)| postgres);
        former.is_some_and(|former| {
            postgres.is_some_and(|column| column.type_ != former.type_)
                && changed
                    .iter()
                    .any(|text| spelling::speaks_of(text, &column.name))
        })
    });
    retyped.map(|(column, _)| column.name.clone()).collect()
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
