//! What is remembered of each applied migration, in a table beside SeaORM's own, which stays as SeaORM knows it.
//!
//! A database from before this table, or one that SeaORM's own tool has touched, is served all the same: what is
//! not remembered cannot be compared.

mod checksum;

use sea_orm::sea_query::{ColumnDef, Expr, ExprTrait, Query, Table};
use sea_orm::{ConnectionTrait, DbErr, DynIden};

pub(crate) use checksum::{Checksums, replay};

use crate::schema;
use crate::versions;

/// The table's name.
pub(crate) const TABLE: &str = "revision_memory";

/// One applied migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) version: String,
    /// Of its statements for this database; nothing when they could not be recorded.
    pub(crate) checksum: Option<String>,
    /// Of the schema after it; nothing when it could not be read.
    pub(crate) fingerprint: Option<String>,
}

/// Creates the table where it is not there.
pub(crate) async fn install(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    let mut table = Table::create();
    table
        .table(TABLE)
        .if_not_exists()
        .col(ColumnDef::new("version").string().not_null().primary_key())
        .col(ColumnDef::new("checksum").string())
        .col(ColumnDef::new("fingerprint").string())
        // Counts upwards with every change: the greatest belongs to the schema as it was left.
        .col(ColumnDef::new("turn").big_integer().not_null());
    connection.execute(&table).await?;
    Ok(())
}

/// Everything that is remembered, the latest change first; nothing when the table is not there. Writes nothing.
pub(crate) async fn read(connection: &impl ConnectionTrait) -> Result<Vec<Memory>, DbErr> {
    if !versions::exists(connection, TABLE).await? {
        return Ok(Vec::new());
    }
    let query = Query::select()
        .columns(["version", "checksum", "fingerprint"])
        .from(TABLE)
        .order_by("turn", sea_orm::Order::Desc)
        .to_owned();
    let rows = connection.query_all(&query).await?;
    let each = rows.iter().map(|row| {
        let (version, checksum, fingerprint) = row.try_get_many_by_index()?;
        Ok(Memory {
            version,
            checksum,
            fingerprint,
        })
    });
    each.collect()
}

/// Remembers a migration; what was remembered of it before is overwritten.
pub(crate) async fn keep(connection: &impl ConnectionTrait, memory: &Memory) -> Result<(), DbErr> {
    forget(connection, &memory.version).await?;
    let turn = Query::select()
        .expr(Expr::cust("coalesce(max(\"turn\"), 0) + 1"))
        .from(TABLE)
        .to_owned();
    let insert = Query::insert()
        .into_table(TABLE)
        .columns(["version", "checksum", "fingerprint", "turn"])
        .values_panic([
            Expr::val(memory.version.as_str()),
            Expr::val(memory.checksum.clone()),
            Expr::val(memory.fingerprint.clone()),
            Expr::SubQuery(None, Box::new(turn.into())),
        ])
        .to_owned();
    connection.execute(&insert).await?;
    Ok(())
}

/// Remembers that the schema was brought back to what it is after this migration.
pub(crate) async fn keep_schema(
    connection: &impl ConnectionTrait,
    version: &str,
    fingerprint: Option<&str>,
) -> Result<(), DbErr> {
    let update = Query::update()
        .table(TABLE)
        .value("fingerprint", fingerprint.map(str::to_owned))
        .value(
            "turn",
            Expr::cust("(SELECT max(\"turn\") + 1 FROM \"revision_memory\")"),
        )
        .and_where(Expr::col("version").eq(version))
        .to_owned();
    connection.execute(&update).await?;
    Ok(())
}

/// Forgets a migration.
pub(crate) async fn forget(connection: &impl ConnectionTrait, version: &str) -> Result<(), DbErr> {
    let delete = Query::delete()
        .from_table(TABLE)
        .and_where(Expr::col("version").eq(version))
        .to_owned();
    connection.execute(&delete).await?;
    Ok(())
}

/// Reads the schema without the tables of the migration tool itself.
pub(crate) async fn schema(
    connection: &impl ConnectionTrait,
    versions: &DynIden,
) -> Result<schema::Schema, DbErr> {
    schema::read(connection, &[&versions.to_string(), TABLE]).await
}
