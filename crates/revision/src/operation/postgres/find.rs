//! What a table has, where a change must know it: the names that the server made up, and what hangs on a column.

use sea_orm::{ConnectionTrait, DbErr};

use crate::ddl::{names, quote, tokenize};
use crate::operation::refuse;
use crate::schema::{self, Check, Column, KeyPart, Table};

/// A table as it is.
#[derive(Debug)]
pub(super) struct Found {
    table: Table,
    is_real: bool,
}

impl Found {
    pub(super) async fn read(
        connection: &impl ConnectionTrait,
        table: &str,
    ) -> Result<Self, DbErr> {
        let mut schema = schema::read(connection, &[]).await?;
        match schema.tables.remove(table) {
            Some(table) => Ok(Self {
                table,
                is_real: true,
            }),
            None if answers(connection).await? => refuse(format!("There is no table {table}.")),
            None => {
                let name = table.to_owned();
                let table = Table {
                    name,
                    ..Table::default()
                };
                Ok(Self {
                    table,
                    is_real: false,
                })
            }
        }
    }

    /// Whether there is a server that can be asked; otherwise a script is being written, for a database that nobody
    /// sees.
    pub(super) fn is_real(&self) -> bool {
        self.is_real
    }

    fn column(&self, name: &str) -> Result<&Column, DbErr> {
        match self.table.columns.iter().find(|column| column.name == name) {
            Some(column) => Ok(column),
            None => refuse(format!("{} has no column {name}.", self.table.name)),
        }
    }

    pub(super) fn type_of(&self, column: &str) -> Result<String, DbErr> {
        Ok(self.column(column)?.type_.clone())
    }

    /// Its type, and what else of it a computed column can have.
    pub(super) fn definition(&self, column: &str) -> Result<String, DbErr> {
        let Column {
            type_,
            collation,
            nullable,
            ..
        } = self.column(column)?;
        let collation = collation.as_ref();
        let collation = collation.map(|collation| format!(" COLLATE {}", quote(collation)));
        let null = if *nullable { "" } else { " NOT NULL" };
        Ok(format!("{type_}{}{null}", collation.unwrap_or_default()))
    }

    pub(super) fn comment(&self, column: &str) -> Result<Option<String>, DbErr> {
        Ok(self.column(column)?.comment.clone())
    }

    pub(super) fn default_of(&self, column: &str) -> Result<Option<String>, DbErr> {
        if !self.is_real {
            return Ok(None);
        }
        Ok(self.column(column)?.default.clone())
    }

    pub(super) fn collation_and_comment_of(
        &self,
        column: &str,
    ) -> Result<(Option<String>, Option<String>), DbErr> {
        let column = self.column(column)?;
        Ok((column.collation.clone(), column.comment.clone()))
    }

    pub(super) fn is_identity(&self, column: &str) -> Result<bool, DbErr> {
        Ok(self.is_real && self.column(column)?.identity.is_some())
    }

    pub(super) fn is_generated(&self, column: &str) -> Result<bool, DbErr> {
        Ok(self.is_real && self.column(column)?.generated.is_some())
    }

    pub(super) fn primary_key(&self) -> Vec<String> {
        self.table
            .primary_key
            .as_ref()
            .map(|key| columns(&key.keys))
            .unwrap_or_default()
    }

    pub(super) fn primary_key_name(&self) -> Option<String> {
        if !self.is_real {
            return Some(format!("{}_pkey", self.table.name));
        }
        self.table.primary_key.as_ref()?.name.clone()
    }

    pub(super) fn unique_name(&self, name: Option<&str>, of: &[String]) -> Option<String> {
        if !self.is_real {
            return Some(self.usual_name(name, of, "key"));
        }
        let uniques = || self.table.uniques.iter();
        let named = uniques().find(|unique| name.is_some() && unique.name.as_deref() == name);
        named
            .or_else(|| uniques().find(|unique| columns(&unique.keys) == of))?
            .name
            .clone()
    }

    pub(super) fn foreign_key_name(&self, name: Option<&str>, of: &[String]) -> Option<String> {
        if !self.is_real {
            return Some(self.usual_name(name, of, "fkey"));
        }
        let keys = || self.table.foreign_keys.iter();
        let named = keys().find(|key| name.is_some() && key.name.as_deref() == name);
        named
            .or_else(|| keys().find(|key| key.columns == of))?
            .name
            .clone()
    }

    pub(super) fn check_name(&self, name: Option<&str>) -> Option<String> {
        if !self.is_real {
            return name.map(str::to_owned);
        }
        let mut checks = self.table.checks.iter();
        checks
            .find(|check| name.is_some() && check.name.as_deref() == name)?
            .name
            .clone()
    }

    /// The name that it has, or that the server gives by itself.
    fn usual_name(&self, name: Option<&str>, columns: &[String], kind: &str) -> String {
        name.map_or_else(
            || format!("{}_{}_{kind}", self.table.name, columns.join("_")),
            str::to_owned,
        )
    }

    /// Another check of the same text.
    pub(super) fn twin_of_check(&self, name: &str) -> Option<String> {
        let is_it = |check: &&Check| check.name.as_deref() == Some(name);
        let text = &self.table.checks.iter().find(is_it)?.expression;
        // The server numbers those that say the same; the last of them goes first.
        let mut checks = self.table.checks.iter().rev();
        let twin = checks.find(|check| !is_it(check) && check.expression == *text)?;
        twin.name.clone()
    }

    /// Refuses to drop a column of which the server would drop more than itself without a word.
    pub(super) fn refuse_if_needed(&self, column: &str) -> Result<(), DbErr> {
        if !self.is_real {
            return Ok(());
        }
        self.column(column)?;
        let table = &self.table.name;
        let needs = |what: String| {
            refuse(format!(
                "{what} of {table} needs column {column}: drop it first."
            ))
        };
        let own = vec![column.to_owned()];
        let speaks_of = |text: &str| {
            tokenize(text).is_ok_and(|(tokens, _)| names(&tokens).contains(&column.to_lowercase()))
        };
        if self.primary_key().contains(&own[0]) {
            return needs("The primary key".to_owned());
        }
        for unique in &self.table.uniques {
            let columns = columns(&unique.keys);
            if columns.contains(&own[0]) && columns != own {
                return needs(format!(
                    "The unique constraint {}",
                    unique.name.clone().unwrap_or_default()
                ));
            }
        }
        for key in &self.table.foreign_keys {
            if key.columns.contains(&own[0]) && key.columns != own {
                return needs(format!(
                    "The foreign key {}",
                    key.name.clone().unwrap_or_default()
                ));
            }
        }
        for check in self
            .table
            .checks
            .iter()
            .filter(|check| speaks_of(&check.expression))
        {
            let of_others = |other: &&Column| {
                other.name != column
                    && tokenize(&check.expression).is_ok_and(|(tokens, _)| {
                        names(&tokens).contains(&other.name.to_lowercase())
                    })
            };
            if self.table.columns.iter().any(|other| of_others(&other)) {
                return needs(format!(
                    "The check {}",
                    check.name.clone().unwrap_or_default()
                ));
            }
        }
        for index in &self.table.indexes {
            let in_keys = index.keys.iter().any(|key| speaks_of(&key.text));
            let in_predicate = index.predicate.as_deref().is_some_and(speaks_of);
            let is_own = columns(&index.keys) == own && !in_predicate;
            if !is_own && (in_keys || in_predicate || index.extra.as_deref().is_some_and(speaks_of))
            {
                return needs(format!("The index {}", index.name));
            }
        }
        Ok(())
    }
}

/// Whether anybody answers at all.
async fn answers(connection: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, "SELECT 1");
    Ok(connection.query_one_raw(statement).await?.is_some())
}

fn columns(keys: &[KeyPart]) -> Vec<String> {
    keys.iter().map(|key| key.text.clone()).collect()
}
