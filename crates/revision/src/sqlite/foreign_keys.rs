//! The check before COMMIT: no row may have lost its parent.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::error::{Error, Orphans};

/// Rows without a parent, counted by table and parent.
pub(super) type Violations = BTreeMap<(String, String), u64>;

/// Counts the rows that point at a missing parent.
pub(super) async fn violations(connection: &impl ConnectionTrait) -> Result<Violations, Error> {
    let doing = Error::database;
    let statement = Statement::from_string(
        DbBackend::Sqlite,
        "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2",
    );
    let rows = connection
        .query_all_raw(statement)
        .await
        .map_err(doing("Checking the foreign keys"))?;
    let mut violations = Violations::new();
    for row in rows {
        let (table, parent, count): (String, String, i64) = row
            .try_get_many_by_index()
            .map_err(doing("Checking the foreign keys"))?;
        violations.insert((table, parent), count.unsigned_abs());
    }
    Ok(violations)
}

/// Refuses to commit when a table has more rows without a parent than before.
pub(super) async fn refuse_new(
    connection: &impl ConnectionTrait,
    before: &Violations,
) -> Result<(), Error> {
    let mut orphans = Vec::new();
    for ((table, parent), after) in violations(connection).await? {
        let key = (table, parent);
        let rows = after.saturating_sub(before.get(&key).copied().unwrap_or(0));
        let (table, parent) = key;
        if rows > 0 {
            orphans.push(Orphans {
                table,
                parent,
                rows,
            });
        }
    }
    if orphans.is_empty() {
        Ok(())
    } else {
        Err(Error::Orphaned { orphans })
    }
}
