//! Indexes, which are made anew when anything about them is another.

use crate::autogenerate::reading::Both;
use crate::autogenerate::spelling;
use crate::operation::{CreateIndex, Operation};
use crate::schema::{Index, KeyPart, Table};

/// Those that go, and those that come.
pub(super) fn changes(old: Both<'_>, new: Both<'_>) -> (Vec<Operation>, Vec<CreateIndex>) {
    let same = |name: &str| {
        let (before, after) = (find(old.sqlite, name), find(new.sqlite, name));
        let on_server =
            |table: Both<'_>| table.postgres.and_then(|table| find(table, name).cloned());
        before == after && on_server(old) == on_server(new)
    };
    let gone = old.sqlite.indexes.iter().filter(|index| !same(&index.name));
    let gone = gone.map(|index| Operation::DropIndex {
        table: new.name().to_owned(),
        index: index.name.clone(),
    });
    let come = new.sqlite.indexes.iter().filter(|index| !same(&index.name));
    let come = come.map(|index| create(new, index));
    (gone.collect(), come.collect())
}

/// All that a new table has.
pub(super) fn all(table: Both<'_>) -> Vec<CreateIndex> {
    let indexes = table.sqlite.indexes.iter();
    indexes.map(|index| create(table, index)).collect()
}

fn find<'a>(table: &'a Table, name: &str) -> Option<&'a Index> {
    let mut indexes = table.indexes.iter();
    indexes.find(|index| index.name == name)
}

fn create(table: Both<'_>, index: &Index) -> CreateIndex {
    let on_server = table
        .postgres
        .and_then(|table| Some((find(table, &index.name)?, table)));
    // What only one of them can say is said to that one.
    let is_own = |index: &Index| {
        let mut keys = index.keys.iter();
        index.extra.is_some() || keys.any(|key| key.collation.is_some() || key.extra.is_some())
    };
    let own = on_server.filter(|(other, _)| is_own(index) || is_own(other));
    CreateIndex {
        table: table.name().to_owned(),
        index: executable(index, table.sqlite),
        postgres: own.map(|(index, _)| index.clone()),
    }
}

/// With the names in it as they must be written.
fn executable(index: &Index, table: &Table) -> Index {
    let keys = index.keys.iter().map(|key| KeyPart {
        text: if key.is_expression {
            spelling::expression(&key.text, table)
        } else {
            spelling::column(&key.text, table)
        },
        ..key.clone()
    });
    let predicate = index.predicate.as_ref();
    Index {
        keys: keys.collect(),
        predicate: predicate.map(|text| spelling::expression(text, table)),
        ..index.clone()
    }
}
