//! Converting a column: the server's own conversion where it has one, and the default brought along.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::On;
use super::find::Found;
use crate::ddl::quote;
use crate::guard::{self, Finding, Harm};
use crate::operation::count::Doubt;

pub(super) async fn run<C: ConnectionTrait>(
    on: &On<'_, C>,
    column: &str,
    type_text: &str,
    using: Option<String>,
) -> Result<(), DbErr> {
    let found = Found::read(on.connection, on.name).await?;
    let name = quote(column);
    if !found.is_real() {
        // Which conversion there is, and which default, is known where the script is run.
        let using = using
            .map(|using| format!(" USING {using}"))
            .unwrap_or_default();
        return on
            .alter(format!("ALTER COLUMN {name} TYPE {type_text}{using}"))
            .await;
    }
    let (from, default) = (found.type_of(column)?, found.default_of(column)?);
    let cut = length(type_text).filter(|_| using.is_none());
    if let Some(length) = cut {
        on.refuse(&[Doubt::too_long(column, length)]).await?;
    }
    let using = match using {
        Some(using) => Some(using),
        // An explicit cast cuts; only what is permitted to be lost gets here.
        None if cut.is_some() && guard::allows_data_loss() => Some(format!("{name}::{type_text}")),
        None if converts_by_itself(on.connection, &from, type_text).await? => None,
        None => {
            refuse_unconvertible(on, column, &from, type_text).await?;
            Some(format!("{name}::{type_text}"))
        }
    };
    // A default keeps the cast to the old type, or stands in the way.
    if default.is_some() {
        on.alter(format!("ALTER COLUMN {name} DROP DEFAULT"))
            .await?;
    }
    let using = using
        .map(|using| format!(" USING {using}"))
        .unwrap_or_default();
    // Without a word the column would get the usual collation.
    let (collation, _) = found.collation_and_comment_of(column)?;
    let collation = collation.filter(|_| is_collatable(type_text));
    let collation = collation
        .map(|name| format!(" COLLATE {}", quote(&name)))
        .unwrap_or_default();
    on.alter(format!(
        "ALTER COLUMN {name} TYPE {type_text}{collation}{using}"
    ))
    .await?;
    if let Some(default) = default {
        let value = without_cast(&default, &from);
        on.alter(format!("ALTER COLUMN {name} SET DEFAULT {value}"))
            .await?;
    }
    Ok(())
}

/// `'0'::character varying` as `'0'`, which every type reads in its own way. A negative number is printed like that
/// too, and stays a number.
fn without_cast<'a>(default: &'a str, from: &str) -> &'a str {
    let bare = from.split('(').next().unwrap_or(from);
    if ["integer", "numeric"].contains(&bare) {
        return default;
    }
    match default.rsplit_once("::") {
        Some((value, cast))
            if value.starts_with('\'') && value.ends_with('\'') && cast.starts_with(bare) =>
        {
            value
        }
        _ => default,
    }
}

fn is_collatable(type_text: &str) -> bool {
    let mut kinds = ["char", "text", "bpchar", "varchar"].iter();
    kinds.any(|kind| type_text.starts_with(kind))
}

/// The length of `varchar(n)` or `char(n)`.
fn length(type_text: &str) -> Option<u32> {
    let (name, rest) = type_text.split_once('(')?;
    let is_text = ["varchar", "char", "character varying", "character"].contains(&name.trim());
    rest.trim_end_matches(')').parse().ok().filter(|_| is_text)
}

/// Whether an assignment converts, so that the server needs no USING and refuses what does not fit.
async fn converts_by_itself(
    connection: &impl ConnectionTrait,
    from: &str,
    to: &str,
) -> Result<bool, DbErr> {
    let query = "SELECT f.oid = t.oid OR t.typcategory = 'S' OR EXISTS ( \
                   SELECT 1 FROM pg_cast c WHERE c.castsource = f.oid AND c.casttarget = t.oid AND c.castcontext IN ('a', 'i')) \
                 FROM pg_type f, pg_type t WHERE f.oid = to_regtype($1) AND t.oid = to_regtype($2)";
    let bare = |text: &str| text.split('(').next().unwrap_or(text).trim().to_owned();
    let statement = Statement::from_sql_and_values(
        DbBackend::Postgres,
        query,
        [bare(from).into(), bare(to).into()],
    );
    match connection.query_one_raw(statement).await? {
        Some(row) => row.try_get_by_index(0),
        None => Ok(true),
    }
}

/// Counts the values that the new type does not read, each tried by itself.
async fn refuse_unconvertible<C: ConnectionTrait>(
    on: &On<'_, C>,
    column: &str,
    from: &str,
    to: &str,
) -> Result<(), DbErr> {
    if !from.starts_with("text") && !from.starts_with("char") {
        return Ok(());
    }
    let literal = to.replace('\'', "''");
    let make = format!(
        "CREATE OR REPLACE FUNCTION pg_temp.revision_reads(value text) RETURNS boolean LANGUAGE plpgsql AS \
         $_$ BEGIN PERFORM CAST(value AS {literal}); RETURN true; EXCEPTION WHEN data_exception THEN RETURN false; END $_$"
    );
    on.connection.execute_unprepared(&make).await?;
    let query = format!(
        "SELECT count(*) FROM {} WHERE NOT pg_temp.revision_reads({}::text)",
        on.table,
        quote(column)
    );
    let statement = Statement::from_string(DbBackend::Postgres, query);
    let rows: i64 = match on.connection.query_one_raw(statement).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    on.connection
        .execute_unprepared("DROP FUNCTION pg_temp.revision_reads(text)")
        .await?;
    if rows == 0 {
        return Ok(());
    }
    let harm = Harm::Unconvertible {
        column: column.to_owned(),
        column_type: to.to_owned(),
    };
    guard::judge(vec![Finding {
        table: on.name.to_owned(),
        harm,
        rows: rows.unsigned_abs(),
    }])
}
