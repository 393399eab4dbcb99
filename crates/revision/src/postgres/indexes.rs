//! Indexes that an interrupted `CREATE INDEX CONCURRENTLY` left behind.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::error::Error;

/// Refuses to go on while there is an index that exists by name only.
///
/// `CREATE INDEX CONCURRENTLY IF NOT EXISTS` would step over it, and the database would be without the index for
/// ever. (<https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY>)
pub(super) async fn refuse_invalid(connection: &impl ConnectionTrait) -> Result<(), Error> {
    let doing = "Looking for invalid indexes";
    let statement = Statement::from_string(
        DbBackend::Postgres,
        "SELECT i.indexrelid::regclass::text FROM pg_catalog.pg_index i \
         JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
         WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relnamespace = current_schema()::regnamespace \
         ORDER BY 1 LIMIT 1",
    );
    let row = connection
        .query_one_raw(statement)
        .await
        .map_err(Error::database(doing))?;
    let Some(row) = row else {
        return Ok(());
    };
    let index: String = row.try_get_by_index(0).map_err(Error::database(doing))?;
    Err(Error::Refused {
        reason: format!(
            "The index {index} is invalid: an earlier CREATE INDEX CONCURRENTLY did not end."
        ),
        advice: format!("Remove it and run the command again: DROP INDEX CONCURRENTLY {index}"),
    })
}
