//! Changing a table in PostgreSQL: one `ALTER TABLE` for each change.

pub(super) mod aside;
mod convert;
mod find;

use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use super::count::{self, Doubt};
use super::{AlterTable, Change, refuse, spell};
use crate::ddl::quote;
use aside::Aside;
use find::Found;

const POSTGRES: DbBackend = DbBackend::Postgres;

pub(super) async fn run(
    connection: &impl ConnectionTrait,
    alter: &AlterTable,
) -> Result<(), DbErr> {
    let on = On {
        connection,
        name: &alter.table,
        table: quote(&alter.table),
    };
    let mut aside = Aside::default();
    for change in &alter.changes {
        on.free(change, &mut aside).await?;
        match change {
            Change::AddColumn { .. }
            | Change::DropColumn { .. }
            | Change::RenameColumn { .. }
            | Change::SetType { .. }
            | Change::SetGenerated { .. } => on.change_column(change).await?,
            Change::AddUnique { .. }
            | Change::AddPrimaryKey { .. }
            | Change::AddCheck { .. }
            | Change::AddForeignKey(_) => on.add_constraint(change).await?,
            _ => on.change_rest(change).await?,
        }
    }
    aside.put_back(connection).await
}

/// A table that is being changed.
struct On<'a, C> {
    connection: &'a C,
    name: &'a str,
    table: String,
}

impl<C: ConnectionTrait> On<'_, C> {
    async fn alter(&self, what: impl AsRef<str>) -> Result<(), DbErr> {
        let sql = format!("ALTER TABLE {} {}", self.table, what.as_ref());
        self.connection.execute_unprepared(&sql).await?;
        Ok(())
    }

    async fn refuse(&self, doubts: &[Doubt]) -> Result<(), DbErr> {
        count::refuse(self.connection, self.name, &self.table, doubts).await
    }

    /// Sets the foreign keys aside that lean on a key which is about to go: another one may take its place.
    async fn free(&self, change: &Change, aside: &mut Aside) -> Result<(), DbErr> {
        let key = match change {
            Change::DropPrimaryKey => self.found().await?.primary_key_name(),
            Change::DropUnique { name, columns } => {
                self.found().await?.unique_name(name.as_deref(), columns)
            }
            _ => None,
        };
        match key {
            Some(key) => aside.leaning_on(self.connection, self.name, &key).await,
            None => Ok(()),
        }
    }

    async fn found(&self) -> Result<Found, DbErr> {
        Found::read(self.connection, self.name).await
    }

    async fn change_column(&self, change: &Change) -> Result<(), DbErr> {
        match change {
            Change::AddColumn { column, fill } => self.add_column(column, fill.as_ref()).await,
            Change::DropColumn { column } => {
                let found = self.found().await?;
                found.refuse_if_needed(column)?;
                if !found.is_generated(column)? {
                    self.refuse(&[Doubt::lost(column)]).await?;
                }
                self.alter(format!("DROP COLUMN {}", quote(column))).await
            }
            Change::RenameColumn { from, to } => {
                self.alter(format!("RENAME COLUMN {} TO {}", quote(from), quote(to)))
                    .await
            }
            Change::SetType {
                column,
                column_type,
                using,
            } => {
                let using = using
                    .as_ref()
                    .map(|using| spell::expression(POSTGRES, using));
                let text = spell::column_type(POSTGRES, column_type);
                convert::run(self, column, &text, using).await
            }
            Change::SetGenerated {
                column, expression, ..
            } => {
                let found = self.found().await?;
                let definition = found.definition(column)?;
                if !found.is_generated(column)? {
                    self.refuse(&[Doubt::lost(column)]).await?;
                }
                let mut aside = Aside::default();
                aside.about(self.connection, self.name, column).await?;
                let name = quote(column);
                let expression = spell::expression(POSTGRES, expression);
                self.alter(format!(
                    "DROP COLUMN {name}, ADD COLUMN {name} {definition} GENERATED ALWAYS AS ({expression}) STORED"
                ))
                .await?;
                if let Some(comment) = found.comment(column)? {
                    self.comment(Some(column), Some(&comment)).await?;
                }
                aside.put_back(self.connection).await
            }
            _ => Ok(()),
        }
    }

    async fn add_column(
        &self,
        column: &sea_orm::sea_query::ColumnDef,
        fill: Option<&Expr>,
    ) -> Result<(), DbErr> {
        let name = quote(&column.get_column_name());
        let spec = column.get_column_spec();
        let must_have = spec.nullable == Some(false)
            && spec.default.is_none()
            && spec.generated.is_none()
            && !spec.auto_increment;
        let Some(fill) = fill else {
            if must_have {
                self.refuse(&[Doubt::nothing_to_put(&column.get_column_name())])
                    .await?;
            }
            return self
                .alter(format!("ADD COLUMN {}", spell::column(POSTGRES, column)))
                .await;
        };
        let mut nullable = column.clone();
        nullable.null();
        self.alter(format!("ADD COLUMN {}", spell::column(POSTGRES, &nullable)))
            .await?;
        let fill = spell::expression(POSTGRES, fill);
        self.connection
            .execute_unprepared(&format!("UPDATE {} SET {name} = {fill}", self.table))
            .await?;
        if spec.nullable == Some(false) {
            self.refuse(&[Doubt::null(&column.get_column_name())])
                .await?;
            self.alter(format!("ALTER COLUMN {name} SET NOT NULL"))
                .await?;
        }
        Ok(())
    }

    async fn add_constraint(&self, change: &Change) -> Result<(), DbErr> {
        match change {
            Change::AddUnique { name, columns } => {
                self.refuse(&[Doubt::duplicate(columns, &self.table)])
                    .await?;
                let name = spell::constraint(name.as_deref());
                self.alter(format!("ADD {name}UNIQUE ({})", spell::list(columns)))
                    .await
            }
            Change::AddPrimaryKey { name, columns } => {
                let mut doubts: Vec<Doubt> =
                    columns.iter().map(|column| Doubt::null(column)).collect();
                doubts.push(Doubt::duplicate(columns, &self.table));
                self.refuse(&doubts).await?;
                let name = spell::constraint(name.as_deref());
                self.alter(format!("ADD {name}PRIMARY KEY ({})", spell::list(columns)))
                    .await
            }
            Change::AddCheck { name, expression } => {
                let expression = spell::expression(POSTGRES, expression);
                self.refuse(&[Doubt::check(name.as_deref(), &expression)])
                    .await?;
                let name = spell::constraint(name.as_deref());
                self.alter(format!("ADD {name}CHECK ({expression})")).await
            }
            Change::AddForeignKey(key) => {
                let parent = match &key.parent_columns[..] {
                    [] => Found::read(self.connection, &key.parent)
                        .await?
                        .primary_key(),
                    columns => columns.to_vec(),
                };
                self.refuse(&[Doubt::orphan(key, &quote(&key.parent), &parent)])
                    .await?;
                self.alter(format!("ADD {}", spell::foreign_key(key))).await
            }
            _ => Ok(()),
        }
    }

    async fn change_rest(&self, change: &Change) -> Result<(), DbErr> {
        match change {
            Change::SetNotNull { column, fill } => {
                let name = quote(column);
                if let Some(fill) = fill {
                    let fill = spell::expression(POSTGRES, fill);
                    let update = format!(
                        "UPDATE {} SET {name} = {fill} WHERE {name} IS NULL",
                        self.table
                    );
                    self.connection.execute_unprepared(&update).await?;
                }
                self.refuse(&[Doubt::null(column)]).await?;
                self.alter(format!("ALTER COLUMN {name} SET NOT NULL"))
                    .await
            }
            Change::DropNotNull { column } => {
                // A primary key forbids it as well, and goes on forbidding it.
                let found = Found::read(self.connection, self.name).await?;
                if found.primary_key().contains(column) {
                    return Ok(());
                }
                self.alter(format!("ALTER COLUMN {} DROP NOT NULL", quote(column)))
                    .await
            }
            Change::SetDefault { column, value } => {
                let value = spell::default(POSTGRES, value);
                self.alter(format!(
                    "ALTER COLUMN {} SET DEFAULT {value}",
                    quote(column)
                ))
                .await
            }
            Change::DropDefault { column } => {
                self.alter(format!("ALTER COLUMN {} DROP DEFAULT", quote(column)))
                    .await
            }
            Change::SetCollation {
                column,
                postgres: Some(collation),
                ..
            } => {
                let type_text = Found::read(self.connection, self.name)
                    .await?
                    .type_of(column)?;
                // The usual one need not be said; a type that is no text has none.
                let collation = match &**collation {
                    "default" => String::new(),
                    other => format!(" COLLATE {}", quote(other)),
                };
                self.alter(format!(
                    "ALTER COLUMN {} TYPE {type_text}{collation}",
                    quote(column)
                ))
                .await
            }
            Change::DropGenerated { column } => {
                self.alter(format!("ALTER COLUMN {} DROP EXPRESSION", quote(column)))
                    .await
            }
            Change::SetAutoincrement { column, on } => self.set_autoincrement(column, *on).await,
            Change::RenameConstraint { from, to } => {
                self.alter(format!(
                    "RENAME CONSTRAINT {} TO {}",
                    quote(from),
                    quote(to)
                ))
                .await
            }
            Change::SetComment { column, comment } => {
                self.comment(column.as_deref(), comment.as_deref()).await
            }
            Change::DropPrimaryKey => {
                self.drop_constraint(Found::primary_key_name, "primary key")
                    .await
            }
            Change::DropUnique { name, columns } => {
                let find = |found: &Found| found.unique_name(name.as_deref(), columns);
                self.drop_constraint(find, "unique constraint").await
            }
            Change::DropForeignKey { name, columns } => {
                let find = |found: &Found| found.foreign_key_name(name.as_deref(), columns);
                self.drop_constraint(find, "foreign key").await
            }
            Change::DropCheck { name, expression } => {
                let name = match (name, expression) {
                    (None, Some(expression)) => {
                        self.check_name(&spell::expression(POSTGRES, expression))
                            .await?
                    }
                    (name, _) => name.clone(),
                };
                let find = |found: &Found| found.check_name(name.as_deref());
                self.drop_constraint(find, "check").await
            }
            // STRICT and WITHOUT ROWID are SQLite's own; a column without a collation for this database stays.
            _ => Ok(()),
        }
    }

    async fn comment(&self, column: Option<&str>, comment: Option<&str>) -> Result<(), DbErr> {
        let what = match column {
            Some(column) => format!("COLUMN {}.{}", self.table, quote(column)),
            None => format!("TABLE {}", self.table),
        };
        let comment = match comment {
            Some(comment) => format!("'{}'", comment.replace('\'', "''")),
            None => "NULL".to_owned(),
        };
        let sql = format!("COMMENT ON {what} IS {comment}");
        self.connection.execute_unprepared(&sql).await?;
        Ok(())
    }

    async fn drop_constraint(
        &self,
        find: impl Fn(&Found) -> Option<String>,
        what: &str,
    ) -> Result<(), DbErr> {
        let found = self.found().await?;
        match find(&found) {
            Some(name) => {
                self.alter(format!("DROP CONSTRAINT {}", quote(&name)))
                    .await
            }
            None => refuse(format!("{} has no such {what} to drop.", self.name)),
        }
    }

    /// The name that a check was given by the server: the same text, added once more, is printed the same way.
    async fn check_name(&self, expression: &str) -> Result<Option<String>, DbErr> {
        let probe = "_revision_probe";
        self.alter(format!(
            "ADD CONSTRAINT {probe} CHECK ({expression}) NOT VALID"
        ))
        .await?;
        let found = self.found().await?;
        self.alter(format!("DROP CONSTRAINT {probe}")).await?;
        Ok(found.twin_of_check(probe))
    }

    async fn set_autoincrement(&self, column: &str, on: bool) -> Result<(), DbErr> {
        let name = quote(column);
        if !on {
            self.alter(format!("ALTER COLUMN {name} DROP IDENTITY IF EXISTS"))
                .await?;
            return self
                .alter(format!("ALTER COLUMN {name} DROP DEFAULT"))
                .await;
        }
        if self.found().await?.is_identity(column)? {
            return Ok(());
        }
        self.alter(format!(
            "ALTER COLUMN {name} ADD GENERATED BY DEFAULT AS IDENTITY"
        ))
        .await?;
        // The first id that is given comes after those that are there.
        let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let sequence = format!(
            "pg_get_serial_sequence({}, {})",
            literal(&self.table),
            literal(column)
        );
        let sql = format!(
            "SELECT setval({sequence}, max({name})) FROM {} HAVING max({name}) > 0",
            self.table
        );
        self.connection.execute_unprepared(&sql).await?;
        Ok(())
    }
}
