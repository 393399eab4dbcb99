//! Expressions and values as what a statement takes for an expression.

use sea_orm::DbBackend;
use sea_orm::sea_query::{Expr, Keyword, Value};

use super::{Scope, literal};
use crate::operation::spell;

impl Scope {
    /// Something that becomes this expression.
    pub(super) fn expression(&mut self, expression: &Expr) -> String {
        match expression {
            Expr::Value(value) => literal_of(value).unwrap_or_else(|| self.keyword(expression)),
            Expr::Constant(value) => match literal_of(value) {
                Some(literal) if !literal.starts_with("Expr") => {
                    format!("Expr::Constant({literal}.into())")
                }
                _ => self.keyword(expression),
            },
            Expr::Keyword(Keyword::Null) => "Expr::null()".to_owned(),
            Expr::Keyword(Keyword::CurrentDate) => "Expr::current_date()".to_owned(),
            Expr::Keyword(Keyword::CurrentTime) => "Expr::current_time()".to_owned(),
            Expr::Keyword(Keyword::CurrentTimestamp) => "Expr::current_timestamp()".to_owned(),
            Expr::Keyword(_) => self.keyword(expression),
            Expr::Custom(text) => format!("Expr::cust({})", literal::text(text)),
            _ => format!(
                "Expr::cust({})",
                self.sql(|backend| spell::expression(backend, expression))
            ),
        }
    }

    /// As it is spelled, and never in brackets.
    fn keyword(&mut self, expression: &Expr) -> String {
        format!(
            "Expr::custom_keyword({})",
            self.sql(|backend| spell::expression(backend, expression))
        )
    }

    /// A text that may be another one on each database.
    pub(super) fn sql(&mut self, spell: impl Fn(DbBackend) -> String) -> String {
        let [sqlite, postgres] = [DbBackend::Sqlite, DbBackend::Postgres].map(spell);
        if sqlite == postgres {
            return literal::text(&sqlite);
        }
        self.imports.insert("sea_orm_migration::sea_orm::DbBackend");
        format!(
            "match manager.get_database_backend() {{\n    DbBackend::Postgres => {},\n    _ => {},\n}}",
            literal::text(&postgres),
            literal::text(&sqlite)
        )
    }
}

/// The value as a literal that is spelled alike, if there is one.
fn literal_of(value: &Value) -> Option<String> {
    let integer = |number: i128| Some(literal::integer(number));
    match value {
        Value::Bool(Some(value)) => Some(value.to_string()),
        Value::TinyInt(Some(number)) => integer((*number).into()),
        Value::SmallInt(Some(number)) => integer((*number).into()),
        Value::Int(Some(number)) => integer((*number).into()),
        Value::BigInt(Some(number)) => integer((*number).into()),
        Value::TinyUnsigned(Some(number)) => integer((*number).into()),
        Value::SmallUnsigned(Some(number)) => integer((*number).into()),
        Value::Unsigned(Some(number)) => integer((*number).into()),
        Value::BigUnsigned(Some(number)) => integer((*number).into()),
        Value::Double(Some(number)) => short(format!("{number:?}")),
        Value::String(Some(text)) => Some(literal::text(text)),
        Value::Bytes(Some(bytes)) if !bytes.is_empty() => Some(literal::bytes(bytes)),
        _ => None,
    }
}

/// A fraction that can be read at a glance.
fn short(number: String) -> Option<String> {
    let is_digits = |text: &str| text.len() <= 4 && text.chars().all(|char| char.is_ascii_digit());
    let (whole, fraction) = number.trim_start_matches('-').split_once('.')?;
    (is_digits(whole) && is_digits(fraction)).then_some(number)
}

/// As a person reads it.
pub(super) fn words(expression: &Expr) -> String {
    spell::expression(DbBackend::Postgres, expression)
}
