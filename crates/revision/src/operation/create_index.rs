//! Creating and dropping an index, in sea-query's words where they suffice.

use sea_orm::sea_query::{
    ConditionalStatement as _, Expr, Index as SeaIndex, IndexCreateStatement, IndexOrder,
};
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr};
use sea_orm_migration::SchemaManager;

use crate::ddl::quote;
use crate::schema::{Index, KeyPart};

/// An index to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateIndex {
    /// The table that it is of.
    pub table: String,
    /// The index; names in its texts are quoted where they must be.
    pub index: Index,
    /// The same on PostgreSQL, where that is to be spelled otherwise.
    pub postgres: Option<Index>,
}

impl CreateIndex {
    pub(super) async fn run(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        if let Some(statement) = self.statement() {
            return manager.create_index(statement).await;
        }
        let sql = self.sql(manager.get_database_backend());
        manager.get_connection().execute_unprepared(&sql).await?;
        Ok(())
    }

    /// As sea-query has it; nothing when it has no words for it.
    pub fn statement(&self) -> Option<IndexCreateStatement> {
        let Index {
            name,
            unique,
            keys,
            predicate,
            extra,
        } = &self.index;
        // It has no words for an expression on SQLite.
        let said =
            |key: &KeyPart| key.collation.is_none() && key.extra.is_none() && !key.is_expression;
        // It does not escape the quotes in an index's name.
        if self.postgres.is_some()
            || extra.is_some()
            || name.contains('"')
            || !keys.iter().all(said)
        {
            return None;
        }
        let mut create = SeaIndex::create();
        create.name(name).table(self.table.clone());
        for key in keys {
            if key.descending {
                create.col((key.text.clone(), IndexOrder::Desc));
            } else {
                create.col(key.text.clone());
            }
        }
        if *unique {
            create.unique();
        }
        if let Some(predicate) = predicate {
            create.and_where(Expr::cust(predicate.clone()));
        }
        Some(create)
    }

    /// As this database spells it.
    pub fn sql(&self, backend: DbBackend) -> String {
        let index = match (&self.postgres, backend) {
            (Some(index), DbBackend::Postgres) => index,
            _ => &self.index,
        };
        // SQLite's collations are not there on the other.
        let is_foreign = self.postgres.is_none() && backend == DbBackend::Postgres;
        let keys = index.keys.iter();
        let keys: Vec<String> = keys
            .map(|part| key(part, part.collation.as_ref().filter(|_| !is_foreign)))
            .collect();
        let mut sql = format!(
            "CREATE {}INDEX {} ON {}",
            if index.unique { "UNIQUE " } else { "" },
            quote(&index.name),
            quote(&self.table)
        );
        let extra = index
            .extra
            .as_deref()
            .filter(|_| backend == DbBackend::Postgres);
        // The method stands before the keys, whatever else there is behind them.
        let (method, rest) = match extra.and_then(|extra| extra.strip_prefix("using ")) {
            Some(extra) => extra.split_once(' ').unwrap_or((extra, "")),
            None => ("", extra.unwrap_or_default()),
        };
        if !method.is_empty() {
            sql.extend([" USING ", method]);
        }
        sql.extend([" (", &keys.join(", "), ")"]);
        if !rest.is_empty() {
            sql.extend([" ", rest]);
        }
        if let Some(predicate) = &index.predicate {
            sql.extend([" WHERE ", predicate]);
        }
        sql
    }
}

fn key(key: &KeyPart, collation: Option<&String>) -> String {
    let mut text = if key.is_expression {
        format!("({})", key.text)
    } else {
        quote(&key.text)
    };
    if let Some(collation) = collation {
        text.extend([" COLLATE ", &quote(collation)]);
    }
    // An operator class stands in front of the order, and where NULL comes behind it.
    let extra = key.extra.as_deref().unwrap_or_default();
    let (class, nulls) = extra.split_at(extra.find("nulls ").unwrap_or(extra.len()));
    let order = if key.descending { "DESC" } else { "" };
    for part in [class.trim(), order, nulls] {
        if !part.is_empty() {
            text.extend([" ", part]);
        }
    }
    text
}

pub(super) async fn drop(
    manager: &SchemaManager<'_>,
    table: &str,
    index: &str,
) -> Result<(), DbErr> {
    if index.contains('"') {
        let sql = format!("DROP INDEX {}", quote(index));
        manager.get_connection().execute_unprepared(&sql).await?;
        return Ok(());
    }
    let drop = SeaIndex::drop()
        .name(index)
        .table(table.to_owned())
        .to_owned();
    manager.drop_index(drop).await
}
