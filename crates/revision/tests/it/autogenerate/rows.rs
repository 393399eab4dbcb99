//! Rows for any table, and whether they are still there.

mod fill;
mod travelled;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use revision::autogenerate::Stage;
use revision::schema::{Column, Schema, Table};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

pub(super) use fill::fill;
pub(super) use travelled::Travelled;

/// A row: its values by column, as literals, and its rowid where it has one.
type Row = BTreeMap<String, String>;

/// Under this name a row of SQLite has its rowid.
const ROWID: &str = "_rowid_";

/// What is in a table.
#[derive(Debug)]
pub(super) struct Content {
    rows: Vec<Row>,
    /// The last id that the database gave.
    sequence: Option<i64>,
}

/// What is in each table of each database.
#[derive(Debug)]
pub(super) struct Rows(Vec<BTreeMap<String, Content>>);

impl Rows {
    pub(super) async fn of(stage: &Stage, schemas: &[Schema]) -> Self {
        let mut all = Vec::new();
        for (connection, schema) in stage.connections().zip(schemas) {
            let mut tables = BTreeMap::new();
            for table in schema.tables.values() {
                let content = Content {
                    rows: rows(connection, table).await,
                    sequence: sequence(connection, table).await,
                };
                tables.insert(table.name.clone(), content);
            }
            all.push(tables);
        }
        Self(all)
    }

    /// Whether each of the columns has its value in every row.
    pub(super) fn have(&self, values: &[(String, String)]) -> Result<(), String> {
        for tables in &self.0 {
            for (place, expected) in values {
                let (table, column) = place.split_once('.').expect("a table and a column");
                let content = tables.get(table).expect("the table is there");
                assert!(!content.rows.is_empty(), "{table} has rows");
                for row in &content.rows {
                    let found = plain(&row[column]);
                    if found != *expected {
                        return Err(format!("{place} is {found}, expected {expected}"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A value that was converted says the same in another type.
fn plain(literal: &str) -> String {
    let text = literal.strip_prefix('\'').unwrap_or(literal);
    let text = text.strip_suffix('\'').unwrap_or(text).trim_end();
    let number: Option<f64> = text.parse().ok();
    number.map_or_else(|| text.replace("''", "'"), |number| number.to_string())
}

/// A plan that the server has kept would be one for the table as it was, so that no two questions are the same.
static COUNT: AtomicU32 = AtomicU32::new(0);

async fn rows(connection: &DatabaseConnection, table: &Table) -> Vec<Row> {
    let mut names: Vec<String> = table.columns.iter().map(|one| one.name.clone()).collect();
    let backend = connection.get_database_backend();
    if backend == DbBackend::Sqlite && has_rowid(table) {
        names.push(ROWID.to_owned());
    }
    let values = names.iter().map(|name| match backend {
        DbBackend::Sqlite => format!("quote({})", quote(name)),
        _ => format!(
            "coalesce('''' || replace({}::text, '''', '''''') || '''', 'NULL')",
            quote(name)
        ),
    });
    let values: Vec<String> = values.collect();
    let sql = format!(
        "SELECT {} FROM {} /* {} */",
        values.join(", "),
        quote(&table.name),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let found = select(connection, sql).await;
    let found = found.iter().map(|row| {
        let value = |index| row.try_get_by_index(index).expect("a literal");
        let cells = names.iter().enumerate();
        cells
            .map(|(index, name)| (name.clone(), value(index)))
            .collect()
    });
    found.collect()
}

async fn sequence(connection: &DatabaseConnection, table: &Table) -> Option<i64> {
    let sql = match connection.get_database_backend() {
        DbBackend::Sqlite => {
            let counts = table
                .primary_key
                .as_ref()
                .is_some_and(|key| key.autoincrement);
            if !counts {
                return None;
            }
            format!(
                "SELECT seq FROM sqlite_sequence WHERE name = {}",
                literal(&table.name)
            )
        }
        _ => format!(
            "SELECT last_value FROM {}",
            counter(connection, table).await?
        ),
    };
    let rows = select(connection, sql).await;
    rows.first()
        .map(|row| row.try_get_by_index(0).expect("a number"))
}

/// The sequence behind an identity column.
async fn counter(connection: &DatabaseConnection, table: &Table) -> Option<String> {
    let column = table
        .columns
        .iter()
        .find(|column| column.identity.is_some())?;
    let (table, column) = (literal(&quote(&table.name)), literal(&column.name));
    let sql = format!("SELECT pg_get_serial_sequence({table}, {column})");
    let rows = select(connection, sql).await;
    rows.first()?.try_get_by_index(0).expect("a name")
}

async fn select(connection: &DatabaseConnection, sql: String) -> Vec<sea_orm::QueryResult> {
    let statement = Statement::from_string(connection.get_database_backend(), sql.clone());
    connection.query_all_raw(statement).await.expect(&sql)
}

fn has_rowid(table: &Table) -> bool {
    !table.options.iter().any(|option| option == "without rowid")
}

/// Whether the rowid is one of the columns under another name.
fn is_rowid(table: &Table, column: &Column) -> bool {
    let keys = table.primary_key.iter().flat_map(|key| &key.keys);
    let keys: Vec<&str> = keys.map(|key| &*key.text).collect();
    has_rowid(table) && column.type_ == "integer" && keys == [column.name.to_lowercase()]
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
