//! In which order tables are created, changed and dropped, so that each finds what it points at.

use std::collections::BTreeMap;

use crate::autogenerate::reading::Reading;
use crate::operation::{AlterTable, Change, CreateTable};
use crate::schema::ForeignKey;

/// Parents before children. A foreign key that points at what is not there yet, or not yet a key, comes later.
pub(super) fn creates(
    creates: Vec<CreateTable>,
    alters: &[AlterTable],
) -> (Vec<CreateTable>, Vec<AlterTable>) {
    let parents = |create: &CreateTable| parents(&create.table, &create.foreign_keys);
    let (mut sorted, later) = (Vec::new(), &mut Vec::new());
    let mut waiting = creates;
    while !waiting.is_empty() {
        let is_free = |create: &CreateTable| {
            let own = parents(create);
            !waiting.iter().any(|other| own.contains(&other.table))
        };
        // In a circle somebody has to begin.
        let next = waiting.iter().position(is_free).unwrap_or_default();
        let mut create = waiting.remove(next);
        let (now, after): (Vec<ForeignKey>, Vec<ForeignKey>) =
            create.foreign_keys.into_iter().partition(|key| {
                let is_waiting = waiting.iter().any(|other| other.table == key.parent);
                !is_waiting && !gets_key(alters, &key.parent)
            });
        create.foreign_keys = now;
        if !after.is_empty() {
            let changes = after.into_iter().map(Change::AddForeignKey).collect();
            let table = create.table.clone();
            later.push(AlterTable { table, changes });
        }
        sorted.push(create);
    }
    (sorted, std::mem::take(later))
}

/// Children before parents; in a circle the foreign keys go first.
pub(super) fn drops(drops: Vec<(String, Vec<ForeignKey>)>) -> (Vec<String>, Vec<AlterTable>) {
    let (mut sorted, mut before) = (Vec::new(), Vec::new());
    let mut waiting = drops;
    while !waiting.is_empty() {
        let is_free = |(table, _): &(String, Vec<ForeignKey>)| {
            let mut others = waiting.iter().filter(|(other, _)| other != table);
            !others.any(|(_, keys)| keys.iter().any(|key| key.parent == *table))
        };
        if let Some(next) = waiting.iter().position(is_free) {
            sorted.push(waiting.remove(next).0);
            continue;
        }
        let (table, keys) = &mut waiting[0];
        let changes = keys.drain(..).map(|key| Change::DropForeignKey {
            name: key.name,
            columns: key.columns,
        });
        before.push(AlterTable {
            table: table.clone(),
            changes: changes.collect(),
        });
    }
    (sorted, before)
}

/// Those of the tables that are dropped, in order, at which tables that stay still point, or such that are dropped as
/// late.
pub(super) fn pointed_at(reading: &Reading, drops: &[String]) -> Vec<String> {
    let points_at = |from: &String, to: &String| {
        let from = reading.table(from).map(|table| &table.sqlite.foreign_keys);
        from.is_some_and(|keys| keys.iter().any(|key| key.parent.eq_ignore_ascii_case(to)))
    };
    let stay = reading.tables().map(|table| table.name().to_owned());
    let mut late: Vec<String> = stay.filter(|table| !drops.contains(table)).collect();
    for table in drops {
        if late.iter().any(|other| points_at(other, table)) {
            late.push(table.clone());
        }
    }
    late
}

/// A foreign key goes before the key that it points at, and comes after it; where that is not possible in one change
/// of a table, it takes two.
pub(super) fn alters(alters: Vec<AlterTable>, later: Vec<AlterTable>) -> Vec<AlterTable> {
    let mut waiting = alters;
    let mut sorted = Vec::new();
    let mut last: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    for alter in later {
        last.entry(alter.table).or_default().extend(alter.changes);
    }
    while !waiting.is_empty() {
        let is_free = |alter: &AlterTable| {
            let mut others = waiting.iter().filter(|other| other.table != alter.table);
            !others.any(|other| comes_first(other, alter))
        };
        if let Some(next) = waiting.iter().position(is_free) {
            sorted.push(waiting.remove(next));
            continue;
        }
        let adds = |change: &Change| matches!(change, Change::AddForeignKey(_));
        let stuck = waiting
            .iter_mut()
            .find(|alter| alter.changes.iter().any(adds));
        match stuck {
            Some(AlterTable { table, changes }) => {
                let added = changes.extract_if(.., |change| adds(change));
                last.entry(table.clone()).or_default().extend(added);
            }
            None => sorted.push(waiting.remove(0)),
        }
    }
    sorted.retain(|alter| !alter.changes.is_empty());
    // What is left for later joins the table's own change where nothing else stands between them.
    for (table, changes) in last {
        sorted.push(AlterTable { table, changes });
    }
    sorted
}

/// Whether the first must be changed before the second.
fn comes_first(first: &AlterTable, second: &AlterTable) -> bool {
    let loses = |change: &Change| {
        matches!(
            change,
            Change::DropPrimaryKey | Change::DropUnique { .. } | Change::SetType { .. }
        )
    };
    let gains = |change: &Change| {
        matches!(
            change,
            Change::AddPrimaryKey { .. } | Change::AddUnique { .. } | Change::SetType { .. }
        )
    };
    let drops_key = first
        .changes
        .iter()
        .any(|change| matches!(change, Change::DropForeignKey { .. }));
    let points_at = second.changes.iter().any(|change| match change {
        Change::AddForeignKey(key) => key.parent == first.table,
        _ => false,
    });
    (drops_key && second.changes.iter().any(loses))
        || (points_at && first.changes.iter().any(gains))
}

/// Whether the table becomes a possible parent only by its change.
fn gets_key(alters: &[AlterTable], table: &str) -> bool {
    let mut changes = alters
        .iter()
        .filter(|alter| alter.table == table)
        .flat_map(|alter| &alter.changes);
    changes.any(|change| {
        matches!(
            change,
            Change::AddPrimaryKey { .. } | Change::AddUnique { .. } | Change::AddColumn { .. }
        )
    })
}

/// The other tables that the foreign keys of a table point at.
fn parents(table: &str, keys: &[ForeignKey]) -> Vec<String> {
    let parents = keys.iter().map(|key| key.parent.clone());
    parents.filter(|parent| parent != table).collect()
}
