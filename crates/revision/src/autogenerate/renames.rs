//! What has another name than before. Nothing is guessed: what is not said is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::intent::{Decisions, Known, Question};
use super::reading::{Both, Reading};
use super::words::Words;
use crate::error::Error;
use crate::operation::{AlterTable, Change, Operation};

/// Everything that is renamed, each with its name so far and its name from now on.
#[derive(Debug, Default)]
pub(super) struct Renames {
    tables: Vec<(String, String)>,
    /// With the name of the table from now on.
    columns: Vec<(String, String, String)>,
    values: Vec<(String, String, String)>,
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
        let mut renames = Self::default();
        renames.pair_tables(old, new, known, &mut open);
        for table in new.tables() {
            let former = renames.former_table(table.name());
            if let Some(before) = old.table(former) {
                renames.pair_columns(before, table, known, &mut open);
            }
        }
        for (name, values) in enums(new, &known.words) {
            if let Some(before) = enums(old, &known.words_before).get(name) {
                let pairs = open.pair(name, name, before, values, |_, _| true);
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
            (Some(from), Some(to)) => likeness(from, to) >= 0.5,
            _ => false,
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
        // To PostgreSQL a name in other letters is another name.
        for name in &before {
            let other = after.iter().find(|other| other.eq_ignore_ascii_case(name));
            if let Some(other) = other.filter(|other| *other != name) {
                pairs.push((name.clone(), other.clone()));
            }
        }
        before.retain(|name| !pairs.iter().any(|(from, _)| from == name));
        after.retain(|name| !pairs.iter().any(|(_, to)| to == name));
        pairs.extend(open.pair(table, old.name(), &before, &after, |_, _| true));
        let pairs = pairs
            .into_iter()
            .map(|(from, to)| (table.to_owned(), from, to));
        self.columns.extend(pairs);
    }

    fn former_table<'a>(&'a self, name: &'a str) -> &'a str {
        let pair = self.tables.iter().find(|(_, to)| to == name);
        pair.map_or(name, |(from, _)| from)
    }

    /// What carries them out: tables first, so that a column is spoken of by its table's new name.
    pub(super) fn operations(&self) -> Vec<Operation> {
        let values = self.values.iter().map(rename_value);
        let mut operations: Vec<Operation> = values.collect();
        let tables = in_turn(&self.tables).into_iter();
        operations.extend(tables.map(|(from, to)| Operation::RenameTable { from, to }));
        let names: BTreeSet<&String> = self.columns.iter().map(|(table, ..)| table).collect();
        for table in names {
            let own = self.columns.iter().filter(|(of, ..)| of == table);
            let pairs: Vec<(String, String)> = own
                .map(|(_, from, to)| (from.clone(), to.clone()))
                .collect();
            let changes = in_turn(&pairs).into_iter();
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

/// As the server says, or as it would.
fn enums<'a>(reading: &'a Reading, words: &'a Words) -> &'a BTreeMap<String, Vec<String>> {
    let read = reading.postgres.as_ref();
    read.map_or(words.enums(), |schema| &schema.enums)
}

/// The same backwards.
pub(super) fn reversed(operations: &[Operation]) -> Vec<Operation> {
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

/// In an order in which no name is taken while it is still in use; two that change places need a third for a moment.
pub(super) fn in_turn(pairs: &[(String, String)]) -> Vec<(String, String)> {
    let mut waiting = pairs.to_vec();
    let mut turns = Vec::new();
    while !waiting.is_empty() {
        let is_free = |to: &String| !waiting.iter().any(|(from, _)| from == to);
        if let Some(next) = waiting.iter().position(|(_, to)| is_free(to)) {
            turns.push(waiting.remove(next));
        } else {
            let (from, _) = &mut waiting[0];
            let aside = format!("{from}_aside");
            turns.push((from.clone(), aside.clone()));
            *from = aside;
        }
    }
    turns
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

/// What was decided and not used yet, and what must still be asked.
struct Open<'a> {
    decisions: &'a Decisions,
    used: BTreeSet<String>,
    questions: Vec<Question>,
}

impl<'a> Open<'a> {
    fn new(decisions: &'a Decisions) -> Self {
        Self {
            decisions,
            used: BTreeSet::new(),
            questions: Vec::new(),
        }
    }

    /// Pairs the names of one kind in one place; the place may have had another name so far.
    fn pair(
        &mut self,
        place: &str,
        former_place: &str,
        before: &[String],
        after: &[String],
        alike: impl Fn(&str, &str) -> bool,
    ) -> Vec<(String, String)> {
        let spell = |place: &str, name: &str| match place {
            "" => name.to_owned(),
            place => format!("{place}.{name}"),
        };
        let mut lost = gone(before, after);
        let mut found = gone(after, before);
        let mut pairs = Vec::new();
        let mut dropped = Vec::new();
        for name in &lost {
            for spelled in [spell(place, name), spell(former_place, name)] {
                if self.decisions.drops.contains(&spelled) {
                    self.used.insert(spelled.clone());
                    dropped.push((*name).clone());
                }
                for (from, to) in &self.decisions.renames {
                    // The new name may be given with its place or without.
                    let target = found
                        .iter()
                        .find(|name| **name == to || spell(place, name) == *to);
                    if *from == spelled
                        && let Some(target) = target
                        && !pairs.iter().any(|(from, _)| from == *name)
                    {
                        self.used.insert(spelled.clone());
                        pairs.push(((*name).clone(), (*target).clone()));
                    }
                }
            }
        }
        lost.retain(|name| !dropped.contains(name) && !pairs.iter().any(|(from, _)| from == *name));
        found.retain(|name| !pairs.iter().any(|(_, to)| to == *name));
        for name in lost {
            let candidates = found.iter().filter(|other| alike(name, other));
            let candidates: Vec<String> = candidates.map(|other| (*other).clone()).collect();
            if !candidates.is_empty() {
                self.questions.push(Question::Renamed {
                    place: spell(place, name),
                    candidates,
                });
            }
        }
        pairs
    }

    /// A decision about something that is not there is a mistake of whoever typed it.
    fn refuse_the_rest(&self) -> Result<(), Error> {
        let renames = self.decisions.renames.iter();
        let renames = renames.map(|(from, to)| (from, format!("--rename {from}:{to}")));
        let drops = self.decisions.drops.iter();
        let drops = drops.map(|place| (place, format!("--drop {place}")));
        for (place, spelled) in renames.chain(drops) {
            if !self.used.contains(place) {
                return Err(Error::Refused {
                    reason: format!(
                        "{spelled} does not fit: it is not so that {place} is gone and the other name is new."
                    ),
                    advice: "Check the names: the old one as it is in the migrations, the new one as it is in the entities."
                        .to_owned(),
                });
            }
        }
        Ok(())
    }
}
