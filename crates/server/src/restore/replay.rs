//! The whole of one database, written into another in one transaction.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::failed;
use crate::problem::Trouble;
use crate::volume::copies::{self, PRE_RESTORE, SPARE_BYTES};
use crate::volume::prepare;

/// How long to wait for those who write.
const PATIENCE: Duration = Duration::from_secs(30);

/// Something in a schema: its type, its name, and the statement that makes it.
type Item = (String, String, String);

/// Gives `database` the tables and rows of `incoming`; answers the number of the copy of what it held before.
pub(super) async fn replay(database: &Path, incoming: &Path) -> Result<u32, Trouble> {
    let text = |error: sqlx::Error| failed(error.to_string());
    let mut live = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(false)
        .busy_timeout(PATIENCE)
        // Dropping a table would delete the rows of its children.
        .foreign_keys(false)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "0")
        .disable_statement_logging()
        .connect()
        .await
        .map_err(text)?;
    let result = replay_on(&mut live, database, incoming).await;
    let closed = live.close().await;
    let number = result?;
    closed.map_err(text)?;
    Ok(number)
}

async fn replay_on(
    live: &mut SqliteConnection,
    database: &Path,
    incoming: &Path,
) -> Result<u32, Trouble> {
    let text = |error: sqlx::Error| failed(error.to_string());
    sqlx::query("ATTACH ? AS incoming")
        .bind(incoming.to_string_lossy().into_owned())
        .execute(&mut *live)
        .await
        .map_err(text)?;
    let mut transaction = live.begin_with("BEGIN IMMEDIATE").await.map_err(text)?;
    // Nobody writes now, so this copy has everything that was acknowledged.
    let mut reader = prepare::connection(database).await.map_err(text)?;
    let copies = copies::of(database);
    let kept = copies.take(&mut reader, PRE_RESTORE, SPARE_BYTES).await;
    reader.close().await.map_err(text)?;
    let kept = kept.map_err(|error| {
        failed(format!(
            "the present state could not be kept first: {error}"
        ))
    })?;
    let replaced = replace_all(&mut transaction).await;
    match replaced {
        Ok(None) => transaction.commit().await.map_err(text)?,
        Ok(Some(wrong)) => return Err(failed(wrong)),
        Err(error) => return Err(text(error)),
    }
    if let Err(error) = copies::retire(&copies) {
        tracing::debug!(%error, "removing old copies");
    }
    Ok(kept.number)
}

/// Answers what is wrong with the result, if anything is.
async fn replace_all(live: &mut SqliteConnection) -> Result<Option<String>, sqlx::Error> {
    for (kind, name, _) in items(live, "main").await? {
        // Indexes and triggers go with their tables.
        match &*kind {
            "virtual" | "table" => run(live, &format!("DROP TABLE main.{}", quoted(&name))).await?,
            "view" => run(live, &format!("DROP VIEW main.{}", quoted(&name))).await?,
            _ => {}
        }
    }
    let new = items(live, "incoming").await?;
    for (kind, name, sql) in &new {
        run(live, sql).await?;
        match &**kind {
            "table" => copy_rows(live, name, None).await?,
            // What is in it is told by its rows, those of another table included.
            "virtual" => copy_rows(live, name, Some("rowid")).await?,
            _ => {}
        }
    }
    let sequence = "SELECT count(*) FROM incoming.sqlite_schema WHERE name = 'sqlite_sequence'";
    let has_sequence: i64 = sqlx::query_scalar(sequence).fetch_one(&mut *live).await?;
    if has_sequence > 0 {
        run(live, "DELETE FROM main.sqlite_sequence").await?;
        run(
            live,
            "INSERT INTO main.sqlite_sequence SELECT name, seq FROM incoming.sqlite_sequence",
        )
        .await?;
    }
    let verdict: String = sqlx::query_scalar("PRAGMA main.integrity_check(1)")
        .fetch_one(&mut *live)
        .await?;
    let orphan = sqlx::query("PRAGMA main.foreign_key_check")
        .fetch_optional(live)
        .await?;
    Ok(match (verdict.as_str(), orphan) {
        ("ok", None) => None,
        ("ok", Some(_)) => Some("rows in it point at others that are not there".to_owned()),
        (wrong, _) => Some(wrong.to_owned()),
    })
}

/// Tables first, each before what stands on it: virtual ones, whose own tables come and go with them, before triggers,
/// which would see the rows that are copied.
async fn items(connection: &mut SqliteConnection, schema: &str) -> Result<Vec<Item>, sqlx::Error> {
    let sql = format!(
        "SELECT CASE WHEN t.type = 'virtual' THEN t.type ELSE s.type END AS kind, s.name, s.sql \
         FROM {schema}.sqlite_schema s LEFT JOIN pragma_table_list t ON t.schema = '{schema}' AND t.name = s.name \
         WHERE s.sql IS NOT NULL AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         AND s.tbl_name NOT IN (SELECT name FROM pragma_table_list WHERE schema = '{schema}' AND type = 'shadow') \
         ORDER BY CASE kind WHEN 'table' THEN 1 WHEN 'virtual' THEN 2 WHEN 'index' THEN 3 WHEN 'view' THEN 4 ELSE 5 END, \
         s.rowid"
    );
    sqlx::query_as(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await
}

async fn copy_rows(
    live: &mut SqliteConnection,
    table: &str,
    rowid: Option<&str>,
) -> Result<(), sqlx::Error> {
    // What is generated is not copied.
    let columns: Vec<String> =
        sqlx::query_scalar("SELECT name FROM pragma_table_xinfo(?, 'incoming') WHERE hidden = 0")
            .bind(table)
            .fetch_all(&mut *live)
            .await?;
    let columns: Vec<_> = rowid
        .map(str::to_owned)
        .into_iter()
        .chain(columns.iter().map(|column| quoted(column)))
        .collect();
    let (table, columns) = (quoted(table), columns.join(", "));
    run(
        live,
        &format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM incoming.{table}"),
    )
    .await
}

async fn run(connection: &mut SqliteConnection, sql: &str) -> Result<(), sqlx::Error> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(false);
    query.execute(connection).await.map(|_| ())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
