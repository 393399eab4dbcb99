//! What a migration does, as data: it can be executed on either database, told to a person, and written as code.
//!
//! A change of a table is the part with the work in it. PostgreSQL gets plain `ALTER TABLE`s. SQLite gets its own where
//! they suffice, and otherwise one rebuild, which loses nothing: rows, rowids, the AUTOINCREMENT sequence, every
//! constraint, index, trigger and view.

mod count;
mod create_index;
mod create_table;
mod describe;
mod enums;
mod postgres;
pub(crate) mod spell;
mod sqlite;

use std::pin::Pin;

use sea_orm::sea_query::{ColumnDef, ColumnType, Expr, Table};
use sea_orm::{DbBackend, DbErr};
use sea_orm_migration::SchemaManager;

use crate::schema::ForeignKey;
pub use create_index::CreateIndex;
pub use create_table::{CreateTable, Key};

/// One step of a migration.
///
/// Its [`Display`](std::fmt::Display) is one line for each thing that it does: `drug: add column note varchar(10)`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// Creates a table.
    CreateTable(CreateTable),
    /// Drops a table with its rows, indexes and triggers.
    DropTable {
        /// Which.
        table: String,
    },
    /// Renames a table, also where others speak of it.
    RenameTable {
        /// Its name so far.
        from: String,
        /// Its name from now on.
        to: String,
    },
    /// Changes a table; on SQLite at most one rebuild.
    AlterTable(AlterTable),
    /// Creates an index.
    CreateIndex(CreateIndex),
    /// Drops an index.
    DropIndex {
        /// The table that it is of.
        table: String,
        /// Which.
        index: String,
    },
    /// Creates an enum; PostgreSQL only.
    CreateEnum {
        /// Its name.
        name: String,
        /// In order.
        values: Vec<String>,
    },
    /// Adds a value to an enum; PostgreSQL only.
    AddEnumValue {
        /// Of which enum.
        name: String,
        /// The value.
        value: String,
        /// The value that it stands before; it is the last one without.
        before: Option<String>,
    },
    /// Renames a value of an enum, in every row that has it; PostgreSQL only.
    RenameEnumValue {
        /// Of which enum.
        name: String,
        /// Its name so far.
        from: String,
        /// Its name from now on.
        to: String,
    },
    /// Gives an enum other values in place of its own, and converts its columns; a default goes with its value, and a
    /// row that has a value which is no longer there fails the migration; PostgreSQL only.
    ReplaceEnum {
        /// Which.
        name: String,
        /// All its values from now on, in order.
        values: Vec<String>,
    },
    /// Drops an enum; PostgreSQL only.
    DropEnum {
        /// Which.
        name: String,
    },
}

impl Operation {
    /// Executes it on the manager's database.
    ///
    /// # Errors
    ///
    /// As [`AlterTable::run`]; the driver's error otherwise. The transaction must then be rolled back.
    pub async fn run(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        match self {
            Self::CreateTable(create) => {
                let backend = manager.get_database_backend();
                manager.create_table(create.statement(backend)).await
            }
            Self::DropTable { table } => {
                let drop = Table::drop().table(table.clone()).to_owned();
                manager.drop_table(drop).await
            }
            Self::RenameTable { from, to } => {
                let rename = Table::rename().table(from.clone(), to.clone()).to_owned();
                manager.rename_table(rename).await
            }
            Self::AlterTable(alter) => alter.run(manager).await,
            Self::CreateIndex(create) => create.run(manager).await,
            Self::DropIndex { table, index } => create_index::drop(manager, table, index).await,
            Self::CreateEnum { .. }
            | Self::AddEnumValue { .. }
            | Self::RenameEnumValue { .. }
            | Self::ReplaceEnum { .. }
            | Self::DropEnum { .. } => enums::run(manager, self).await,
        }
    }
}

/// What is to be changed in one table, in order.
#[derive(Clone, Debug)]
pub struct AlterTable {
    /// The table.
    pub table: String,
    /// One after the other; each sees the names that the ones before it have made.
    pub changes: Vec<Change>,
}

/// One change of a table.
///
/// Names are as they stand in the table. An [`Expr`] is spelled for the database that it meets; what only SQL can say
/// goes in with [`Expr::cust`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// Adds a column; rows that are there get `fill`, or its default.
    AddColumn {
        /// With name, type and whatever else it has.
        column: Box<ColumnDef>,
        /// The value for the rows that are there.
        fill: Option<Expr>,
    },
    /// Drops a column, with the single-column indexes and constraints that are only about it.
    DropColumn {
        /// Which.
        column: String,
    },
    /// Renames a column, wherever it is spoken of.
    RenameColumn {
        /// Its name so far.
        from: String,
        /// Its name from now on.
        to: String,
    },
    /// Converts a column; a value that does not convert fails the migration.
    SetType {
        /// Which.
        column: String,
        /// To what.
        column_type: ColumnType,
        /// How, where the database's own conversion will not do.
        using: Option<Expr>,
    },
    /// Forbids NULL.
    SetNotNull {
        /// Where.
        column: String,
        /// What takes the place of the NULLs that are there.
        fill: Option<Expr>,
    },
    /// Permits NULL.
    DropNotNull {
        /// Where.
        column: String,
    },
    /// Sets the default of rows to come.
    SetDefault {
        /// Of which column.
        column: String,
        /// A value, or an expression.
        value: Expr,
    },
    /// Takes the default away.
    DropDefault {
        /// Of which column.
        column: String,
    },
    /// Sets by which rules texts are compared; the two databases have different ones.
    SetCollation {
        /// Of which column.
        column: String,
        /// `NOCASE`, `RTRIM`, `BINARY`; SQLite's stays as it is without one.
        sqlite: Option<String>,
        /// `C`, `de-x-icu`, `default`; PostgreSQL's stays as it is without one.
        postgres: Option<String>,
    },
    /// Lets a column be computed; what stood in it is lost.
    SetGenerated {
        /// Which.
        column: String,
        /// From what.
        expression: Expr,
        /// Whether SQLite keeps the values; PostgreSQL always does.
        stored: bool,
    },
    /// Makes a computed column an ordinary one that keeps the values it has.
    DropGenerated {
        /// Which.
        column: String,
    },
    /// Adds a primary key to a table that has none.
    AddPrimaryKey {
        /// Its name, if it shall have one.
        name: Option<String>,
        /// In order.
        columns: Vec<String>,
    },
    /// Takes the primary key away; the columns stay.
    DropPrimaryKey,
    /// Sets whether ids are given by the database and, on SQLite, never a second time.
    SetAutoincrement {
        /// The only column of the primary key.
        column: String,
        /// `AUTOINCREMENT`, and `GENERATED BY DEFAULT AS IDENTITY` on PostgreSQL.
        on: bool,
    },
    /// Adds a UNIQUE constraint.
    AddUnique {
        /// Its name, if it shall have one.
        name: Option<String>,
        /// In order.
        columns: Vec<String>,
    },
    /// Takes a UNIQUE constraint away: that of this name, or else of these columns.
    DropUnique {
        /// Its name, if it has one.
        name: Option<String>,
        /// In order.
        columns: Vec<String>,
    },
    /// Adds a CHECK constraint.
    AddCheck {
        /// Its name, if it shall have one.
        name: Option<String>,
        /// What must not be false.
        expression: Expr,
    },
    /// Takes a CHECK constraint away: that of this name, or else of this text.
    DropCheck {
        /// Its name, if it has one.
        name: Option<String>,
        /// Its text, where it has no name.
        expression: Option<Expr>,
    },
    /// Adds a foreign key.
    AddForeignKey(ForeignKey),
    /// Takes a foreign key away: that of this name, or else of these columns.
    DropForeignKey {
        /// Its name, if it has one; sea-query gives none on SQLite.
        name: Option<String>,
        /// The columns that point.
        columns: Vec<String>,
    },
    /// Gives a constraint another name; PostgreSQL only, where the server makes a name for each.
    RenameConstraint {
        /// Its name so far.
        from: String,
        /// Its name from now on.
        to: String,
    },
    /// Sets what is said of the table, or of a column; PostgreSQL only.
    SetComment {
        /// Of which column; of the table without.
        column: Option<String>,
        /// The text; nothing is said any more without.
        comment: Option<String>,
    },
    /// Sets whether values must be of their column's type; SQLite only.
    SetStrict(bool),
    /// Sets whether the table does without a rowid; SQLite only.
    SetWithoutRowid(bool),
}

impl AlterTable {
    /// Executes the changes on the manager's database.
    ///
    /// # Errors
    ///
    /// [`DbErr::Custom`] with a sentence for a person, when the table or a part of it is not there, when a change
    /// would lose or refuse data, or when SQLite's `foreign_keys` is on and other rows point at the table; the
    /// driver's error otherwise. The transaction must then be rolled back.
    pub async fn run(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let connection = manager.get_connection();
        let run: Running<'_> = match manager.get_database_backend() {
            DbBackend::Postgres => Box::pin(postgres::run(connection, self)),
            DbBackend::Sqlite => Box::pin(sqlite::run(connection, self)),
            other => return Err(DbErr::Custom(format!("{other:?} is not supported"))),
        };
        run.await
    }
}

/// In a box, because the compiler would otherwise look at all that is in it again for each migration.
pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<(), DbErr>> + Send + 'a>>;

/// A sentence for a person, as the error of a migration.
fn refuse<T>(sentence: impl Into<String>) -> Result<T, DbErr> {
    Err(DbErr::Custom(sentence.into()))
}
