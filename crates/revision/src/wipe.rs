//! An empty database where a full one was.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

/// Everything that can be dropped in a SQLite file: views first, so that nothing names a table that is gone. The
/// tables of a virtual table, an index and a trigger go with the table that they belong to.
const SQLITE: &str = "\
SELECT 'DROP ' || type || ' IF EXISTS \"' || replace(name, '\"', '\"\"') || '\"'
FROM sqlite_schema
WHERE type IN ('view', 'table') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
ORDER BY type = 'table', sql NOT LIKE 'CREATE VIRTUAL%'";

/// Everything in the current schema that does not belong to an extension.
const POSTGRES: &str = "\
WITH own AS (
    SELECT 1 AS turn, oid, format('DROP %s IF EXISTS %s CASCADE', CASE relkind
        WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
        WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END, oid::regclass) AS sql
    FROM pg_catalog.pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
    UNION ALL
    SELECT 2, oid, format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure)
    FROM pg_catalog.pg_proc WHERE pronamespace = current_schema()::regnamespace
    UNION ALL
    SELECT 3, oid, format('DROP TYPE IF EXISTS %s CASCADE', oid::regtype)
    FROM pg_catalog.pg_type
    WHERE typnamespace = current_schema()::regnamespace AND typtype IN ('e', 'd', 'r')
)
SELECT sql FROM own
WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = own.oid AND d.deptype = 'e')
ORDER BY turn, oid";

/// Drops all that a migration may have made, and the version table with it.
pub(crate) async fn everything(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    let backend = connection.get_database_backend();
    let list = match backend {
        DbBackend::Postgres => POSTGRES,
        _ => SQLITE,
    };
    let rows = connection
        .query_all_raw(Statement::from_string(backend, list))
        .await?;
    for row in rows {
        let drop: String = row.try_get_by_index(0)?;
        connection.execute_unprepared(&drop).await?;
    }
    Ok(())
}
