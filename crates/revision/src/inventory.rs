//! What is in a database: its tables and how many rows each has.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, DynIden, Statement};

use crate::memory;

/// The tables that hold rows, in the order of their names, but for the migration tool's own.
pub(crate) async fn rows(
    connection: &impl ConnectionTrait,
    versions: &DynIden,
) -> Result<Vec<(String, u64)>, DbErr> {
    let backend = connection.get_database_backend();
    let list = match backend {
        DbBackend::Postgres => {
            "SELECT relname::text, oid::regclass::text FROM pg_catalog.pg_class \
             WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') ORDER BY 1"
        }
        // Shadow tables of a virtual table hold no rows that a person would count.
        _ => {
            "SELECT name, '\"' || replace(name, '\"', '\"\"') || '\"' FROM pragma_table_list \
             WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1"
        }
    };
    let mut counts = Vec::new();
    for row in connection
        .query_all_raw(Statement::from_string(backend, list))
        .await?
    {
        let (name, quoted): (String, String) = row.try_get_many_by_index()?;
        if name == versions.to_string() || name == memory::TABLE {
            continue;
        }
        let count = Statement::from_string(backend, format!("SELECT count(*) FROM {quoted}"));
        let Some(row) = connection.query_one_raw(count).await? else {
            continue;
        };
        let count: i64 = row.try_get_by_index(0)?;
        if count > 0 {
            counts.push((name, count.unsigned_abs()));
        }
    }
    Ok(counts)
}
