//! All that a database holds, as texts that can be compared.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

/// Every object's text, and every row of every table.
#[derive(Debug, PartialEq)]
pub(super) struct Picture {
    /// By kind and name.
    objects: BTreeMap<(String, String), String>,
    /// By table: each row as its values by column, its rowid among them where it has one.
    rows: BTreeMap<String, Vec<BTreeMap<String, String>>>,
}

impl Picture {
    pub(super) async fn of(database: &DatabaseConnection) -> Self {
        let objects: BTreeMap<(String, String), String> = all(
            database,
            "SELECT type, name, coalesce(sql, '') FROM sqlite_schema",
        )
        .await
        .into_iter()
        .map(|mut row| {
            let sql = row.remove(2);
            let name = row.remove(1);
            ((row.remove(0), name), sql)
        })
        .collect();
        let mut rows = BTreeMap::new();
        for (kind, name) in objects.keys() {
            if kind == "table" {
                rows.insert(name.clone(), table(database, name).await);
            }
        }
        Self { objects, rows }
    }

    /// The tables of the migration tool itself.
    pub(super) fn bookkeeping(&self) -> Vec<&str> {
        let tables = self.rows.keys().map(String::as_str);
        tables
            .filter(|name| name.starts_with("seaql_") || name.starts_with("revision"))
            .collect()
    }

    /// Fails unless `after` has all that this has, but for `changed` columns of `table`, and nothing more.
    pub(super) fn assert_survived(&self, after: &Self, table: &str, changed: &[&str], what: &str) {
        let own = after.bookkeeping();
        for ((kind, name), sql) in &self.objects {
            let now = after.objects.get(&(kind.clone(), name.clone()));
            let is_changed =
                name == table || name.starts_with(&format!("sqlite_autoindex_{table}"));
            let renamed = changed.iter().any(|column| sql.contains(column));
            if !is_changed && !renamed {
                assert_eq!(now, Some(sql), "{what}: {kind} {name}");
            }
        }
        for (kind, name) in after.objects.keys() {
            let is_own = own.iter().any(|table| name.contains(table));
            let is_new = !self.objects.contains_key(&(kind.clone(), name.clone()))
                && !name.contains(&format!("autoindex_{table}"));
            assert!(is_own || !is_new, "{what}: {kind} {name} is left over");
        }
        for (name, rows) in &self.rows {
            let now = after
                .rows
                .get(name)
                .unwrap_or_else(|| panic!("{what}: table {name} is lost"));
            let (mut rows, mut now) = (rows.clone(), now.clone());
            if name == "sqlite_sequence" || name == "sqlite_stat1" {
                // Another key, and its index, have another line there.
                let kept = |row: &BTreeMap<String, String>| {
                    !row.values().any(|value| value.contains("autoindex"))
                };
                rows.retain(kept);
                now.retain(kept);
                for row in rows.iter_mut().chain(&mut now) {
                    row.remove("rowid");
                }
                rows.sort();
                now.sort();
            }
            if what.contains("autoincrement") && name == "sqlite_sequence" {
                continue;
            }
            if name == table {
                let columns: Vec<String> = rows
                    .first()
                    .into_iter()
                    .flat_map(|row| row.keys().cloned())
                    .collect();
                for row in &mut rows {
                    row.retain(|column, _| !changed.contains(&&**column));
                }
                for row in &mut now {
                    row.retain(|column, _| {
                        columns.contains(column) && !changed.contains(&&**column)
                    });
                }
                if what.contains("rowid") {
                    for row in rows.iter_mut().chain(&mut now) {
                        row.remove("rowid");
                    }
                    rows.sort();
                    now.sort();
                }
            }
            assert_eq!(now, rows, "{what}: rows of {name}");
        }
    }
}

async fn table(database: &DatabaseConnection, name: &str) -> Vec<BTreeMap<String, String>> {
    let quoted = format!("\"{name}\"");
    let mut columns: Vec<String> = all(
        database,
        &format!("SELECT name FROM pragma_table_xinfo('{name}')"),
    )
    .await
    .into_iter()
    .map(|mut row| row.remove(0))
    .collect();
    let without_rowid = all(
        database,
        &format!("SELECT wr || '' FROM pragma_table_list('{name}')"),
    )
    .await[0][0]
        == "1";
    if !without_rowid {
        columns.insert(0, "rowid".to_owned());
    }
    let values: Vec<String> = columns
        .iter()
        .map(|column| format!("quote(\"{column}\") || ' ' || typeof(\"{column}\")"))
        .collect();
    let rows = all(
        database,
        &format!("SELECT {} FROM {quoted} ORDER BY 1", values.join(", ")),
    )
    .await;
    rows.into_iter()
        .map(|row| columns.iter().cloned().zip(row).collect())
        .collect()
}

async fn all(database: &DatabaseConnection, sql: &str) -> Vec<Vec<String>> {
    let rows = database
        .query_all_raw(Statement::from_string(DbBackend::Sqlite, sql))
        .await
        .expect(sql);
    rows.iter()
        .map(|row| {
            let width = row.column_names().len();
            (0..width)
                .map(|index| row.try_get_by_index(index).expect("text"))
                .collect()
        })
        .collect()
}
