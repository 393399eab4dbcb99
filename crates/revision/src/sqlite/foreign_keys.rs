//! The check before COMMIT: no row may have lost its parent.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

use crate::error::{Error, Orphans};

/// The rows without a parent that were there before a migration: they are not its fault.
pub(super) struct Violations {
    /// How many, by table and parent.
    counts: BTreeMap<(String, String), u64>,
}

impl Violations {
    /// Counts the rows that point at a missing parent.
    pub(super) async fn read(connection: &impl ConnectionTrait) -> Result<Self, Error> {
        let query =
            "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2";
        let mut counts = BTreeMap::new();
        for row in rows(connection, query).await? {
            let (table, parent, count): (String, String, i64) =
                row.try_get_many_by_index().map_err(failed)?;
            counts.insert((table, parent), count.unsigned_abs());
        }
        Ok(Self { counts })
    }

    /// Refuses to commit when more rows have lost their parent than before.
    pub(super) async fn refuse_new(&self, connection: &impl ConnectionTrait) -> Result<(), Error> {
        let after = Self::read(connection).await?;
        if after.counts.is_empty() {
            return Ok(());
        }
        let mut tables = BTreeSet::new();
        for row in rows(
            connection,
            "SELECT name FROM sqlite_schema WHERE type = 'table'",
        )
        .await?
        {
            tables.insert(row.try_get_by_index(0).map_err(failed)?);
        }
        let orphans = self.new_ones(&after, &tables);
        if orphans.is_empty() {
            Ok(())
        } else {
            Err(Error::Orphaned { orphans })
        }
    }

    /// A table that was renamed takes its old orphans along: what was counted for a name that is gone may be
    /// found under a name that had none.
    fn new_ones(&self, after: &Self, tables: &BTreeSet<String>) -> Vec<Orphans> {
        let gone = |(table, parent): &(String, String)| {
            let stays = tables.contains(table) && tables.contains(parent);
            !stays && !after.counts.contains_key(&(table.clone(), parent.clone()))
        };
        let mut moved: u64 = (self.counts.iter())
            .filter(|(key, _)| gone(key))
            .map(|(_, count)| count)
            .sum();
        let mut orphans = Vec::new();
        for (key, count) in &after.counts {
            let known = self.counts.get(key).copied();
            let mut rows = count.saturating_sub(known.unwrap_or(0));
            if known.is_none() {
                let taken = rows.min(moved);
                moved -= taken;
                rows -= taken;
            }
            if rows > 0 {
                let (table, parent) = key.clone();
                orphans.push(Orphans {
                    table,
                    parent,
                    rows,
                });
            }
        }
        orphans
    }
}

async fn rows(connection: &impl ConnectionTrait, query: &str) -> Result<Vec<QueryResult>, Error> {
    let statement = Statement::from_string(DbBackend::Sqlite, query);
    connection.query_all_raw(statement).await.map_err(failed)
}

fn failed(error: sea_orm::DbErr) -> Error {
    Error::database("Checking the foreign keys")(error)
}

#[cfg(test)]
mod tests {
    use super::Violations;

    fn violations(counts: &[(&str, &str, u64)]) -> Violations {
        let counts = counts.iter();
        Violations {
            counts: counts
                .map(|(table, parent, count)| (((*table).to_owned(), (*parent).to_owned()), *count))
                .collect(),
        }
    }

    fn new_ones(
        before: &[(&str, &str, u64)],
        after: &[(&str, &str, u64)],
        tables: &[&str],
    ) -> Vec<String> {
        let tables = tables.iter().map(|table| (*table).to_owned()).collect();
        let orphans = violations(before).new_ones(&violations(after), &tables);
        let each = orphans.iter();
        each.map(|one| format!("{} {}", one.rows, one.table))
            .collect()
    }

    #[test]
    fn a_renamed_table_takes_its_old_orphans_along() {
        let before = [("note", "folder", 2)];
        let same = new_ones(&before, &[("page", "folder", 2)], &["page", "folder"]);
        assert!(same.is_empty());
        let more = new_ones(&before, &[("page", "folder", 3)], &["page", "folder"]);
        assert_eq!(more, ["1 page"]);
        let parent = new_ones(&before, &[("note", "box", 2)], &["note", "box"]);
        assert!(parent.is_empty());
    }

    #[test]
    fn orphans_that_were_cleared_away_excuse_no_others() {
        let before = [("note", "folder", 2)];
        let other = new_ones(&before, &[("tag", "note", 2)], &["note", "folder", "tag"]);
        assert_eq!(other, ["2 tag"]);
    }
}
