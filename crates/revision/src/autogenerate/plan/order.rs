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
pub(super) fn alters(
    reading: &Reading,
    alters: Vec<AlterTable>,
    later: Vec<AlterTable>,
) -> Vec<AlterTable> {
    let mut waiting = alters;
    let (mut first, mut sorted) = (Vec::new(), Vec::new());
    let mut last: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    for alter in later {
        last.entry(alter.table).or_default().extend(alter.changes);
    }
    while !waiting.is_empty() {
        let is_free = |alter: &AlterTable| {
            let mut others = waiting.iter().filter(|other| other.table != alter.table);
            !others.any(|other| lets_go(reading, other, alter) || is_pointed_at(other, alter))
        };
        if let Some(next) = waiting.iter().position(is_free) {
            sorted.push(waiting.remove(next));
            continue;
        }
        // In a circle foreign keys go before everything else, and if that does not break it, they come after it.
        let holds = |alter: &AlterTable| {
            let mut others = waiting.iter().filter(|other| other.table != alter.table);
            others.any(|other| lets_go(reading, alter, other))
        };
        if let Some(stuck) = waiting.iter().position(holds) {
            let AlterTable { table, changes } = &mut waiting[stuck];
            let table = table.clone();
            let changes = changes.extract_if(.., |change| drops_key(change)).collect();
            first.push(AlterTable { table, changes });
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
    let last = last.into_iter();
    sorted.extend(last.map(|(table, changes)| AlterTable { table, changes }));
    first.append(&mut sorted);
    first
}

/// Whether the first drops a foreign key that leans on a key which the second changes.
fn lets_go(reading: &Reading, first: &AlterTable, second: &AlterTable) -> bool {
    let loses = |change: &Change| {
        matches!(
            change,
            Change::DropPrimaryKey | Change::DropUnique { .. } | Change::SetType { .. }
        )
    };
    let table = reading.table(&first.table);
    let points_at = |columns: &[String]| {
        let mut keys = table.iter().flat_map(|table| &table.sqlite.foreign_keys);
        keys.any(|key| key.columns == *columns && key.parent.eq_ignore_ascii_case(&second.table))
    };
    let mut changes = first.changes.iter();
    let drops = |change: &Change| matches!(change, Change::DropForeignKey { columns, .. } if points_at(columns));
    second.changes.iter().any(loses) && changes.any(drops)
}

fn drops_key(change: &Change) -> bool {
    matches!(change, Change::DropForeignKey { .. })
}

/// Whether the second adds a foreign key that leans on a key which the first makes.
fn is_pointed_at(first: &AlterTable, second: &AlterTable) -> bool {
    let gains = |change: &Change| {
        matches!(
            change,
            Change::AddPrimaryKey { .. } | Change::AddUnique { .. } | Change::SetType { .. }
        )
    };
    let points_at = second.changes.iter().any(|change| match change {
        Change::AddForeignKey(key) => key.parent == first.table,
        _ => false,
    });
    points_at && first.changes.iter().any(gains)
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
