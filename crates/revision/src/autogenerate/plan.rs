//! The operations that lead from one schema to another.
//!
//! Names are the same on both sides already: what is renamed is renamed before. The way back is planned like the way
//! there, with the sides exchanged.

mod column;
mod create;
mod enums;
mod index;
mod key;
mod leaning;
mod order;
mod table;

use std::collections::BTreeMap;

use sea_orm::sea_query::{ColumnType, Expr};

use super::intent::{Known, Question};
use super::reading::{Both, Reading};
use super::types;
use crate::operation::{AlterTable, CreateTable, Operation};
use crate::schema::{Column, ForeignKey};

/// One side: the schema as it was read, and what is known of it beside.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) reading: &'a Reading,
    pub(super) known: &'a Known,
    /// The values of each enum when a column of it is added: on the way back they have their old names again by then.
    pub(super) values: &'a BTreeMap<String, Vec<String>>,
}

impl Side<'_> {
    /// The values of each enum.
    pub(super) fn enums(&self) -> &BTreeMap<String, Vec<String>> {
        let read = self.reading.postgres.as_ref();
        read.map_or(self.known.words.enums(), |schema| &schema.enums)
    }
}

/// What goes into a new column of the rows that are there.
#[derive(Clone, Copy)]
pub(super) enum Fill<'a> {
    /// What was decided, by table and column; what was not is asked.
    Decided(&'a BTreeMap<(String, String), Expr>),
    /// Nothing of its type: the column is brought back, its values are not.
    Empty,
}

/// What is to be done, and what must be known before it can be.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) operations: Vec<Operation>,
    pub(super) questions: Vec<Question>,
    /// What can only be guessed.
    pub(super) guesses: Vec<String>,
}

/// The way from one side to the other.
pub(super) struct Way<'a> {
    from: Side<'a>,
    to: Side<'a>,
    fill: Fill<'a>,
    questions: Vec<Question>,
    guesses: Vec<String>,
}

/// Plans the way.
pub(super) fn plan(from: Side<'_>, to: Side<'_>, fill: Fill<'_>) -> Plan {
    let mut way = Way {
        from,
        to,
        fill,
        questions: Vec::new(),
        guesses: Vec::new(),
    };
    let operations = way.operations();
    way.guesses.sort();
    way.guesses.dedup();
    Plan {
        operations,
        questions: way.questions,
        guesses: way.guesses,
    }
}

impl<'a> Way<'a> {
    fn operations(&mut self) -> Vec<Operation> {
        let come: Vec<Both<'a>> = missing(self.to.reading, self.from.reading);
        let gone: Vec<Both<'a>> = missing(self.from.reading, self.to.reading);
        let kept: Vec<(Both<'a>, Both<'a>)> = self
            .to
            .reading
            .tables()
            .filter_map(|table| Some((self.from.reading.table(table.name())?, table)))
            .collect();

        let (enums_before, enums_after) = self.enums();
        let (mut drop_indexes, mut create_indexes) = (Vec::new(), Vec::new());
        let mut alters = Vec::new();
        for (old, new) in kept {
            let (old_ones, new_ones) = index::changes(old, new);
            drop_indexes.extend(old_ones);
            create_indexes.extend(new_ones);
            let changes = self.changes(old, new);
            if !changes.is_empty() {
                let table = new.name().to_owned();
                alters.push(AlterTable { table, changes });
            }
        }
        let mut creates = Vec::new();
        for table in come {
            let (create, rest) = self.create(table);
            creates.push(create);
            if !rest.is_empty() {
                let table = table.name().to_owned();
                alters.push(AlterTable {
                    table,
                    changes: rest,
                });
            }
            create_indexes.extend(index::all(table));
        }
        let leaning = leaning::dropped(self.from, &mut drop_indexes);
        let last = leaning::added(self.to, &create_indexes, &mut creates, &mut alters);
        let (creates, later) = order::creates(creates, &alters);
        let drops: Vec<(String, Vec<ForeignKey>)> = gone
            .iter()
            .map(|table| (table.name().to_owned(), table.sqlite.foreign_keys.clone()))
            .collect();
        let (mut drops, before) = order::drops(drops);
        let pointed_at = order::pointed_at(self.from.reading, &drops);
        let late: Vec<String> = drops
            .extract_if(.., |table| pointed_at.contains(table))
            .collect();
        let drop = |table| Operation::DropTable { table };

        let mut operations = enums_before;
        operations.extend(drop_indexes);
        operations.extend(before.into_iter().map(Operation::AlterTable));
        operations.extend(drops.into_iter().map(drop));
        operations.extend(creates.into_iter().map(Operation::CreateTable));
        let alters = order::alters(self.from.reading, alters, later);
        operations.extend(alters.into_iter().map(Operation::AlterTable));
        operations.extend(late.into_iter().map(drop));
        operations.extend(leaning);
        operations.extend(create_indexes.into_iter().map(Operation::CreateIndex));
        operations.extend(last.into_iter().map(Operation::AlterTable));
        operations.extend(enums_after);
        operations
    }

    /// The type of a column of the side that is led to.
    fn type_of(
        &mut self,
        table: Both<'_>,
        column: &Column,
        postgres: Option<&Column>,
    ) -> ColumnType {
        if let Some(column_type) = self.to.known.type_of(table.name(), &column.name) {
            return column_type.clone();
        }
        // What both sides spell alike is the same type.
        let heard = self.to.known.words.type_of(table.name(), &column.name);
        let other = self.from.reading.table(table.name());
        if let Some((other, other_postgres)) = other.and_then(|table| table.column(&column.name))
            && other.type_ == column.type_
            && other_postgres.map(|column| &column.type_) == postgres.map(|column| &column.type_)
            && self.from.known.words.type_of(table.name(), &column.name) == heard
            && let Some(column_type) = self.from.known.type_of(table.name(), &column.name)
        {
            return column_type.clone();
        }
        let postgres = postgres.map(|column| &column.type_).or(heard);
        if postgres.is_none() && types::is_ambiguous(&column.type_) {
            self.guesses.push(format!(
                "{}.{} is {} on SQLite, which can be more than one type on PostgreSQL",
                table.name(),
                column.name,
                column.type_
            ));
        }
        types::neutral(&column.type_, postgres.map(String::as_str), self.to.values)
    }

    /// What goes into the rows that are there when the column is added, if it is that there must be something.
    fn fill(
        &mut self,
        table: &str,
        column: &Column,
        column_type: &ColumnType,
        must_have: bool,
    ) -> Option<Expr> {
        let place = (table.to_owned(), column.name.clone());
        match self.fill {
            Fill::Decided(fills) => {
                let fill = fills.get(&place).cloned();
                if fill.is_none() && must_have {
                    self.questions.push(Question::Fill {
                        place: format!("{table}.{}", column.name),
                        column_type: crate::operation::spell::column_type(
                            sea_orm::DbBackend::Postgres,
                            column_type,
                        ),
                    });
                }
                fill
            }
            Fill::Empty => must_have.then(|| types::empty(column_type)),
        }
    }

    /// The name of a foreign key that is dropped, where there is one that is known.
    fn name_of_foreign_key(&self, table: Both<'_>, key: &ForeignKey) -> Option<String> {
        let words = &self.from.known.words;
        let read = table.postgres_key(key).and_then(|key| key.name.clone());
        read.or_else(|| words.foreign_key(table.name(), &key.columns).cloned())
            .or_else(|| key.name.clone())
    }

    /// The name of a foreign key that is added; SQLite's text may have none.
    fn foreign_key(&self, table: Both<'_>, key: &ForeignKey) -> ForeignKey {
        let postgres = table.postgres_key(key);
        let words = &self.to.known.words;
        let name = postgres
            .and_then(|key| key.name.clone())
            .or_else(|| words.foreign_key(table.name(), &key.columns).cloned())
            .or_else(|| key.name.clone())
            // As SeaORM names it.
            .unwrap_or_else(|| format!("fk-{}-{}", table.name(), key.columns.join("-")));
        ForeignKey {
            name: Some(name),
            deferral: postgres.map_or(key.deferral, |key| key.deferral),
            ..key.clone()
        }
    }
}

/// The tables of the first that the second has not.
fn missing<'a>(first: &'a Reading, second: &Reading) -> Vec<Both<'a>> {
    first
        .tables()
        .filter(|table| second.table(table.name()).is_none())
        .collect()
}

/// What is in the first list and not in the second, where several may be equal.
pub(super) fn without<'a, T>(
    first: &'a [T],
    second: &[T],
    same: impl Fn(&T, &T) -> bool,
) -> Vec<&'a T> {
    let mut left: Vec<&T> = second.iter().collect();
    let has_no_twin = |one: &&T| match left.iter().position(|other| same(one, other)) {
        Some(twin) => {
            left.swap_remove(twin);
            false
        }
        None => true,
    };
    first.iter().filter(has_no_twin).collect()
}

/// As it is put together by the parts, for those that need no more than that.
fn empty_table(table: &str) -> CreateTable {
    CreateTable {
        table: table.to_owned(),
        columns: Vec::new(),
        primary_key: None,
        uniques: Vec::new(),
        checks: Vec::new(),
        foreign_keys: Vec::new(),
    }
}
