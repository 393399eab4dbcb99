//! What must have become of the rows.

use revision::autogenerate::Decisions;
use revision::operation::{Change, Operation};
use revision::schema::{Column, Schema, Table};
use sea_orm::DbBackend;

use super::{Content, ROWID, Row, Rows, has_rowid, is_rowid, literal, plain};

/// The way there, as it was gone.
pub(crate) struct Travelled<'a> {
    pub(crate) operations: &'a [Operation],
    pub(crate) decisions: &'a Decisions,
    pub(crate) before: &'a [Schema],
    pub(crate) after: &'a [Schema],
}

impl Travelled<'_> {
    /// Every value is there again under its name, every row under its rowid, and no id is given again.
    pub(crate) fn keep(&self, before: &Rows, after: &Rows) -> Result<(), String> {
        for (index, tables) in before.0.iter().enumerate() {
            for (name, content) in tables {
                let Some(lived) = self.lived(index, name) else {
                    continue;
                };
                let now = &after.0[index][&lived.new.name];
                lived.same_sequence(content, now)?;
                let kept = lived.kept(|_, after| after.generated.is_none());
                lived.same_rows("up", &content.rows, &now.rows, &kept)?;
            }
        }
        Ok(())
    }

    /// What the way there has not lost is as it was; what it has lost is empty.
    pub(crate) fn come_back(&self, before: &Rows, after: &Rows) -> Result<(), String> {
        for (index, tables) in before.0.iter().enumerate() {
            for (name, content) in tables {
                let now = &after.0[index][name];
                let Some(lived) = self.lived(index, name) else {
                    if now.rows.is_empty() {
                        continue;
                    }
                    return Err(format!("{name} was dropped, and has rows again"));
                };
                if has_counter(lived.new) {
                    lived.same_sequence(content, now)?;
                }
                let is_plain =
                    |old: &Column, new: &Column| old.generated.is_none() && new.generated.is_none();
                let mut kept = lived.kept(is_plain);
                for cell in &mut kept {
                    cell.now.clone_from(&cell.name);
                }
                lived.same_rows("down", &content.rows, &now.rows, &kept)?;
                lived.lost_is_empty(&now.rows)?;
            }
        }
        Ok(())
    }

    /// The table before and after; nothing when it was dropped.
    fn lived(&self, index: usize, table: &str) -> Option<Lived<'_>> {
        let old = &self.before[index].tables[table];
        let mut name = table.to_owned();
        for operation in self.operations {
            if let Operation::RenameTable { from, to } = operation
                && *from == name
            {
                name.clone_from(to);
            }
        }
        Some(Lived {
            travelled: self,
            backend: self.before[index].backend,
            old,
            new: self.after[index].table(&name)?,
        })
    }
}

/// A table on both sides.
struct Lived<'a> {
    travelled: &'a Travelled<'a>,
    backend: DbBackend,
    old: &'a Table,
    new: &'a Table,
}

/// A column that is on both sides.
struct Cell {
    name: String,
    now: String,
    is_retyped: bool,
    /// Whether what was NULL has been given a value.
    is_filled: bool,
}

impl Lived<'_> {
    /// The name from now on of a column.
    fn now(&self, column: &str) -> String {
        let mut name = column.to_owned();
        for operation in self.travelled.operations {
            let Operation::AlterTable(alter) = operation else {
                continue;
            };
            if alter.table != self.new.name {
                continue;
            }
            for change in &alter.changes {
                if let Change::RenameColumn { from, to } = change
                    && *from == name
                {
                    name.clone_from(to);
                }
            }
        }
        name
    }

    fn kept(&self, is_kept: impl Fn(&Column, &Column) -> bool) -> Vec<Cell> {
        let mut cells = Vec::new();
        for old in &self.old.columns {
            let now = self.now(&old.name);
            let Some(new) = self.new.columns.iter().find(|column| column.name == now) else {
                continue;
            };
            if is_kept(old, new) {
                let place = format!("{}.{now}", self.new.name);
                let mut fills = self.travelled.decisions.fills.iter();
                cells.push(Cell {
                    name: old.name.clone(),
                    is_retyped: old.type_ != new.type_,
                    is_filled: fills.any(|(filled, _)| *filled == place),
                    now,
                });
            }
        }
        let alias = |table: &Table| {
            let mut columns = table.columns.iter();
            columns
                .find(|column| is_rowid(table, column))
                .map(|column| column.name.clone())
        };
        let same_alias = alias(self.old).map(|name| self.now(&name)) == alias(self.new);
        let has_rowids = has_rowid(self.old) && has_rowid(self.new);
        if self.backend == DbBackend::Sqlite && has_rowids && same_alias {
            cells.push(Cell {
                name: ROWID.to_owned(),
                now: ROWID.to_owned(),
                is_retyped: false,
                is_filled: false,
            });
        }
        cells
    }

    fn same_rows(
        &self,
        way: &str,
        before: &[Row],
        after: &[Row],
        cells: &[Cell],
    ) -> Result<(), String> {
        let spell = |cell: &Cell, literal: &str| match literal {
            "NULL" => "NULL".to_owned(),
            _ if cell.is_filled => "filled".to_owned(),
            value if cell.is_retyped => plain(value),
            value => value.to_owned(),
        };
        let wanted = before.iter().map(|row| -> Vec<String> {
            let cells = cells.iter();
            cells
                .map(
                    |cell| match spell(cell, &self.renamed(way, &row[&cell.name])) {
                        null if null == "NULL" && cell.is_filled => "filled".to_owned(),
                        value => value,
                    },
                )
                .collect()
        });
        let found = after.iter().map(|row| -> Vec<String> {
            cells
                .iter()
                .map(|cell| spell(cell, &row[&cell.now]))
                .collect()
        });
        let (mut wanted, mut found): (Vec<_>, Vec<_>) = (wanted.collect(), found.collect());
        wanted.sort();
        found.sort();
        if wanted == found {
            return Ok(());
        }
        let names: Vec<&str> = cells.iter().map(|cell| &*cell.name).collect();
        Err(format!(
            "{way} changes the rows of {} on {:?}: {names:?} were {wanted:?}, are {found:?}",
            self.old.name, self.backend
        ))
    }

    /// A value of an enum that has another name from now on.
    fn renamed(&self, way: &str, value: &str) -> String {
        for operation in self.travelled.operations {
            if let Operation::RenameEnumValue { from, to, .. } = operation
                && self.backend == DbBackend::Postgres
                && way == "up"
                && value == literal(from)
            {
                return literal(to);
            }
        }
        value.to_owned()
    }

    fn same_sequence(&self, before: &Content, after: &Content) -> Result<(), String> {
        match (before.sequence, after.sequence) {
            (Some(before), Some(after)) if before != after => Err(format!(
                "the last id of {} was {before}, is {after} on {:?}",
                self.old.name, self.backend
            )),
            _ => Ok(()),
        }
    }

    /// A column that was brought back has its default, NULL, or else what says nothing.
    fn lost_is_empty(&self, rows: &[Row]) -> Result<(), String> {
        let is_lost = |column: &&Column| {
            let now = self.now(&column.name);
            let is_there = self.new.columns.iter().any(|new| new.name == now);
            !is_there && column.generated.is_none() && column.identity.is_none()
        };
        for column in self.old.columns.iter().filter(is_lost) {
            for row in rows {
                let value = &row[&column.name];
                let is_empty = match (&column.default, column.nullable) {
                    (Some(_), _) => value != "NULL",
                    (None, true) => value == "NULL",
                    (None, false) => says_nothing(value),
                };
                if !is_empty {
                    let table = &self.old.name;
                    return Err(format!("{table}.{} came back as {value}", column.name));
                }
            }
        }
        Ok(())
    }
}

/// Whether what is known of the ids that were given could be kept.
fn has_counter(table: &Table) -> bool {
    let key = table.primary_key.as_ref();
    let mut columns = table.columns.iter();
    key.is_some_and(|key| key.autoincrement) || columns.any(|column| column.identity.is_some())
}

fn says_nothing(value: &str) -> bool {
    let text = plain(value);
    ["", "0", "false", "null", "00:00:00"].contains(&&*text)
        || text.starts_with("1970-01-01")
        || text.starts_with("00000000-")
}
