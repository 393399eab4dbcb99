//! What no schema tells: which name took the place of which, and what goes into a column that must not be empty.

use std::collections::BTreeMap;
use std::fmt;

use sea_orm::DbBackend;
use sea_orm::sea_query::{ColumnDef, ColumnType};

use super::words::Words;
use crate::declared::Declared;
use crate::error::Error;
use crate::operation::{Change, Operation};

/// What somebody has decided about a migration that is to be written.
///
/// A place is spelled `drug`, `drug.note`, or `route.oral` for a value of an enum.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// Places, each with its new name: `("drug.title", "name")`.
    pub renames: Vec<(String, String)>,
    /// Places that are really to be dropped, though something new could be the same under another name.
    pub drops: Vec<String>,
    /// Columns, each with the SQL expression that fills it in the rows that are there: `("drug.note", "''")`.
    pub fills: Vec<(String, String)>,
    /// Tables that are somebody else's; `*` stands for any letters.
    pub left_out: Vec<String>,
}

/// Something that must be decided before the migration can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// A place is gone, and others are new: one of them may be the same under another name.
    Renamed {
        /// Where: `drug`, `drug.title`, `route.oral`.
        place: String,
        /// What may have become of it, the likeliest first.
        candidates: Vec<String>,
    },
    /// A column must not be NULL, and there is nothing to put into the rows that are there.
    Fill {
        /// Which: `drug.note`.
        place: String,
        /// Its type, as PostgreSQL spells it.
        column_type: String,
    },
}

impl Question {
    /// What to add to the command, one way to go on in each.
    pub fn ways(&self) -> Vec<String> {
        match self {
            Self::Renamed { place, candidates } => {
                let renames = candidates.iter();
                let mut ways: Vec<String> = renames
                    .map(|candidate| format!("--rename {place}:{candidate}"))
                    .collect();
                ways.push(format!("--drop {place}"));
                ways
            }
            Self::Fill { place, .. } => vec![format!("--default \"{place}=…\"")],
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Renamed { place, candidates } => write!(
                f,
                "{place} is gone: was it renamed to {}, or is it dropped with what is in it?",
                candidates.join(" or ")
            ),
            Self::Fill { place, column_type } => write!(
                f,
                "{place} ({column_type}) must not be NULL: what goes into the rows that are there?"
            ),
        }
    }
}

/// What is known of two schemas beside what SQLite tells.
#[derive(Clone, Debug, Default)]
pub struct Known {
    types: BTreeMap<(String, String), ColumnType>,
    /// Tables, with the name that each had before.
    pub(super) former_tables: Vec<(String, String)>,
    /// Tables and columns, with the name that each had before.
    pub(super) former_columns: Vec<(String, String, String)>,
    pub(super) words: Words,
    /// Of the schema before.
    pub(super) words_before: Words,
}

impl Known {
    /// Everything that is declared.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when an entity has a type that SQLite lacks.
    pub fn of(declared: &Declared) -> Result<Self, Error> {
        let mut known = Self::default();
        for parts in declared.parts(DbBackend::Sqlite)? {
            let table = &parts.create.table;
            for column in &parts.create.columns {
                known.column(table, column);
            }
            for (column, former) in parts.renamed {
                known.former_columns.push((table.clone(), column, former));
            }
        }
        for details in declared.all_details() {
            if let Some(former) = &details.renamed_from {
                let table = details.table.clone();
                known.former_tables.push((table, former.clone()));
            }
            for change in details.changes() {
                if let Change::AddColumn { column, .. } = change {
                    known.column(&details.table, column);
                }
            }
        }
        Ok(known)
    }

    /// What is known of the schema before, once the operations have renamed what they rename.
    pub(super) fn before(&self, renames: &[Operation]) -> Self {
        Self {
            words: self.words_before.clone().renamed(renames),
            ..Self::default()
        }
    }

    fn column(&mut self, table: &str, column: &ColumnDef) {
        if let Some(column_type) = column.get_column_type() {
            let place = (table.to_owned(), column.get_column_name());
            self.types.insert(place, column_type.clone());
        }
    }

    /// The type of a column, as its entity says it.
    pub(super) fn type_of(&self, table: &str, column: &str) -> Option<&ColumnType> {
        self.types.get(&(table.to_owned(), column.to_owned()))
    }
}
