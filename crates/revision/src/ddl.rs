//! SQLite's own record of a schema: the `CREATE` texts of `sqlite_schema`, read and edited without losing a word.
//!
//! No PRAGMA tells of a CHECK, a collation, AUTOINCREMENT, the predicate of an index or the name of a constraint;
//! the text does. The same parse serves the reader, which compares, and the rebuild, which edits.

mod clause;
mod create_index;
mod create_table;
mod cursor;
mod edit;
mod normal;
mod token;

pub(crate) use clause::{Clause, KeyPart, Rule};
pub(crate) use create_index::CreateIndex;
pub(crate) use create_table::{ColumnText, CreateTable};
pub(crate) use cursor::{Cursor, split};
pub(crate) use edit::{names, unqualify, words};
pub(crate) use normal::{Names, default_value, normal};
pub(crate) use token::{Token, quote, tokenize};

/// A text of `sqlite_schema` that this parser does not understand, and where it stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

impl From<Malformed> for sea_orm::DbErr {
    fn from(error: Malformed) -> Self {
        Self::Custom(error.0)
    }
}
