//! `CREATE INDEX`, as SQLite keeps it and PostgreSQL prints it.

use super::cursor::Cursor;
use super::token::{Token, tokenize};
use super::{KeyPart, Malformed};

/// An index's text in its parts.
#[derive(Debug, Clone)]
pub(crate) struct CreateIndex {
    pub(crate) unique: bool,
    /// Behind `USING`; PostgreSQL only.
    pub(crate) method: Option<String>,
    pub(crate) keys: Vec<KeyPart>,
    /// Between the columns and `WHERE`: `INCLUDE (…)`, `NULLS NOT DISTINCT`; PostgreSQL only.
    pub(crate) extra: Vec<Token>,
    /// Behind `WHERE`; empty when there is none.
    pub(crate) predicate: Vec<Token>,
}

impl CreateIndex {
    pub(crate) fn parse(sql: &str) -> Result<Self, Malformed> {
        let (tokens, _) = tokenize(sql)?;
        let mut cursor = Cursor::new(&tokens);
        if !cursor.eat(&["CREATE"]) {
            return Err(cursor.stuck("CREATE"));
        }
        let unique = cursor.eat(&["UNIQUE"]);
        if !cursor.eat(&["INDEX"]) {
            return Err(cursor.stuck("INDEX"));
        }
        cursor.name()?;
        if !cursor.eat(&["ON"]) {
            return Err(cursor.stuck("ON"));
        }
        cursor.eat(&["ONLY"]);
        cursor.name()?;
        let method = if cursor.eat(&["USING"]) {
            Some(cursor.name()?)
        } else {
            None
        };
        let keys = cursor.keys()?;
        let rest = cursor.rest();
        let end = rest.iter().position(|token| token.is("WHERE"));
        let (extra, predicate) = match end {
            Some(end) => (rest[..end].to_vec(), rest[end + 1..].to_vec()),
            None => (rest.to_vec(), Vec::new()),
        };
        Ok(Self {
            unique,
            method,
            keys,
            extra,
            predicate,
        })
    }
}
