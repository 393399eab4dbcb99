//! A new table, as sea-query can say it on both databases.

use sea_orm::sea_query::{
    Check, ColumnDef, Expr, ForeignKey as SeaForeignKey, ForeignKeyAction,
    ForeignKeyCreateStatement, Index as SeaIndex, IndexCreateStatement, Table,
    TableCreateStatement, TableRef,
};

use sea_orm::DbBackend;

use super::spell;
use crate::schema::{Action, Deferral, ForeignKey};

/// A table to be created.
///
/// What sea-query cannot say of a table (a collation, a deferrable foreign key, STRICT) is said afterwards by an
/// [`AlterTable`](super::AlterTable), while the table is empty.
#[derive(Clone, Debug)]
pub struct CreateTable {
    /// Its name.
    pub table: String,
    /// In order.
    pub columns: Vec<ColumnDef>,
    /// Unless a column says that it is the key.
    pub primary_key: Option<Key>,
    /// UNIQUE constraints, unless a column says that it is unique.
    pub uniques: Vec<Key>,
    /// CHECK constraints: their names, if they shall have one, and what must not be false.
    pub checks: Vec<(Option<String>, Expr)>,
    /// Foreign keys; they cannot be deferrable.
    pub foreign_keys: Vec<ForeignKey>,
}

/// A key of a table to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name, if it shall have one.
    pub name: Option<String>,
    /// In order.
    pub columns: Vec<String>,
}

impl Key {
    pub(crate) fn statement(&self) -> IndexCreateStatement {
        let mut index = SeaIndex::create();
        if let Some(name) = &self.name {
            index.name(name);
        }
        for column in &self.columns {
            index.col(column.clone());
        }
        index
    }
}

impl CreateTable {
    /// As sea-query has it, for this database.
    pub fn statement(&self, backend: DbBackend) -> TableCreateStatement {
        let mut table = Table::create();
        table.table(self.table.clone());
        for column in &self.columns {
            table.col(spell::possible(backend, column));
        }
        if let Some(key) = &self.primary_key {
            table.primary_key(&mut key.statement());
        }
        for unique in &self.uniques {
            table.index(unique.statement().unique());
        }
        for (name, expression) in &self.checks {
            match name {
                Some(name) => table.check(Check::named(name.clone(), expression.clone())),
                None => table.check(expression.clone()),
            };
        }
        for key in &self.foreign_keys {
            table.foreign_key(&mut foreign_key(&self.table, key));
        }
        table
    }
}

/// A foreign key as sea-query has it.
pub(crate) fn foreign_key(table: &str, key: &ForeignKey) -> ForeignKeyCreateStatement {
    let mut statement = SeaForeignKey::create();
    if let Some(name) = &key.name {
        statement.name(name);
    }
    statement.from_tbl(table.to_owned());
    statement.to_tbl(key.parent.clone());
    for column in &key.columns {
        statement.from_col(column.clone());
    }
    for column in &key.parent_columns {
        statement.to_col(column.clone());
    }
    if let Some(action) = action(key.on_delete) {
        statement.on_delete(action);
    }
    if let Some(action) = action(key.on_update) {
        statement.on_update(action);
    }
    statement
}

/// What need not be said is nothing.
pub(crate) fn action(action: Action) -> Option<ForeignKeyAction> {
    match action {
        Action::NoAction => None,
        Action::Restrict => Some(ForeignKeyAction::Restrict),
        Action::Cascade => Some(ForeignKeyAction::Cascade),
        Action::SetNull => Some(ForeignKeyAction::SetNull),
        Action::SetDefault => Some(ForeignKeyAction::SetDefault),
    }
}

impl From<&ForeignKeyCreateStatement> for ForeignKey {
    /// The table that it says it is from does not matter.
    fn from(statement: &ForeignKeyCreateStatement) -> Self {
        let key = statement.get_foreign_key();
        let action = |action: Option<ForeignKeyAction>| match action {
            Some(ForeignKeyAction::Restrict) => Action::Restrict,
            Some(ForeignKeyAction::Cascade) => Action::Cascade,
            Some(ForeignKeyAction::SetNull) => Action::SetNull,
            Some(ForeignKeyAction::SetDefault) => Action::SetDefault,
            _ => Action::NoAction,
        };
        let parent = key.get_ref_table().map(TableRef::sea_orm_table);
        Self {
            name: key.get_name().map(str::to_owned),
            columns: key.get_columns(),
            parent: parent.map(ToString::to_string).unwrap_or_default(),
            parent_columns: key.get_ref_columns(),
            on_delete: action(key.get_on_delete()),
            on_update: action(key.get_on_update()),
            deferral: Deferral::default(),
            extra: None,
        }
    }
}
