//! Copying the rows, and proof that they have all arrived.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::affinity::Affinity;
use super::edit::Plan;
use super::original::{Original, rowid_alias};
use crate::ddl::{CreateTable, quote};
use crate::event::{Event, Observer};
use crate::guard::{self, Finding, Harm};
use crate::operation::refuse;

/// So many rowids are copied at a time when somebody watches.
const STRIDE: i64 = 100_000;

pub(super) async fn run(
    connection: &impl ConnectionTrait,
    original: &Original,
    plan: &Plan,
    new: &str,
) -> Result<(), DbErr> {
    let (mut columns, mut values): (Vec<String>, Vec<String>) = plan
        .copied()
        .map(|(name, source)| (quote(&name), source.clone()))
        .unzip();
    let rowid = rowid(&original.create);
    if let (Some(rowid), None, false) = (
        &rowid,
        rowid_alias(&plan.create),
        plan.create.is_without_rowid(),
    ) && !plan.create.columns.iter().any(|column| column.is(rowid))
    {
        columns.insert(0, (*rowid).to_owned());
        values.insert(0, (*rowid).to_owned());
    }
    let old = quote(&original.name);
    // ABORT, lest a constraint with an ON CONFLICT of its own should swallow rows.
    let insert = format!(
        "INSERT OR ABORT INTO {} ({}) SELECT {} FROM {old}",
        quote(new),
        columns.join(", "),
        values.join(", ")
    );
    let rows = number(connection, &format!("SELECT count(*) FROM {old}")).await?;
    let observer = guard::observer();
    let tell = |observer: &Observer, done: u64| {
        observer.notify(&Event::Copying {
            table: &original.name,
            done,
            rows,
        });
    };
    match (&observer, rowid) {
        (Some(observer), Some(rowid)) if rows > STRIDE.unsigned_abs() => {
            let mut low =
                number_or_null(connection, &format!("SELECT min({rowid}) FROM {old}")).await?;
            let mut done = 0;
            while let Some(first) = low {
                tell(observer, done);
                let last = first.saturating_add(STRIDE - 1);
                let part = format!("{insert} WHERE {rowid} BETWEEN {first} AND {last}");
                done += connection.execute_unprepared(&part).await?.rows_affected();
                // The next rowid that there is: a gap is stepped over, however wide.
                low = number_or_null(
                    connection,
                    &format!("SELECT min({rowid}) FROM {old} WHERE {rowid} > {last}"),
                )
                .await?;
            }
            tell(observer, done);
        }
        _ => {
            connection.execute_unprepared(&insert).await?;
        }
    }
    let arrived = number(connection, &format!("SELECT count(*) FROM {}", quote(new))).await?;
    if arrived != rows {
        return refuse(format!(
            "{rows} rows of {} were copied, and {arrived} arrived.",
            original.name
        ));
    }
    refuse_unconverted(connection, original, plan, new).await
}

/// SQLite keeps a text in a column of numbers without a word; here that fails.
async fn refuse_unconverted(
    connection: &impl ConnectionTrait,
    original: &Original,
    plan: &Plan,
    new: &str,
) -> Result<(), DbErr> {
    let mut checks = Vec::new();
    for name in &plan.converted {
        let Some(column) = plan.create.column(name) else {
            continue;
        };
        let type_text = column.type_text();
        let types = match Affinity::of(&type_text) {
            Affinity::Integer => "'integer'",
            Affinity::Real | Affinity::Numeric if is_number(&type_text) => "'integer', 'real'",
            Affinity::Text => "'text'",
            _ => continue,
        };
        checks.push((
            name,
            type_text,
            format!(
                "count(CASE WHEN typeof({}) NOT IN ('null', {types}) THEN 1 END)",
                quote(name)
            ),
        ));
    }
    if checks.is_empty() {
        return Ok(());
    }
    let counts: Vec<&str> = checks.iter().map(|(_, _, count)| &**count).collect();
    let query = format!("SELECT {} FROM {}", counts.join(", "), quote(new));
    let statement = Statement::from_string(DbBackend::Sqlite, query);
    let Some(row) = connection.query_one_raw(statement).await? else {
        return Ok(());
    };
    let mut findings = Vec::new();
    for (index, (name, type_text, _)) in checks.iter().enumerate() {
        let rows: i64 = row.try_get_by_index(index)?;
        if rows > 0 {
            let (column, column_type) = ((*name).clone(), type_text.clone());
            findings.push(Finding {
                table: original.name.clone(),
                harm: Harm::Unconvertible {
                    column,
                    column_type,
                },
                rows: rows.unsigned_abs(),
            });
        }
    }
    guard::judge(findings)
}

/// A type of numbers, and not one such as `date_text` or `boolean`, of which SQLite only thinks so.
fn is_number(type_text: &str) -> bool {
    ["real", "floa", "doub", "dec", "num", "bool"]
        .iter()
        .any(|word| type_text.contains(word))
}

/// A name by which a table's rowid can be had, if it has one.
fn rowid(create: &CreateTable) -> Option<&'static str> {
    if create.is_without_rowid() {
        return None;
    }
    let taken = |name: &&&str| create.columns.iter().any(|column| column.is(name));
    ["rowid", "_rowid_", "oid"]
        .iter()
        .find(|name| !taken(name))
        .copied()
}

async fn number(connection: &impl ConnectionTrait, query: &str) -> Result<u64, DbErr> {
    let number = number_or_null(connection, query).await?;
    Ok(number.unwrap_or_default().unsigned_abs())
}

async fn number_or_null(
    connection: &impl ConnectionTrait,
    query: &str,
) -> Result<Option<i64>, DbErr> {
    let statement = Statement::from_string(DbBackend::Sqlite, query);
    match connection.query_one_raw(statement).await? {
        Some(row) => row.try_get_by_index(0),
        None => Ok(None),
    }
}
