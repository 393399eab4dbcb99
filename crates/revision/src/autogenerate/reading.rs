//! One state of a schema as it was read, on one kind of database or on both.

use sea_orm::DbBackend;

use crate::schema::{Column, Difference, ForeignKey, Index, Schema, Table};

/// The same schema on SQLite and, where a server was at hand, on PostgreSQL.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) sqlite: Schema,
    pub(super) postgres: Option<Schema>,
}

/// A table of it.
#[derive(Clone, Copy)]
pub(super) struct Both<'a> {
    pub(super) sqlite: &'a Table,
    pub(super) postgres: Option<&'a Table>,
}

impl Reading {
    /// What no entity can speak of is left out: it is neither missed nor dropped.
    pub(super) fn new(schemas: Vec<Schema>) -> Self {
        let mut schemas = schemas.into_iter().map(without_the_rest);
        let sqlite = schemas.next();
        let sqlite = sqlite.unwrap_or_else(|| empty(DbBackend::Sqlite));
        let mut postgres = schemas.next();
        for table in postgres
            .iter_mut()
            .flat_map(|schema| schema.tables.values_mut())
        {
            let same = sqlite.table(&table.name);
            let is_on_both = |index: &Index| {
                same.is_some_and(|same| same.indexes.iter().any(|other| other.name == index.name))
            };
            // SQLite has no other method than the usual one, so what an entity declares is there by its name.
            table
                .indexes
                .retain(|index| !has_own_method(index) || is_on_both(index));
        }
        Self { sqlite, postgres }
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = Both<'_>> {
        self.sqlite.tables.values().map(|table| Both {
            sqlite: table,
            postgres: self
                .postgres
                .as_ref()
                .and_then(|schema| schema.table(&table.name)),
        })
    }

    pub(super) fn table(&self, name: &str) -> Option<Both<'_>> {
        self.tables()
            .find(|table| table.name().eq_ignore_ascii_case(name))
    }

    /// Everything in which it is not as `expected`, with the database where more than one was read.
    pub(super) fn differences(&self, expected: &Self) -> Vec<(DbBackend, Difference)> {
        let sqlite = self.sqlite.differences(&expected.sqlite);
        let postgres = match (&self.postgres, &expected.postgres) {
            (Some(found), Some(expected)) => found.differences(expected),
            _ => Vec::new(),
        };
        let sqlite = sqlite.into_iter().map(|one| (DbBackend::Sqlite, one));
        let postgres = postgres.into_iter().map(|one| (DbBackend::Postgres, one));
        sqlite.chain(postgres).collect()
    }
}

impl<'a> Both<'a> {
    pub(super) fn name(self) -> &'a str {
        &self.sqlite.name
    }

    /// The column of this name.
    pub(super) fn column(self, name: &str) -> Option<(&'a Column, Option<&'a Column>)> {
        let column = self.sqlite.column(name)?;
        let postgres = self.postgres.and_then(|table| table.column(name));
        Some((column, postgres))
    }

    pub(super) fn columns(self) -> impl Iterator<Item = (&'a Column, Option<&'a Column>)> {
        let columns = self.sqlite.columns.iter();
        columns.map(move |column| {
            let postgres = self.postgres.and_then(|table| table.column(&column.name));
            (column, postgres)
        })
    }

    /// What PostgreSQL has of a foreign key that SQLite has.
    pub(super) fn postgres_key(self, key: &ForeignKey) -> Option<&'a ForeignKey> {
        let mut keys = self.postgres?.foreign_keys.iter();
        keys.find(|other| {
            other.columns == key.columns
                && other.parent == key.parent
                && other.parent_columns == key.parent_columns
        })
    }
}

fn empty(backend: DbBackend) -> Schema {
    Schema {
        backend,
        tables: std::collections::BTreeMap::new(),
        enums: std::collections::BTreeMap::new(),
        objects: Vec::new(),
    }
}

/// Whether it is of a method such as `gin`.
fn has_own_method(index: &Index) -> bool {
    let extra = index.extra.as_ref();
    extra.is_some_and(|extra| extra.starts_with("using "))
}

fn without_the_rest(mut schema: Schema) -> Schema {
    schema.objects.clear();
    for table in schema.tables.values_mut() {
        table.triggers.clear();
        table
            .options
            .retain(|option| option == "strict" || option == "without rowid");
    }
    schema
}
