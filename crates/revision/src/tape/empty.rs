//! Answering for a PostgreSQL server that is not there.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    DbBackend, DbErr, ExecResult, MockDatabase, MockDatabaseTrait, MockExecResult, QueryResult,
    Statement, Value,
};

use super::Player;

/// Believes every statement, and has no rows.
#[derive(Default)]
pub(super) struct Empty {
    tables: BTreeSet<String>,
}

impl Player for Empty {
    fn execute(&mut self, statement: &Statement) -> Result<ExecResult, DbErr> {
        self.follow(&statement.sql);
        let done = MockExecResult {
            last_insert_id: 0,
            rows_affected: 0,
        };
        let mock = MockDatabase::new(DbBackend::Postgres).append_exec_results([done]);
        let mut mock = mock;
        mock.execute(0, statement.clone())
    }

    fn query(&mut self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut rows: Vec<BTreeMap<&str, Value>> = Vec::new();
        // The three questions of a SchemaManager.
        for question in ["has_table", "has_column", "has_index"] {
            if statement.sql.contains(&format!("\"{question}\"")) {
                let yes = question == "has_table" && self.knows(statement);
                rows.push(BTreeMap::from([(question, yes.into())]));
            }
        }
        let mut mock = MockDatabase::new(DbBackend::Postgres).append_query_results([rows]);
        mock.query(0, statement.clone())
    }
}

impl Empty {
    fn knows(&self, statement: &Statement) -> bool {
        let values = statement.values.iter().flat_map(|values| &values.0);
        values
            .filter_map(|value| match value {
                Value::String(Some(text)) => Some(text.as_str()),
                _ => None,
            })
            .any(|name| self.tables.contains(name))
    }

    /// Keeps track of the tables that come and go.
    fn follow(&mut self, sql: &str) {
        let words: Vec<&str> = sql
            .split(|c: char| c.is_whitespace() || c == '(' || c == ';')
            .filter(|word| !word.is_empty())
            .take(7)
            .collect();
        let upper: Vec<String> = words.iter().map(|word| word.to_ascii_uppercase()).collect();
        let upper: Vec<&str> = upper.iter().map(String::as_str).collect();
        let name = |at: usize| words.get(at).map(|name| bare(name));
        match upper[..] {
            ["CREATE", "TABLE", "IF", "NOT", "EXISTS", ..] => self.tables.extend(name(5)),
            ["CREATE", "TABLE", ..] => self.tables.extend(name(2)),
            ["DROP", "TABLE", "IF", "EXISTS", ..] => self.forget(name(4)),
            ["DROP", "TABLE", ..] => self.forget(name(2)),
            ["ALTER", "TABLE", _, "RENAME", "TO", ..] => {
                self.forget(name(2));
                self.tables.extend(name(5));
            }
            _ => {}
        }
    }

    fn forget(&mut self, name: Option<String>) {
        if let Some(name) = name {
            self.tables.remove(&name);
        }
    }
}

/// The name without its schema and its quotes.
fn bare(name: &str) -> String {
    let name = name.rsplit('.').next().unwrap_or(name);
    match name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'))
    {
        Some(quoted) => quoted.to_owned(),
        None => name.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::Empty;

    #[test]
    fn tables_come_and_go() {
        let mut empty = Empty::default();
        for sql in [
            "CREATE TABLE \"drugs\" ( \"id\" bigint )",
            "create table if not exists Notes(id int)",
            "CREATE TABLE public.gone (id int)",
            "DROP TABLE IF EXISTS gone",
            "ALTER TABLE \"drugs\" RENAME TO \"medicines\"",
        ] {
            empty.follow(sql);
        }
        let tables: Vec<&str> = empty.tables.iter().map(String::as_str).collect();
        assert_eq!(tables, ["medicines", "notes"]);
    }
}
