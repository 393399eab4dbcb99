//! A driver's error as a sentence that repeats no value from a row.

use sea_orm::{DbErr, RuntimeErr};
use sqlx::postgres::PgDatabaseError;

/// Says why a statement failed.
///
/// PostgreSQL quotes the offending value in the messages of its classes 22 (data) and 23 (constraints), for
/// example `invalid input syntax for type integer: "abc"`. There the place is named instead of the value.
pub(crate) fn reason(error: &DbErr) -> String {
    match sqlx_error(error) {
        Some(sqlx::Error::Database(error)) => match error.try_downcast_ref::<PgDatabaseError>() {
            Some(error) if matches!(error.code().get(..2), Some("22" | "23")) => place(error),
            _ => error.message().to_owned(),
        },
        Some(error) => words(error),
        None => match error {
            DbErr::Custom(text) | DbErr::Migration(text) => text.clone(),
            other => other.to_string(),
        },
    }
}

/// What SQLite, which quotes no value, or the driver says.
pub(crate) fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        other => other.to_string(),
    }
}

/// The error code of the database, such as PostgreSQL's SQLSTATE or SQLite's extended result code.
pub(crate) fn database_code(error: &DbErr) -> Option<String> {
    let error = sqlx_error(error)?.as_database_error()?;
    error.code().map(std::borrow::Cow::into_owned)
}

/// Whether the server never answered, so that it is open what became of the statement.
pub(crate) fn connection_lost(error: &DbErr) -> bool {
    matches!(sqlx_error(error), Some(error) if error.as_database_error().is_none())
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

fn place(error: &PgDatabaseError) -> String {
    let what = match error.code() {
        "22001" => "a value is too long",
        "22003" => "a number is out of range",
        "22012" => "a division by zero",
        "22P02" | "22007" | "22018" => "a value cannot be read as the new type",
        "23502" => "a value is missing where NOT NULL demands one",
        "23503" => "a row would point at a parent that is not there",
        "23505" => "two rows have the same value where it must be unique",
        "23514" => "a row breaks a CHECK",
        code if code.starts_with("23") => "a row breaks a constraint",
        _ => "a value does not fit",
    };
    let mut text = format!("{what} (SQLSTATE {}", error.code());
    for (name, value) in [
        ("table", error.table()),
        ("column", error.column()),
        ("constraint", error.constraint()),
    ] {
        if let Some(value) = value {
            text.extend([", ", name, " ", value]);
        }
    }
    text.push(')');
    text
}
