//! What a migration has dropped, and whether its values live on under another name.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use sha2::{Digest as _, Sha256};

use super::{Finding, Harm};
use crate::ddl::quote;
use crate::schema::{Column, Schema, Table};

/// Tables and columns that were there before a migration and are not there after it.
#[derive(Debug, Default)]
pub(super) struct Gone {
    tables: Vec<String>,
    columns: Vec<(String, String)>,
}

/// The rows of each new table and column, as sorted hashes of their values.
pub(super) type Kept = Vec<Vec<[u8; 32]>>;

impl Gone {
    /// Compares two schemas; what is in `counted` was looked at before it was dropped, and what is in `derived` is no
    /// loss.
    pub(super) fn between(
        before: &Schema,
        after: &Schema,
        counted: &[(String, String)],
        derived: &[String],
    ) -> Self {
        let mut gone = Self::default();
        let is_derived = |table: &&Table| {
            derived
                .iter()
                .any(|name| table.name.eq_ignore_ascii_case(name))
        };
        for table in before.tables.values().filter(|table| !is_derived(table)) {
            let Some(now) = after.table(&table.name) else {
                gone.tables.push(table.name.clone());
                continue;
            };
            for column in table
                .columns
                .iter()
                .filter(|column| column.generated.is_none())
            {
                let was_counted = counted.iter().any(|(of, name)| {
                    table.name.eq_ignore_ascii_case(of) && column.name.eq_ignore_ascii_case(name)
                });
                if column_of(after, now, &column.name).is_none() && !was_counted {
                    gone.columns.push((table.name.clone(), column.name.clone()));
                }
            }
        }
        gone
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.columns.is_empty()
    }

    /// Hashes what is new and could be a dropped table or column under another name; called after the migration.
    pub(super) async fn kept_elsewhere(
        &self,
        connection: &impl ConnectionTrait,
        before: &Schema,
        after: &Schema,
    ) -> Result<Kept, DbErr> {
        let mut kept = Kept::new();
        for name in &self.tables {
            let old = &before.tables[name];
            let names: Vec<&str> = old.columns.iter().map(|column| &*column.name).collect();
            for new in after
                .tables
                .values()
                .filter(|new| before.table(&new.name).is_none())
            {
                if names
                    .iter()
                    .all(|name| column_of(after, new, name).is_some())
                {
                    kept.push(hashes(connection, &new.name, &names).await?);
                }
            }
        }
        for (name, gone) in &self.columns {
            let (Some(old), Some(new)) = (before.table(name), after.table(name)) else {
                continue;
            };
            let key = key(old, gone);
            if !key.iter().all(|part| column_of(after, new, part).is_some()) {
                continue;
            }
            for column in &new.columns {
                if column_of(before, old, &column.name).is_none() {
                    let mut columns = key.clone();
                    columns.push(&column.name);
                    kept.push(hashes(connection, &new.name, &columns).await?);
                }
            }
        }
        Ok(kept)
    }

    /// Counts what would be lost; called where everything is still there.
    pub(super) async fn count(
        &self,
        connection: &impl ConnectionTrait,
        before: &Schema,
        kept: &Kept,
    ) -> Result<Vec<Finding>, DbErr> {
        let mut findings = Vec::new();
        for name in &self.tables {
            let names: Vec<&str> = before.tables[name]
                .columns
                .iter()
                .map(|column| &*column.name)
                .collect();
            let rows = number(connection, &format!("SELECT count(*) FROM {}", quote(name))).await?;
            if rows > 0 && !live_on(connection, name, &names, kept).await? {
                findings.push(Finding {
                    table: name.clone(),
                    harm: Harm::DroppedTable,
                    rows,
                });
            }
        }
        for (table, column) in &self.columns {
            let mut columns = key(&before.tables[table], column);
            columns.push(column);
            let rows = number(
                connection,
                &format!("SELECT count({}) FROM {}", quote(column), quote(table)),
            )
            .await?;
            if rows > 0 && !live_on(connection, table, &columns, kept).await? {
                let harm = Harm::DroppedColumn {
                    column: column.clone(),
                };
                findings.push(Finding {
                    table: table.clone(),
                    harm,
                    rows,
                });
            }
        }
        Ok(findings)
    }
}

/// What tells the rows apart, so that the same values in other rows are not taken for theirs; nothing when the
/// column is itself a part of it.
fn key<'a>(table: &'a Table, column: &str) -> Vec<&'a str> {
    let keys = table.primary_key.iter().flat_map(|key| &key.keys);
    let columns: Vec<&str> = keys.map(|part| &*part.text).collect();
    if columns.iter().any(|part| part.eq_ignore_ascii_case(column)) {
        return Vec::new();
    }
    columns
}

/// The column of this name; SQLite does not mind the case.
fn column_of<'a>(schema: &Schema, table: &'a Table, name: &str) -> Option<&'a Column> {
    let mut columns = table.columns.iter();
    columns.find(|column| match schema.backend {
        DbBackend::Sqlite => column.name.eq_ignore_ascii_case(name),
        _ => column.name == name,
    })
}

/// Whether every one of these rows is among those of one of the new tables or columns.
async fn live_on(
    connection: &impl ConnectionTrait,
    table: &str,
    columns: &[&str],
    kept: &Kept,
) -> Result<bool, DbErr> {
    if kept.is_empty() {
        return Ok(false);
    }
    let rows = hashes(connection, table, columns).await?;
    let mut each = kept.iter();
    Ok(each.any(|kept| {
        let mut kept = kept.iter();
        rows.iter().all(|row| kept.any(|other| other == row))
    }))
}

async fn hashes(
    connection: &impl ConnectionTrait,
    table: &str,
    columns: &[&str],
) -> Result<Vec<[u8; 32]>, DbErr> {
    let backend = connection.get_database_backend();
    let values: Vec<String> = columns
        .iter()
        .map(|column| match backend {
            DbBackend::Postgres => format!("quote_nullable({}::text)", quote(column)),
            _ => format!("quote({})", quote(column)),
        })
        .collect();
    let query = format!(
        "SELECT {} FROM {}",
        values.join(" || ',' || "),
        quote(table)
    );
    let rows = connection
        .query_all_raw(Statement::from_string(backend, query))
        .await?;
    let mut hashes = Vec::with_capacity(rows.len());
    for row in rows {
        let text: String = row.try_get_by_index(0)?;
        hashes.push(Sha256::digest(text).into());
    }
    hashes.sort_unstable();
    Ok(hashes)
}

async fn number(connection: &impl ConnectionTrait, query: &str) -> Result<u64, DbErr> {
    let statement = Statement::from_string(connection.get_database_backend(), query);
    let number: i64 = match connection.query_one_raw(statement).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    Ok(number.unsigned_abs())
}
