//! What a change would lose, or what stands in its way, counted before it is made.

use sea_orm::{ConnectionTrait, DbErr, Statement};

use super::spell;
use crate::ddl::quote;
use crate::guard::{self, Finding, Harm};
use crate::schema::ForeignKey;

/// Something of which a change wants no rows.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    pub(super) harm: Harm,
    /// Says of a row, as it will be, that it is one of them; `None` for what `query` counts.
    pub(super) condition: String,
}

impl Doubt {
    pub(super) fn new(harm: Harm, condition: impl Into<String>) -> Self {
        let condition = condition.into();
        Self { harm, condition }
    }

    pub(super) fn null(column: &str) -> Self {
        let condition = format!("{} IS NULL", quote(column));
        Self::new(
            Harm::Null {
                column: column.to_owned(),
            },
            condition,
        )
    }

    pub(super) fn lost(column: &str) -> Self {
        let condition = format!("{} IS NOT NULL", quote(column));
        Self::new(
            Harm::DroppedColumn {
                column: column.to_owned(),
            },
            condition,
        )
    }

    pub(super) fn too_long(column: &str, length: u32) -> Self {
        let text = format!("CAST({} AS text)", quote(column));
        let condition = format!("length({text}) > {length}");
        let column = column.to_owned();
        Self::new(Harm::TooLong { column, length }, condition)
    }

    /// Every row: there is nothing to put into a new column.
    pub(super) fn nothing_to_put(column: &str) -> Self {
        Self::new(
            Harm::NoValue {
                column: column.to_owned(),
            },
            "1 = 1",
        )
    }

    pub(super) fn check(name: Option<&str>, expression: &str) -> Self {
        let check = name.unwrap_or(expression).to_owned();
        Self::new(Harm::Check { check }, format!("NOT ({expression})"))
    }

    /// Rows that share a key with another one; `rows` is what they are counted in.
    pub(super) fn duplicate(columns: &[String], rows: &str) -> Self {
        let list = spell::list(columns);
        let present: Vec<String> = columns
            .iter()
            .map(|column| format!("{} IS NOT NULL", quote(column)))
            .collect();
        let present = present.join(" AND ");
        let condition = format!(
            "{present} AND ({list}) IN (SELECT {list} FROM {rows} WHERE {present} GROUP BY {list} HAVING count(*) > 1)"
        );
        Self::new(
            Harm::Duplicate {
                columns: columns.to_vec(),
            },
            condition,
        )
    }

    /// Rows that would point at a parent that is not there; `parents` is what they are looked for in.
    pub(super) fn orphan(key: &ForeignKey, parents: &str, parent_columns: &[String]) -> Self {
        let pairs = key.columns.iter().zip(parent_columns);
        let present: Vec<String> = key
            .columns
            .iter()
            .map(|column| format!("{} IS NOT NULL", quote(column)))
            .collect();
        let same: Vec<String> = pairs
            .map(|(own, other)| format!("p.{} = r.{}", quote(other), quote(own)))
            .collect();
        let condition = format!(
            "{} AND NOT EXISTS (SELECT 1 FROM {parents} p WHERE {})",
            present.join(" AND "),
            same.join(" AND ")
        );
        Self::new(
            Harm::Orphan {
                parent: key.parent.clone(),
            },
            condition,
        )
    }
}

/// Counts each doubt among `rows`, and refuses where there is one that is not permitted.
pub(super) async fn refuse(
    connection: &impl ConnectionTrait,
    table: &str,
    rows: &str,
    doubts: &[Doubt],
) -> Result<(), DbErr> {
    if doubts.is_empty() {
        return Ok(());
    }
    // All in one go through the table.
    let counts: Vec<String> = doubts
        .iter()
        .map(|doubt| format!("count(CASE WHEN {} THEN 1 END)", doubt.condition))
        .collect();
    let query = format!("SELECT {} FROM {rows} AS r", counts.join(", "));
    let statement = Statement::from_string(connection.get_database_backend(), query);
    let Some(row) = connection.query_one_raw(statement).await? else {
        // Nothing answers when the statements are only written down.
        return Ok(());
    };
    let mut findings = Vec::new();
    for (index, doubt) in doubts.iter().enumerate() {
        let rows: i64 = row.try_get_by_index(index)?;
        if rows > 0 {
            findings.push(Finding {
                table: table.to_owned(),
                harm: doubt.harm.clone(),
                rows: rows.unsigned_abs(),
            });
        }
    }
    guard::judge(findings)?;
    for doubt in doubts {
        if let Harm::DroppedColumn { column } = &doubt.harm {
            guard::note_counted(table, column);
        }
    }
    Ok(())
}
