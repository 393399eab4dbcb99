//! sea-query's parts in the words of one database.

use sea_orm::DbBackend;
use sea_orm::sea_query::{
    Alias, ColumnDef, ColumnType, Expr, PostgresQueryBuilder, Query, SqliteQueryBuilder, Table,
};

use crate::ddl::quote;
use crate::schema::{Deferral, ForeignKey};

/// The column as this database can have it: PostgreSQL keeps the values of every computed one.
pub(super) fn possible(backend: DbBackend, column: &ColumnDef) -> ColumnDef {
    let mut column = column.clone();
    if backend == DbBackend::Postgres
        && let Some(generated) = column.get_column_spec().generated.clone()
    {
        column.generated(generated.expr, true);
    }
    column
}

/// The definition of a column, as it stands in a `CREATE TABLE`.
pub(crate) fn column(backend: DbBackend, column: &ColumnDef) -> String {
    let mut statement = Table::alter();
    statement.table("t").add_column(possible(backend, column));
    let text = match backend {
        DbBackend::Postgres => statement.to_string(PostgresQueryBuilder),
        _ => statement.to_string(SqliteQueryBuilder),
    };
    text.trim_start_matches("ALTER TABLE \"t\" ADD COLUMN ")
        .to_owned()
}

pub(crate) fn column_type(backend: DbBackend, column_type: &ColumnType) -> String {
    let definition = ColumnDef::new_with_type(Alias::new("c"), column_type.clone());
    column(backend, &definition)
        .trim_start_matches("\"c\"")
        .trim()
        .to_owned()
}

pub(crate) fn expression(backend: DbBackend, expression: &Expr) -> String {
    let query = Query::select().expr(expression.clone()).to_owned();
    let text = match backend {
        DbBackend::Postgres => query.to_string(PostgresQueryBuilder),
        _ => query.to_string(SqliteQueryBuilder),
    };
    text.trim_start_matches("SELECT ").to_owned()
}

/// A value of a DEFAULT; what is no plain value needs brackets.
pub(super) fn default(backend: DbBackend, value: &Expr) -> String {
    let text = expression(backend, value);
    match value {
        Expr::Value(_) | Expr::Keyword(_) => text,
        _ => format!("({text})"),
    }
}

pub(super) fn list(columns: &[String]) -> String {
    let quoted: Vec<String> = columns.iter().map(|column| quote(column)).collect();
    quoted.join(", ")
}

/// `CONSTRAINT "name" `, or nothing.
pub(super) fn constraint(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("CONSTRAINT {} ", quote(name)))
}

/// The foreign key, from `REFERENCES` on.
pub(super) fn references(key: &ForeignKey) -> String {
    let mut text = format!("REFERENCES {}", quote(&key.parent));
    if !key.parent_columns.is_empty() {
        text.extend([" (", &list(&key.parent_columns), ")"]);
    }
    for (on, action) in [("DELETE", key.on_delete), ("UPDATE", key.on_update)] {
        if action != crate::schema::Action::NoAction {
            text.extend([" ON ", on, " ", action.sql()]);
        }
    }
    text.push_str(match key.deferral {
        Deferral::NotDeferrable => "",
        Deferral::InitiallyImmediate => " DEFERRABLE",
        Deferral::InitiallyDeferred => " DEFERRABLE INITIALLY DEFERRED",
    });
    text
}

/// The foreign key as a constraint of the table.
pub(super) fn foreign_key(key: &ForeignKey) -> String {
    format!(
        "{}FOREIGN KEY ({}) {}",
        constraint(key.name.as_deref()),
        list(&key.columns),
        references(key)
    )
}
