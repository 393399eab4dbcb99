//! The ORM's values as SQLite stores them, in the very texts that the ORM's own driver writes.

use chrono::SecondsFormat;
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};
use sea_orm::Value;

/// A value on its way into a statement.
pub(super) struct Parameter<'v>(pub(super) &'v Value);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let integer = |number: i64| ToSqlOutput::Owned(Stored::Integer(number));
        let text = |text: String| ToSqlOutput::Owned(Stored::Text(text));
        Ok(match self.0 {
            Value::Bool(Some(value)) => integer((*value).into()),
            Value::Int(Some(value)) => integer((*value).into()),
            Value::BigInt(Some(value)) => integer(*value),
            Value::BigUnsigned(Some(value)) => {
                let signed = i64::try_from(*value);
                integer(
                    signed
                        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?,
                )
            }
            Value::String(Some(value)) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Value::ChronoDate(Some(value)) => text(value.to_string()),
            Value::ChronoDateTimeUtc(Some(value)) => {
                text(value.to_rfc3339_opts(SecondsFormat::AutoSi, false))
            }
            value if *value == value.as_null() => ToSqlOutput::Owned(Stored::Null),
            value => {
                let refused = format!("no column of this program holds {value:?}");
                return Err(rusqlite::Error::ToSqlConversionFailure(refused.into()));
            }
        })
    }
}
