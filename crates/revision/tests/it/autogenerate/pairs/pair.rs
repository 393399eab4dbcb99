//! Two schemas, the rows of the first, and what must be decided on the way.

use std::fmt;

use proptest::prelude::*;
use revision::autogenerate::Decisions;
use sea_orm::DbBackend;

use super::build::Builder;
use super::model::{Column, Id, Schema, Table};
use super::{rows, sql};

/// What is thrown for one thing that is made up.
type Bytes = Vec<u8>;

/// Random numbers, from which a pair follows.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    tables: Vec<(Bytes, Vec<Bytes>)>,
    parts: Vec<Bytes>,
    changes: Vec<Bytes>,
    rows: Bytes,
}

pub(super) fn recipes() -> impl Strategy<Value = Recipe> {
    let bytes = || prop::collection::vec(any::<u8>(), 16);
    let list = |most: usize| prop::collection::vec(bytes(), 0..=most);
    let columns = prop::collection::vec(bytes(), 1..=6);
    let tables = prop::collection::vec((bytes(), columns), 1..=5);
    let changes = prop::collection::vec(bytes(), 1..=8);
    (tables, list(8), changes, bytes()).prop_map(|(tables, parts, changes, rows)| Recipe {
        tables,
        parts,
        changes,
        rows,
    })
}

#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) before: Schema,
    pub(super) after: Schema,
    /// How many rows each table of the first schema has.
    pub(super) rows: Vec<(Id, usize)>,
    pub(super) on_both: bool,
}

impl Pair {
    pub(super) fn new(recipe: &Recipe, on_both: bool) -> Self {
        let mut builder = Builder::new(on_both);
        for (own, columns) in &recipe.tables {
            builder.add_table(own, columns);
        }
        for part in &recipe.parts {
            builder.add_part(part);
        }
        let before = builder.schema.clone();
        for change in &recipe.changes {
            builder.change(change);
        }
        let mut after = builder.schema;
        drop_converted_keys(&before, &mut after);
        let mut pair = Self {
            before,
            after,
            rows: Vec::new(),
            on_both,
        };
        pair.rows = rows::settle(&pair, &recipe.rows);
        pair
    }

    pub(super) fn backends(&self) -> &'static [DbBackend] {
        if self.on_both {
            &[DbBackend::Sqlite, DbBackend::Postgres]
        } else {
            &[DbBackend::Sqlite]
        }
    }

    /// What nobody can know who only sees the two schemas.
    pub(super) fn decisions(&self) -> Decisions {
        let mut decisions = Decisions::default();
        for old in &self.before.tables {
            let Some(new) = self.after.table(old.id) else {
                decisions.drops.push(old.name.clone());
                continue;
            };
            if old.name != new.name {
                decisions.renames.push((old.name.clone(), new.name.clone()));
            }
            for column in &old.columns {
                let place = format!("{}.{}", old.name, column.name);
                match new.column(column.id) {
                    None => decisions.drops.push(place),
                    // Only the letters are other ones: that is found without help.
                    Some(now) if now.name.eq_ignore_ascii_case(&column.name) => {}
                    Some(now) => decisions.renames.push((place, now.name.clone())),
                }
            }
            for column in &new.columns {
                if needs_fill(old, new, column) {
                    let place = format!("{}.{}", new.name, column.name);
                    let fill = rows::fill(&self.after, column, self.on_both);
                    decisions.fills.push((place, fill));
                }
            }
        }
        if self.on_both {
            for old in &self.before.enums {
                let Some(new) = self.after.find_enum(old.id) else {
                    continue;
                };
                for (id, value) in &old.values {
                    let place = format!("{}.{value}", old.name);
                    match new.values.iter().find(|(other, _)| other == id) {
                        None => decisions.drops.push(place),
                        Some((_, now)) if now == value => {}
                        Some((_, now)) => decisions.renames.push((place, now.clone())),
                    }
                }
            }
        }
        decisions
    }

    /// The statements that put its rows into the first schema.
    pub(super) fn inserts(&self, backend: DbBackend) -> Vec<String> {
        rows::inserts(self, backend)
    }
}

/// A foreign key goes where its columns become something else altogether: PostgreSQL cannot keep it meanwhile.
fn drop_converted_keys(before: &Schema, after: &mut Schema) {
    for table in &mut after.tables {
        let columns = table.columns.clone();
        let is_another = |id: Id| {
            let now = columns.iter().find(|column| column.id == id);
            let mut all = before.tables.iter().filter_map(|table| table.column(id));
            let families = (
                now.map(|now| now.kind.family()),
                all.next().map(|old| old.kind.family()),
            );
            matches!(families, (Some(now), Some(old)) if now != old)
        };
        table
            .foreign_keys
            .retain(|key| !key.columns.iter().any(|id| is_another(*id)));
    }
}

/// Whether rows that are there have nothing to put into the column.
pub(super) fn needs_fill(old: &Table, new: &Table, column: &Column) -> bool {
    if column.nullable || new.counts(column.id) {
        return false;
    }
    match old.column(column.id) {
        Some(before) => before.nullable,
        None => column.default.is_none() || column.kind == super::model::Kind::Blob,
    }
}

/// As SQL that can be pasted.
impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for backend in self.backends() {
            let whole = |schema: &Schema| {
                let keys = sql::foreign_keys(schema, *backend);
                [sql::create(schema, *backend), keys].concat()
            };
            for (title, statements) in [
                ("before", sql::create(&self.before, *backend)),
                ("rows", self.inserts(*backend)),
                ("keys", sql::foreign_keys(&self.before, *backend)),
                ("after", whole(&self.after)),
            ] {
                writeln!(f, "-- {title}, {backend:?}")?;
                for statement in statements {
                    writeln!(f, "{statement};")?;
                }
            }
        }
        let decisions = self.decisions();
        for (from, to) in &decisions.renames {
            writeln!(f, "-- --rename '{from}:{to}'")?;
        }
        for place in &decisions.drops {
            writeln!(f, "-- --drop '{place}'")?;
        }
        for (place, expression) in &decisions.fills {
            writeln!(f, "-- --default \"{place}={expression}\"")?;
        }
        Ok(())
    }
}
