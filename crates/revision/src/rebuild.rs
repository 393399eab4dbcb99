//! Writing a change of a table by hand, in a migration.

use sea_orm::DbErr;
use sea_orm::sea_query::{ColumnType, Expr, ForeignKeyCreateStatement, IntoColumnDef, IntoIden};
use sea_orm_migration::SchemaManager;

use crate::operation::{AlterTable, Change};
use crate::schema::{Deferral, ForeignKey};

/// Begins a change of a table that works on both databases.
///
/// PostgreSQL gets `ALTER TABLE`s. SQLite, whose `ALTER TABLE` can do little, gets them where they suffice; otherwise
/// the table is rebuilt once for all the changes, and nothing is lost: rows with their rowids, the AUTOINCREMENT
/// sequence, constraints with or without a name, indexes of every kind, triggers, views, and the rows that point at it.
///
/// ```
/// # use sea_orm_migration::prelude::*;
/// # async fn up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
/// revision::rebuild_table(manager, "drug")
///     .set_type("stock", ColumnType::BigInteger)
///     .set_not_null_with("note", "")
///     .add_check("ck-drug-stock", Expr::col("stock").gte(0))
///     .run()
///     .await
/// # }
/// ```
pub fn rebuild_table<'a>(manager: &'a SchemaManager<'a>, table: impl IntoIden) -> RebuildTable<'a> {
    RebuildTable {
        manager,
        alter: AlterTable {
            table: name(table),
            changes: Vec::new(),
        },
    }
}

/// Changes of one table, collected until [`run`](Self::run).
#[must_use = "nothing is changed before run()"]
pub struct RebuildTable<'a> {
    manager: &'a SchemaManager<'a>,
    alter: AlterTable,
}

impl RebuildTable<'_> {
    /// Executes the changes.
    ///
    /// # Errors
    ///
    /// As [`AlterTable::run`]; the transaction must then be rolled back, which the engine does.
    pub async fn run(self) -> Result<(), DbErr> {
        self.alter.run(self.manager).await
    }

    /// Adds one change as data.
    pub fn change(mut self, change: Change) -> Self {
        self.alter.changes.push(change);
        self
    }

    /// Adds a column; the rows that are there get its default.
    pub fn add_column(self, column: impl IntoColumnDef) -> Self {
        let column = Box::new(column.into_column_def());
        self.change(Change::AddColumn { column, fill: None })
    }

    /// Adds a column; the rows that are there get `fill`, which may be made of their other columns.
    pub fn add_column_with(self, column: impl IntoColumnDef, fill: impl Into<Expr>) -> Self {
        let column = Box::new(column.into_column_def());
        let fill = Some(fill.into());
        self.change(Change::AddColumn { column, fill })
    }

    /// Drops a column, with the indexes and constraints that are about it alone.
    pub fn drop_column(self, column: impl IntoIden) -> Self {
        let column = name(column);
        self.change(Change::DropColumn { column })
    }

    /// Renames a column, also where indexes, triggers, views and other tables speak of it.
    pub fn rename_column(self, from: impl IntoIden, to: impl IntoIden) -> Self {
        let (from, to) = (name(from), name(to));
        self.change(Change::RenameColumn { from, to })
    }

    /// Converts a column as the database does it by itself; a value that does not convert fails the migration.
    pub fn set_type(self, column: impl IntoIden, column_type: ColumnType) -> Self {
        self.change(Change::SetType {
            column: name(column),
            column_type,
            using: None,
        })
    }

    /// Converts a column by an expression over the row as it was.
    pub fn set_type_using(
        self,
        column: impl IntoIden,
        column_type: ColumnType,
        using: impl Into<Expr>,
    ) -> Self {
        self.change(Change::SetType {
            column: name(column),
            column_type,
            using: Some(using.into()),
        })
    }

    /// Forbids NULL; where there is one, the migration is refused.
    pub fn set_not_null(self, column: impl IntoIden) -> Self {
        let column = name(column);
        self.change(Change::SetNotNull { column, fill: None })
    }

    /// Forbids NULL, after `fill` has taken the place of those that are there.
    pub fn set_not_null_with(self, column: impl IntoIden, fill: impl Into<Expr>) -> Self {
        let (column, fill) = (name(column), Some(fill.into()));
        self.change(Change::SetNotNull { column, fill })
    }

    /// Permits NULL.
    pub fn drop_not_null(self, column: impl IntoIden) -> Self {
        let column = name(column);
        self.change(Change::DropNotNull { column })
    }

    /// Sets the default of rows to come.
    pub fn set_default(self, column: impl IntoIden, value: impl Into<Expr>) -> Self {
        let (column, value) = (name(column), value.into());
        self.change(Change::SetDefault { column, value })
    }

    /// Takes the default away.
    pub fn drop_default(self, column: impl IntoIden) -> Self {
        let column = name(column);
        self.change(Change::DropDefault { column })
    }

    /// Sets the collation, under its name on each database; `None` leaves that one as it is.
    pub fn set_collation(
        self,
        column: impl IntoIden,
        sqlite: Option<&str>,
        postgres: Option<&str>,
    ) -> Self {
        self.change(Change::SetCollation {
            column: name(column),
            sqlite: sqlite.map(str::to_owned),
            postgres: postgres.map(str::to_owned),
        })
    }

    /// Lets a column be computed, and kept in the table; what stood in it is lost.
    pub fn set_generated(self, column: impl IntoIden, expression: impl Into<Expr>) -> Self {
        self.change(Change::SetGenerated {
            column: name(column),
            expression: expression.into(),
            stored: true,
        })
    }

    /// Lets a column be computed; SQLite does it when the column is read and keeps nothing, PostgreSQL keeps the
    /// values.
    pub fn set_generated_virtual(self, column: impl IntoIden, expression: impl Into<Expr>) -> Self {
        self.change(Change::SetGenerated {
            column: name(column),
            expression: expression.into(),
            stored: false,
        })
    }

    /// Makes a computed column an ordinary one that keeps its values.
    pub fn drop_generated(self, column: impl IntoIden) -> Self {
        let column = name(column);
        self.change(Change::DropGenerated { column })
    }

    /// Adds a primary key.
    pub fn add_primary_key<C: IntoIden>(self, columns: impl IntoIterator<Item = C>) -> Self {
        self.change(Change::AddPrimaryKey {
            name: None,
            columns: names(columns),
        })
    }

    /// Adds a primary key with a name.
    pub fn add_named_primary_key<C: IntoIden>(
        self,
        key: impl Into<String>,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        self.change(Change::AddPrimaryKey {
            name: Some(key.into()),
            columns: names(columns),
        })
    }

    /// Takes the primary key away.
    pub fn drop_primary_key(self) -> Self {
        self.change(Change::DropPrimaryKey)
    }

    /// Sets whether the database gives the ids of this column, which is the primary key.
    pub fn set_autoincrement(self, column: impl IntoIden, on: bool) -> Self {
        let column = name(column);
        self.change(Change::SetAutoincrement { column, on })
    }

    /// Adds a UNIQUE constraint.
    pub fn add_unique<C: IntoIden>(
        self,
        unique: impl Into<String>,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        self.change(Change::AddUnique {
            name: Some(unique.into()),
            columns: names(columns),
        })
    }

    /// Adds a UNIQUE constraint without a name; PostgreSQL gives it one.
    pub fn add_unnamed_unique<C: IntoIden>(self, columns: impl IntoIterator<Item = C>) -> Self {
        let columns = names(columns);
        self.change(Change::AddUnique {
            name: None,
            columns,
        })
    }

    /// Takes the UNIQUE constraint of this name away, or else that of these columns.
    pub fn drop_unique<C: IntoIden>(
        self,
        unique: impl Into<String>,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        self.change(Change::DropUnique {
            name: Some(unique.into()),
            columns: names(columns),
        })
    }

    /// Takes the UNIQUE constraint of these columns away.
    pub fn drop_unnamed_unique<C: IntoIden>(self, columns: impl IntoIterator<Item = C>) -> Self {
        let columns = names(columns);
        self.change(Change::DropUnique {
            name: None,
            columns,
        })
    }

    /// Adds a CHECK constraint.
    pub fn add_check(self, check: impl Into<String>, expression: impl Into<Expr>) -> Self {
        self.change(Change::AddCheck {
            name: Some(check.into()),
            expression: expression.into(),
        })
    }

    /// Adds a CHECK constraint without a name; PostgreSQL gives it one.
    pub fn add_unnamed_check(self, expression: impl Into<Expr>) -> Self {
        self.change(Change::AddCheck {
            name: None,
            expression: expression.into(),
        })
    }

    /// Takes the CHECK constraint of this name away.
    pub fn drop_check(self, check: impl Into<String>) -> Self {
        self.change(Change::DropCheck {
            name: Some(check.into()),
            expression: None,
        })
    }

    /// Takes the CHECK constraint of this name away, or else that of this text.
    pub fn drop_check_of(self, check: impl Into<String>, expression: impl Into<Expr>) -> Self {
        self.change(Change::DropCheck {
            name: Some(check.into()),
            expression: Some(expression.into()),
        })
    }

    /// Takes away the CHECK constraint of this text, which has no name.
    pub fn drop_unnamed_check(self, expression: impl Into<Expr>) -> Self {
        self.change(Change::DropCheck {
            name: None,
            expression: Some(expression.into()),
        })
    }

    /// Adds a foreign key; the table that it says it is from does not matter.
    pub fn add_foreign_key(self, key: &ForeignKeyCreateStatement) -> Self {
        self.foreign_key(key, Deferral::NotDeferrable)
    }

    /// Adds a foreign key that is checked at the end of the transaction.
    pub fn add_deferred_foreign_key(self, key: &ForeignKeyCreateStatement) -> Self {
        self.foreign_key(key, Deferral::InitiallyDeferred)
    }

    /// Adds a foreign key that a transaction may ask to be checked at its end; PostgreSQL only.
    pub fn add_deferrable_foreign_key(self, key: &ForeignKeyCreateStatement) -> Self {
        self.foreign_key(key, Deferral::InitiallyImmediate)
    }

    /// Takes away the foreign key of this name, or else that of these columns.
    pub fn drop_foreign_key<C: IntoIden>(
        self,
        key: impl Into<String>,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        self.change(Change::DropForeignKey {
            name: Some(key.into()),
            columns: names(columns),
        })
    }

    /// Takes away the foreign key of these columns.
    pub fn drop_unnamed_foreign_key<C: IntoIden>(
        self,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        let columns = names(columns);
        self.change(Change::DropForeignKey {
            name: None,
            columns,
        })
    }

    /// Gives a constraint another name; nothing is done on SQLite.
    pub fn rename_constraint(self, from: impl Into<String>, to: impl Into<String>) -> Self {
        let (from, to) = (from.into(), to.into());
        self.change(Change::RenameConstraint { from, to })
    }

    /// Sets what is said of a column; nothing is done on SQLite.
    pub fn set_comment(self, column: impl IntoIden, comment: impl Into<String>) -> Self {
        self.comment(Some(name(column)), Some(comment.into()))
    }

    /// Takes away what is said of a column; nothing is done on SQLite.
    pub fn drop_comment(self, column: impl IntoIden) -> Self {
        self.comment(Some(name(column)), None)
    }

    /// Sets what is said of the table; nothing is done on SQLite.
    pub fn set_table_comment(self, comment: impl Into<String>) -> Self {
        self.comment(None, Some(comment.into()))
    }

    /// Takes away what is said of the table; nothing is done on SQLite.
    pub fn drop_table_comment(self) -> Self {
        self.comment(None, None)
    }

    /// Sets whether values must be of their column's type; nothing is done on PostgreSQL, where they always must.
    pub fn set_strict(self, strict: bool) -> Self {
        self.change(Change::SetStrict(strict))
    }

    /// Sets whether the table does without a rowid; nothing is done on PostgreSQL.
    pub fn set_without_rowid(self, without: bool) -> Self {
        self.change(Change::SetWithoutRowid(without))
    }

    fn comment(self, column: Option<String>, comment: Option<String>) -> Self {
        self.change(Change::SetComment { column, comment })
    }

    fn foreign_key(self, key: &ForeignKeyCreateStatement, deferral: Deferral) -> Self {
        self.change(Change::AddForeignKey(ForeignKey {
            deferral,
            ..ForeignKey::from(key)
        }))
    }
}

impl std::fmt::Debug for RebuildTable<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.alter.fmt(f)
    }
}

fn name(name: impl IntoIden) -> String {
    name.into_iden().to_string()
}

fn names<C: IntoIden>(columns: impl IntoIterator<Item = C>) -> Vec<String> {
    columns.into_iter().map(name).collect()
}
