//! Names that PostgreSQL makes up: it keeps them when a table or a column is renamed, and numbers them as it comes.
//!
//! A schema that is made at once has other ones. So they are put right at the end, when all constraints are there.

use super::plan::without;
use super::reading::Reading;
use super::renames::in_turn;
use crate::operation::{AlterTable, Change, Operation};
use crate::schema::{Check, ForeignKey, Table, Unique};

/// Gives each constraint the name that it is wanted to have.
pub(super) fn settle(reached: &Reading, wanted: &Reading) -> Vec<Operation> {
    let (Some(reached), Some(wanted)) = (&reached.postgres, &wanted.postgres) else {
        return Vec::new();
    };
    let tables = reached.tables.values().filter_map(|old| {
        let renames = renames(old, wanted.tables.get(&old.name)?);
        let changes = in_turn(&renames, false, |_| false).into_iter();
        let changes: Vec<Change> = changes
            .map(|(from, to)| Change::RenameConstraint { from, to })
            .collect();
        let table = old.name.clone();
        (!changes.is_empty()).then_some(AlterTable { table, changes })
    });
    let mut alters: Vec<AlterTable> = tables.collect();
    let mut all = set_aside(&mut alters);
    all.append(&mut alters);
    all.into_iter().map(Operation::AlterTable).collect()
}

/// Frees the names that another table wants while they are still in use: what has them gets a third one first.
fn set_aside(alters: &mut [AlterTable]) -> Vec<AlterTable> {
    let mut wanted: Vec<String> = Vec::new();
    let mut asides = Vec::new();
    for AlterTable { table, changes } in alters {
        let before = wanted.clone();
        for change in changes {
            let Change::RenameConstraint { from, to } = change else {
                continue;
            };
            wanted.push(to.clone());
            if before.contains(from) {
                let to = format!("{from}_aside");
                let change = Change::RenameConstraint {
                    from: std::mem::replace(from, to.clone()),
                    to,
                };
                asides.push(AlterTable {
                    table: table.clone(),
                    changes: vec![change],
                });
            }
        }
    }
    asides
}

fn renames(old: &Table, new: &Table) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    if let (Some(before), Some(after)) = (&old.primary_key, &new.primary_key)
        && before.keys == after.keys
    {
        pairs.push((before.name.clone(), after.name.clone()));
    }
    pairs.extend(others(
        &old.uniques,
        &new.uniques,
        |unique| unique.name.clone(),
        |unique| Unique {
            name: None,
            ..unique.clone()
        },
    ));
    pairs.extend(others(
        &old.checks,
        &new.checks,
        |check| check.name.clone(),
        |check| Check {
            name: None,
            ..check.clone()
        },
    ));
    pairs.extend(others(
        &old.foreign_keys,
        &new.foreign_keys,
        |key| key.name.clone(),
        |key| ForeignKey {
            name: None,
            ..key.clone()
        },
    ));
    let named = pairs
        .into_iter()
        .filter_map(|(from, to)| Some((from?, to?)));
    named.filter(|(from, to)| from != to).collect()
}

/// The names of those that are the same but for their name.
fn others<T: PartialEq>(
    old: &[T],
    new: &[T],
    name: impl Fn(&T) -> Option<String>,
    nameless: impl Fn(&T) -> T,
) -> Vec<(Option<String>, Option<String>)> {
    let mut open = without(new, old, T::eq);
    let mut pairs = Vec::new();
    for before in without(old, new, T::eq) {
        let twin = open
            .iter()
            .position(|after| nameless(after) == nameless(before));
        if let Some(twin) = twin {
            pairs.push((name(before), name(open.remove(twin))));
        }
    }
    pairs
}
