//! Rows for any table, and whether they are still there.

use std::collections::BTreeMap;

use revision::autogenerate::{Decisions, Stage};
use revision::schema::{Column, Table};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, Statement};

/// The rows of each table of each database: by table and row, the values by column.
#[derive(Debug, PartialEq)]
pub(super) struct Rows(Vec<BTreeMap<String, Vec<BTreeMap<String, String>>>>);

/// Puts five rows into every table, parents before children.
pub(super) async fn fill(connection: &DatabaseConnection) -> Result<(), DbErr> {
    let schema = super::read(connection).await;
    let mut waiting: Vec<&Table> = schema.tables.values().collect();
    while !waiting.is_empty() {
        let is_free = |table: &&Table| {
            let mut parents = table.foreign_keys.iter().map(|key| &key.parent);
            !parents.any(|parent| {
                waiting
                    .iter()
                    .any(|other| other.name == *parent && other.name != table.name)
            })
        };
        let next = waiting.iter().position(is_free).unwrap_or_default();
        let table = waiting.remove(next);
        let columns: Vec<&Column> = table
            .columns
            .iter()
            .filter(|column| column.generated.is_none())
            .collect();
        let names: Vec<String> = columns.iter().map(|column| quote(&column.name)).collect();
        for row in 1..=5 {
            let values: Vec<String> = columns.iter().map(|column| value(column, row)).collect();
            let sql = format!(
                "INSERT INTO {} ({}) VALUES ({})",
                quote(&table.name),
                names.join(", "),
                values.join(", ")
            );
            connection.execute_unprepared(&sql).await?;
        }
    }
    Ok(())
}

fn value(column: &Column, row: u32) -> String {
    let type_ = column.type_.to_lowercase();
    let has = |word: &str| type_.contains(word);
    if has("bool") {
        return (if row.is_multiple_of(2) {
            "true"
        } else {
            "false"
        })
        .to_owned();
    }
    if has("timestamp") || has("datetime") {
        return format!("'2026-01-0{row} 10:00:00'");
    }
    if has("date") {
        return format!("'2026-01-0{row}'");
    }
    if has("uuid") {
        return format!("'00000000-0000-0000-0000-00000000000{row}'");
    }
    if has("json") {
        return format!("'{row}'");
    }
    if has("char") || has("text") {
        return format!("'{row}'");
    }
    if has("blob") || has("bytea") {
        return format!("'{row}'");
    }
    row.to_string()
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Rows {
    pub(super) async fn of(stage: &Stage) -> Self {
        let mut all = Vec::new();
        for connection in stage.connections() {
            let schema = super::read(connection).await;
            let mut tables = BTreeMap::new();
            for table in schema.tables.values() {
                tables.insert(table.name.clone(), rows(connection, table).await);
            }
            all.push(tables);
        }
        Self(all)
    }

    /// Every value is there again under its name, whatever the type that it has now.
    pub(super) fn kept_in(&self, after: &Self, decisions: &Decisions) -> Result<(), String> {
        let renamed = |place: &str, name: &str| {
            let mut renames = decisions.renames.iter();
            let to = renames.find(|(from, _)| from == place);
            to.map_or_else(|| name.to_owned(), |(_, to)| to.clone())
        };
        for (before, after) in self.0.iter().zip(&after.0) {
            for (table, rows) in before {
                let Some(now) = after.get(&renamed(table, table)) else {
                    continue;
                };
                if rows.len() != now.len() {
                    return Err(format!(
                        "{table} had {} rows, has {}",
                        rows.len(),
                        now.len()
                    ));
                }
                for (row, now) in rows.iter().zip(now) {
                    for (column, value) in row {
                        let name = renamed(&format!("{table}.{column}"), column);
                        match now.get(&name) {
                            Some(other) if !alike(value, other) => {
                                return Err(format!("{table}.{column} was {value}, is {other}"));
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// What a way back has not lost on the way there is as it was.
    pub(super) fn back_in(&self, after: &Self) -> Result<(), String> {
        for (before, after) in self.0.iter().zip(&after.0) {
            for (table, rows) in before {
                let now = after
                    .get(table)
                    .ok_or_else(|| format!("{table} is not back"))?;
                if !now.is_empty() && rows.len() != now.len() {
                    return Err(format!(
                        "{table} had {} rows, has {}",
                        rows.len(),
                        now.len()
                    ));
                }
            }
        }
        Ok(())
    }
}

/// A value that was converted says the same in another type.
fn alike(before: &str, after: &str) -> bool {
    let plain = |text: &str| {
        let number: Option<f64> = text.parse().ok();
        number.map_or_else(|| text.trim_end().to_owned(), |number| number.to_string())
    };
    plain(before) == plain(after)
}

async fn rows(connection: &DatabaseConnection, table: &Table) -> Vec<BTreeMap<String, String>> {
    let text = match connection.get_database_backend() {
        DbBackend::Postgres => "::text",
        _ => "",
    };
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("coalesce({}{text}, 'NULL') || ''", quote(&column.name)))
        .collect();
    let first = quote(&table.columns[0].name);
    let sql = format!(
        "SELECT {} FROM {} ORDER BY {first}",
        columns.join(", "),
        quote(&table.name)
    );
    let statement = Statement::from_string(connection.get_database_backend(), sql.clone());
    let found = connection.query_all_raw(statement).await.expect(&sql);
    found
        .iter()
        .map(|row| {
            let columns = table.columns.iter().enumerate();
            columns
                .map(|(index, column)| {
                    (
                        column.name.clone(),
                        row.try_get_by_index(index).expect("text"),
                    )
                })
                .collect()
        })
        .collect()
}
