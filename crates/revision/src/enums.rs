//! Changing PostgreSQL's enums by hand, in a migration.

use sea_orm::DbErr;
use sea_orm_migration::SchemaManager;

use crate::operation::{Operation, Running};

/// Changes enums on PostgreSQL; on SQLite, which keeps their values as texts, nothing is done.
///
/// ```
/// # use sea_orm_migration::prelude::*;
/// # async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
/// revision::enums(manager).create("route", ["oral", "iv"]).await
/// # }
/// ```
pub fn enums<'a>(manager: &'a SchemaManager<'a>) -> Enums<'a> {
    Enums { manager }
}

/// The enums of a database.
///
/// # Errors
///
/// Each method: the server's error, where there is a server; the transaction must then be rolled back.
pub struct Enums<'a> {
    manager: &'a SchemaManager<'a>,
}

impl Enums<'_> {
    /// Creates an enum of these values, in order.
    pub async fn create<V: Into<String>>(
        &self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Result<(), DbErr> {
        let (name, values) = (name.into(), texts(values));
        self.run(Operation::CreateEnum { name, values }).await
    }

    /// Adds a value behind all others.
    pub async fn add_value(
        &self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<(), DbErr> {
        self.run(Operation::AddEnumValue {
            name: name.into(),
            value: value.into(),
            before: None,
        })
        .await
    }

    /// Adds a value before another one.
    pub async fn add_value_before(
        &self,
        name: impl Into<String>,
        value: impl Into<String>,
        before: impl Into<String>,
    ) -> Result<(), DbErr> {
        self.run(Operation::AddEnumValue {
            name: name.into(),
            value: value.into(),
            before: Some(before.into()),
        })
        .await
    }

    /// Renames a value, in every row that has it.
    pub async fn rename_value(
        &self,
        name: impl Into<String>,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Result<(), DbErr> {
        let (name, from, to) = (name.into(), from.into(), to.into());
        self.run(Operation::RenameEnumValue { name, from, to })
            .await
    }

    /// Gives an enum these values in place of its own, and converts its columns; a row that has a value which is no
    /// longer there fails the migration.
    pub async fn replace<V: Into<String>>(
        &self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Result<(), DbErr> {
        let (name, values) = (name.into(), texts(values));
        self.run(Operation::ReplaceEnum { name, values }).await
    }

    /// Drops an enum that no column has any more.
    pub async fn drop(&self, name: impl Into<String>) -> Result<(), DbErr> {
        let name = name.into();
        self.run(Operation::DropEnum { name }).await
    }

    async fn run(&self, operation: Operation) -> Result<(), DbErr> {
        let run: Running<'_> = Box::pin(operation.run(self.manager));
        run.await
    }
}

impl std::fmt::Debug for Enums<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enums").finish_non_exhaustive()
    }
}

fn texts<V: Into<String>>(values: impl IntoIterator<Item = V>) -> Vec<String> {
    values.into_iter().map(Into::into).collect()
}
