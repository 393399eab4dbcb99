//! Five rows in every table; the fifth has NULL wherever it may.

use std::collections::BTreeMap;

use revision::schema::{Column, Schema, Table};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr};

use super::{ROWID, counter, has_rowid, is_rowid, literal, quote};

/// The id that was given last, though its row is gone.
const GIVEN: u32 = 41;

/// Puts the rows in, parents before children.
pub(crate) async fn fill(
    connection: &DatabaseConnection,
    schema: &Schema,
    no_nulls: bool,
) -> Result<(), DbErr> {
    let mut waiting: Vec<&Table> = schema.tables.values().collect();
    let mut later = Vec::new();
    while !waiting.is_empty() {
        let next = waiting.iter().position(|table| !points_at(table, &waiting));
        let table = waiting.remove(next.unwrap_or_default());
        let filler = Filler {
            connection,
            schema,
            table,
            // In a circle somebody has to begin with NULL.
            circle: if next.is_none() {
                pointing(table)
            } else {
                Vec::new()
            },
            no_nulls,
        };
        filler.insert().await?;
        filler.count_on().await?;
        later.push(filler);
    }
    for filler in later {
        filler.close_circle().await?;
    }
    Ok(())
}

fn points_at(table: &Table, others: &[&Table]) -> bool {
    let mut parents = table.foreign_keys.iter().map(|key| &key.parent);
    parents.any(|parent| {
        let is_it = |other: &&Table| other.name.eq_ignore_ascii_case(parent);
        !parent.eq_ignore_ascii_case(&table.name) && others.iter().any(is_it)
    })
}

/// The columns that point at other tables, and may be NULL.
fn pointing(table: &Table) -> Vec<String> {
    let keys = table.foreign_keys.iter();
    let columns = keys.flat_map(|key| key.columns.clone());
    let may_be_null = |name: &String| table.column(name).is_some_and(|column| column.nullable);
    columns.filter(may_be_null).collect()
}

struct Filler<'a> {
    connection: &'a DatabaseConnection,
    schema: &'a Schema,
    table: &'a Table,
    circle: Vec<String>,
    no_nulls: bool,
}

impl Filler<'_> {
    async fn insert(&self) -> Result<(), DbErr> {
        for row in 1..=5 {
            let mut values: BTreeMap<&str, String> = BTreeMap::new();
            for column in &self.table.columns {
                if column.generated.is_none() && !self.circle.contains(&column.name) {
                    values.insert(&column.name, self.value(column, row));
                }
            }
            let is_alias = self
                .table
                .columns
                .iter()
                .any(|column| is_rowid(self.table, column));
            if self.schema.backend == DbBackend::Sqlite && has_rowid(self.table) && !is_alias {
                values.insert(ROWID, (row * 10).to_string());
            }
            let names: Vec<String> = values.keys().map(|name| quote(name)).collect();
            let values: Vec<String> = values.into_values().collect();
            let sql = format!(
                "INSERT INTO {} ({}) VALUES ({})",
                quote(&self.table.name),
                names.join(", "),
                values.join(", ")
            );
            self.connection.execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    /// Lets the database have given an id whose row is not there any more.
    async fn count_on(&self) -> Result<(), DbErr> {
        let sql = match self.schema.backend {
            DbBackend::Sqlite => {
                if !self
                    .table
                    .primary_key
                    .as_ref()
                    .is_some_and(|key| key.autoincrement)
                {
                    return Ok(());
                }
                let name = literal(&self.table.name);
                format!("UPDATE sqlite_sequence SET seq = {GIVEN} WHERE name = {name}")
            }
            _ => match counter(self.connection, self.table).await {
                Some(counter) => format!("SELECT setval({}, {GIVEN})", literal(&counter)),
                None => return Ok(()),
            },
        };
        self.connection.execute_unprepared(&sql).await?;
        Ok(())
    }

    async fn close_circle(&self) -> Result<(), DbErr> {
        for name in &self.circle {
            let column = self.table.column(name).expect("it is of this table");
            let first = &self.table.columns[0];
            for row in 1..=5 {
                let sql = format!(
                    "UPDATE {} SET {} = {} WHERE {} = {}",
                    quote(&self.table.name),
                    quote(name),
                    self.value(column, row),
                    quote(&first.name),
                    self.value(first, row)
                );
                self.connection.execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }

    fn value(&self, column: &Column, row: u32) -> String {
        let mut keys = self.table.primary_key.iter().flat_map(|key| &key.keys);
        let in_key = keys.any(|key| key.text.eq_ignore_ascii_case(&column.name));
        if row == 5 && column.nullable && !in_key && !self.no_nulls {
            return "NULL".to_owned();
        }
        let type_ = column.type_.to_lowercase();
        if let Some(values) = self.schema.enums.get(column.type_.trim_matches('"')) {
            return literal(&values[(row as usize - 1) % values.len()]);
        }
        let has = |words: &[&str]| words.iter().any(|word| type_.contains(word));
        if has(&["[]"]) {
            format!("'{{{row}}}'")
        } else if has(&["bool"]) {
            if row.is_multiple_of(2) {
                "true"
            } else {
                "false"
            }
            .to_owned()
        } else if has(&["timestamp", "datetime"]) {
            format!("'2026-01-0{row} 10:00:00'")
        } else if has(&["date"]) {
            format!("'2026-01-0{row}'")
        } else if has(&["time"]) {
            format!("'10:00:0{row}'")
        } else if has(&["uuid"]) {
            format!("'00000000-0000-0000-0000-00000000000{row}'")
        } else if has(&["char", "text", "json", "bytea"]) {
            format!("'{row}'")
        } else if has(&["blob"]) {
            format!("x'0{row}'")
        } else {
            row.to_string()
        }
    }
}
