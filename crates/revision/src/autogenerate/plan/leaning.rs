//! Foreign keys that lean on a unique index, because no key makes the columns unique that they point at.

use std::collections::{BTreeMap, BTreeSet};

use super::Side;
use crate::operation::{AlterTable, Change, CreateIndex, CreateTable, Operation};
use crate::schema::{ForeignKey, Index, KeyPart, Table};

/// Takes the indexes out that can be dropped only after the foreign keys that lean on them.
pub(super) fn dropped(side: Side<'_>, drops: &mut Vec<Operation>) -> Vec<Operation> {
    let is_needed = |operation: &mut Operation| {
        let Operation::DropIndex { table, index } = operation else {
            return false;
        };
        let table = side.reading.table(table).map(|table| table.sqlite);
        let index = table.and_then(|table| table.indexes.iter().find(|one| one.name == *index));
        let (Some(table), Some(index)) = (table, index) else {
            return false;
        };
        let mut keys = side
            .reading
            .tables()
            .flat_map(|table| &table.sqlite.foreign_keys);
        keys.any(|key| leans_on(key, table, index))
    };
    drops.extract_if(.., is_needed).collect()
}

/// Takes the foreign keys out that can be added only after the indexes that they lean on.
pub(super) fn added(
    side: Side<'_>,
    indexes: &[CreateIndex],
    creates: &mut [CreateTable],
    alters: &mut [AlterTable],
) -> Vec<AlterTable> {
    let leans = |key: &ForeignKey| {
        let parent = side.reading.table(&key.parent).map(|table| table.sqlite);
        let mut indexes = indexes.iter().filter(|create| create.table == key.parent);
        parent.is_some_and(|parent| indexes.any(|create| leans_on(key, parent, &create.index)))
    };
    let mut later: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    for create in creates {
        let keys = create.foreign_keys.extract_if(.., |key| leans(key));
        let changes = keys.map(Change::AddForeignKey);
        later
            .entry(create.table.clone())
            .or_default()
            .extend(changes);
    }
    for alter in alters {
        let changes = alter.changes.extract_if(
            ..,
            |change| matches!(change, Change::AddForeignKey(key) if leans(key)),
        );
        later
            .entry(alter.table.clone())
            .or_default()
            .extend(changes);
    }
    let later = later.into_iter().filter(|(_, changes)| !changes.is_empty());
    later
        .map(|(table, changes)| AlterTable { table, changes })
        .collect()
}

fn leans_on(key: &ForeignKey, parent: &Table, index: &Index) -> bool {
    let wanted: BTreeSet<String> = key
        .parent_columns
        .iter()
        .map(|name| name.to_lowercase())
        .collect();
    let fits = |keys: &[KeyPart]| {
        let columns: BTreeSet<String> = keys.iter().map(|key| key.text.to_lowercase()).collect();
        columns == wanted
    };
    let primary_key = parent.primary_key.iter().map(|key| &key.keys);
    let mut keys = primary_key.chain(parent.uniques.iter().map(|unique| &unique.keys));
    parent.name.eq_ignore_ascii_case(&key.parent)
        && index.unique
        && index.predicate.is_none()
        && fits(&index.keys)
        && !keys.any(|keys| fits(keys))
}
