//! What has another name than before. Nothing is guessed: what is not said is asked.

mod open;

use std::collections::{BTreeMap, BTreeSet};

use super::intent::{Decisions, Known, Question};
use super::reading::{Both, Reading};
use super::words::Words;
use crate::error::Error;
use crate::operation::{AlterTable, Change, Operation};
use crate::schema::Column;
use open::Open;

/// Everything that is renamed, each with its name so far and its name from now on.
#[derive(Debug, Default)]
pub(super) struct Renames {
    tables: Vec<(String, String)>,
    /// With the name of the table from now on.
    columns: Vec<(String, String, String)>,
    values: Vec<(String, String, String)>,
    /// Every name of a table or a column on either side, in lower case.
    taken: BTreeSet<String>,
}

impl Renames {
    /// Pairs what is gone with what is new; what cannot be told is asked.
    pub(super) fn decide(
        old: &Reading,
        new: &Reading,
        known: &Known,
        decisions: &Decisions,
    ) -> Result<(Self, Vec<Question>), Error> {
        let mut open = Open::new(decisions);
        let mut renames = Self {
            taken: old.tables().chain(new.tables()).flat_map(names).collect(),
            ..Self::default()
        };
        renames.pair_tables(old, new, known, &mut open);
        for table in new.tables() {
            let former = renames.former_table(table.name());
            if let Some(before) = former.and_then(|former| old.table(former)) {
                renames.pair_columns(before, table, known, &mut open);
            }
        }
        for (name, values) in enums(new, &known.words) {
            if let Some(before) = enums(old, &known.words_before).get(name) {
                let pairs = open.pair(name, name, before, values, |_, _| Some(0.0));
                let pairs = pairs.into_iter().map(|(from, to)| (name.clone(), from, to));
                renames.values.extend(pairs);
            }
        }
        open.refuse_the_rest()?;
        Ok((renames, open.questions))
    }

    fn pair_tables(&mut self, old: &Reading, new: &Reading, known: &Known, open: &mut Open<'_>) {
        let names = |reading: &Reading| -> Vec<String> {
            reading
                .tables()
                .map(|table| table.name().to_owned())
                .collect()
        };
        let (before, after) = (names(old), names(new));
        for (to, from) in &known.former_tables {
            if gone(&before, &after).contains(&from) && gone(&after, &before).contains(&to) {
                self.tables.push((from.clone(), to.clone()));
            }
        }
        self.tables.extend(in_other_letters(&before, &after));
        let left = |names: &[String], taken: &dyn Fn(&(String, String)) -> String| {
            let taken: Vec<String> = self.tables.iter().map(taken).collect();
            let left = names.iter().filter(|name| !taken.contains(name));
            left.cloned().collect::<Vec<_>>()
        };
        let (before, after) = (
            left(&before, &|pair| pair.0.clone()),
            left(&after, &|pair| pair.1.clone()),
        );
        // Tables that have next to nothing in common are not the same one.
        let alike = |from: &str, to: &str| match (old.table(from), new.table(to)) {
            (Some(from), Some(to)) => Some(likeness(from, to)).filter(|likeness| *likeness >= 0.5),
            _ => None,
        };
        self.tables
            .extend(open.pair("", "", &before, &after, alike));
    }

    fn pair_columns(&mut self, old: Both<'_>, new: Both<'_>, known: &Known, open: &mut Open<'_>) {
        let names = |table: Both<'_>| -> Vec<String> {
            table
                .columns()
                .map(|(column, _)| column.name.clone())
                .collect()
        };
        let table = new.name();
        let (mut before, mut after) = (names(old), names(new));
        let mut pairs = Vec::new();
        for (of, to, from) in &known.former_columns {
            if of == table
                && gone(&before, &after).contains(&from)
                && gone(&after, &before).contains(&to)
            {
                pairs.push((from.clone(), to.clone()));
            }
        }
        pairs.extend(in_other_letters(&before, &after));
        before.retain(|name| !pairs.iter().any(|(from, _)| from == name));
        after.retain(|name| !pairs.iter().any(|(_, to)| to == name));
        let alike = |from: &str, to: &str| {
            let type_of = |(column, _): (&Column, _)| column.type_.clone();
            let is_same = old.column(from).map(type_of) == new.column(to).map(type_of);
            Some(f64::from(u8::from(is_same)))
        };
        pairs.extend(open.pair(table, old.name(), &before, &after, alike));
        let pairs = pairs
            .into_iter()
            .map(|(from, to)| (table.to_owned(), from, to));
        self.columns.extend(pairs);
    }

    /// The name so far; nothing when the table is new under a name that another one had.
    fn former_table<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let pair = self.tables.iter().find(|(_, to)| to == name);
        let is_new = || self.tables.iter().any(|(from, _)| from == name);
        match pair {
            Some((from, _)) => Some(from),
            None => (!is_new()).then_some(name),
        }
    }

    /// What carries them out: tables first, so that a column is spoken of by its table's new name.
    pub(super) fn operations(&self) -> Vec<Operation> {
        let is_taken = |name: &str| self.taken.contains(&name.to_lowercase());
        let values = self.values.iter().map(rename_value);
        let mut operations: Vec<Operation> = values.collect();
        // SQLite does not rename a table to its own name in other letters.
        let tables = in_turn(&self.tables, true, is_taken).into_iter();
        operations.extend(tables.map(|(from, to)| Operation::RenameTable { from, to }));
        let names: BTreeSet<&String> = self.columns.iter().map(|(table, ..)| table).collect();
        for table in names {
            let own = self.columns.iter().filter(|(of, ..)| of == table);
            let pairs: Vec<(String, String)> = own
                .map(|(_, from, to)| (from.clone(), to.clone()))
                .collect();
            let changes = in_turn(&pairs, false, is_taken).into_iter();
            operations.push(Operation::AlterTable(AlterTable {
                table: table.clone(),
                changes: changes
                    .map(|(from, to)| Change::RenameColumn { from, to })
                    .collect(),
            }));
        }
        operations
    }
}

/// In an order in which no name is taken while it is still in use; two that change places need a third for a moment,
/// and so do `other_letters` of the same name.
pub(super) fn in_turn(
    pairs: &[(String, String)],
    other_letters: bool,
    is_taken: impl Fn(&str) -> bool,
) -> Vec<(String, String)> {
    let mut waiting = pairs.to_vec();
    let mut turns = Vec::new();
    while !waiting.is_empty() {
        let is_free = |(own, to): &(String, String)| {
            let mut others = waiting.iter().map(|(from, _)| from);
            !others.any(|from| from.eq_ignore_ascii_case(to) && (other_letters || from != own))
        };
        if let Some(next) = waiting.iter().position(is_free) {
            turns.push(waiting.remove(next));
        } else {
            let (from, _) = &mut waiting[0];
            let mut aside = format!("{from}_aside");
            while is_taken(&aside) {
                aside.push_str("_aside");
            }
            turns.push((from.clone(), aside.clone()));
            *from = aside;
        }
    }
    turns
}

/// The names of a table and its columns, in lower case.
fn names(table: Both<'_>) -> Vec<String> {
    let columns = table
        .columns()
        .map(|(column, _)| column.name.to_lowercase());
    columns.chain([table.name().to_lowercase()]).collect()
}

/// To PostgreSQL a name in other letters is another name.
fn in_other_letters(before: &[String], after: &[String]) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for name in gone(before, after) {
        let other = gone(after, before)
            .into_iter()
            .find(|other| other.eq_ignore_ascii_case(name));
        pairs.extend(other.map(|other| (name.clone(), other.clone())));
    }
    pairs
}

/// The values of each enum, as the server says, or as it would.
pub(super) fn enums<'a>(
    reading: &'a Reading,
    words: &'a Words,
) -> &'a BTreeMap<String, Vec<String>> {
    let read = reading.postgres.as_ref();
    read.map_or(words.enums(), |schema| &schema.enums)
}

/// The way back, with the renames taken back in it: tables and columns at its end, which speaks of them by their new
/// names, and values of enums as soon as their enum is as it was, because a default is one of them.
pub(super) fn undone(renames: &[Operation], mut back: Vec<Operation>) -> Vec<Operation> {
    let is_value = |operation: &Operation| matches!(operation, Operation::RenameEnumValue { .. });
    let (values, others): (Vec<_>, Vec<_>) = reversed(renames).into_iter().partition(is_value);
    let is_enum = |operation: &&Operation| {
        matches!(
            operation,
            Operation::CreateEnum { .. }
                | Operation::AddEnumValue { .. }
                | Operation::ReplaceEnum { .. }
        )
    };
    let at = back.iter().take_while(is_enum).count();
    back.splice(at..at, values);
    back.extend(others);
    back
}

/// The same backwards.
fn reversed(operations: &[Operation]) -> Vec<Operation> {
    let each = operations.iter().rev().map(|operation| match operation {
        Operation::RenameTable { from, to } => Operation::RenameTable {
            from: to.clone(),
            to: from.clone(),
        },
        Operation::RenameEnumValue { name, from, to } => Operation::RenameEnumValue {
            name: name.clone(),
            from: to.clone(),
            to: from.clone(),
        },
        Operation::AlterTable(alter) => {
            let changes = alter.changes.iter().rev().map(|change| match change {
                Change::RenameColumn { from, to } => Change::RenameColumn {
                    from: to.clone(),
                    to: from.clone(),
                },
                other => other.clone(),
            });
            Operation::AlterTable(AlterTable {
                table: alter.table.clone(),
                changes: changes.collect(),
            })
        }
        other => other.clone(),
    });
    each.collect()
}

fn rename_value((name, from, to): &(String, String, String)) -> Operation {
    Operation::RenameEnumValue {
        name: name.clone(),
        from: from.clone(),
        to: to.clone(),
    }
}

/// What is in the first list and not in the second.
fn gone<'a>(first: &'a [String], second: &[String]) -> Vec<&'a String> {
    first.iter().filter(|name| !second.contains(name)).collect()
}

/// How much of their columns two tables share, from 0 to 1.
fn likeness(old: Both<'_>, new: Both<'_>) -> f64 {
    let same = old.columns().filter(|(column, _)| {
        new.column(&column.name)
            .is_some_and(|(other, _)| other.type_ == column.type_)
    });
    let most = old.columns().count().max(new.columns().count());
    let count = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    count(same.count()) / count(most).max(1.0)
}
