//! Queries that are asked all the time: their text is made once, by the ORM.

use std::sync::OnceLock;

use sea_orm::sea_query::SelectStatement;
use sea_orm::{DbBackend, StatementBuilder};

/// A query that differs from time to time in its values alone, in the order in which its text names them.
#[derive(Debug)]
pub struct Query {
    make: fn() -> SelectStatement,
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
}

impl Query {
    /// The query that `make` makes with whatever values.
    pub const fn new(make: fn() -> SelectStatement) -> Self {
        Self {
            make,
            sqlite: OnceLock::new(),
            postgres: OnceLock::new(),
        }
    }

    pub(super) fn text(&self, backend: DbBackend) -> &str {
        let text = match backend {
            DbBackend::Postgres => &self.postgres,
            _ => &self.sqlite,
        };
        text.get_or_init(|| StatementBuilder::build(&(self.make)(), &backend).sql)
    }
}
