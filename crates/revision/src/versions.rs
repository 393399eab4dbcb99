//! SeaORM's own version table, read and written exactly as SeaORM does.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, DynIden, QueryResult, Schema, Statement};
use sea_orm_migration::seaql_migrations;

/// The revisions that a database has; none when the table is not there. Writes nothing.
pub(crate) async fn recorded(
    connection: &impl ConnectionTrait,
    table: &DynIden,
) -> Result<BTreeSet<String>, DbErr> {
    if !exists(connection, &table.to_string()).await? {
        return Ok(BTreeSet::new());
    }
    let query = Query::select()
        .column(Alias::new("version"))
        .from(table.clone())
        .to_owned();
    let rows = connection.query_all(&query).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// When each recorded revision was applied; none when the table is not there. Writes nothing.
pub(crate) async fn times(
    connection: &impl ConnectionTrait,
    table: &DynIden,
) -> Result<BTreeMap<String, i64>, DbErr> {
    if !exists(connection, &table.to_string()).await? {
        return Ok(BTreeMap::new());
    }
    let query = Query::select()
        .columns(["version", "applied_at"])
        .from(table.clone())
        .to_owned();
    let rows = connection.query_all(&query).await?;
    rows.iter()
        .map(QueryResult::try_get_many_by_index)
        .collect()
}

/// Whether there is a table of this name.
pub(crate) async fn exists(connection: &impl ConnectionTrait, table: &str) -> Result<bool, DbErr> {
    let backend = connection.get_database_backend();
    let query = match backend {
        DbBackend::Postgres => {
            "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = current_schema() AND c.relname = $1 AND c.relkind IN ('r', 'p')"
        }
        _ => "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?",
    };
    let statement = Statement::from_sql_and_values(backend, query, [table.into()]);
    Ok(connection.query_one_raw(statement).await?.is_some())
}

/// Creates the table with the statement that SeaORM's own `install` issues.
pub(crate) async fn install(
    connection: &impl ConnectionTrait,
    table: &DynIden,
) -> Result<(), DbErr> {
    let schema = Schema::new(connection.get_database_backend());
    let mut statement = schema.create_table_from_entity(seaql_migrations::Entity);
    statement.table(table.clone()).if_not_exists();
    connection.execute(&statement).await?;
    Ok(())
}

/// Notes that a migration is applied, at the time that the database's own clock shows.
///
/// SeaORM takes the time from the process, and panics when its clock stands before 1970.
pub(crate) async fn record(
    connection: &impl ConnectionTrait,
    table: &DynIden,
    name: &str,
) -> Result<(), DbErr> {
    let now = match connection.get_database_backend() {
        DbBackend::Postgres => "CAST(extract(epoch FROM clock_timestamp()) AS bigint)",
        _ => "unixepoch()",
    };
    let mut statement = Query::insert();
    statement
        .into_table(table.clone())
        .columns(["version", "applied_at"])
        .values_panic([Expr::val(name), Expr::cust(now)]);
    connection.execute(&statement).await?;
    Ok(())
}

/// Notes that a migration is not applied any more.
pub(crate) async fn forget(
    connection: &impl ConnectionTrait,
    table: &DynIden,
    name: &str,
) -> Result<(), DbErr> {
    let mut statement = Query::delete();
    statement
        .from_table(table.clone())
        .and_where(Expr::col("version").eq(name));
    connection.execute(&statement).await?;
    Ok(())
}
