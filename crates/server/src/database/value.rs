//! The ORM's values as SQLite stores them, in the very texts that the ORM's own driver writes.

use chrono::{Datelike as _, NaiveDate, SecondsFormat};
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};
use sea_orm::Value;

use crate::json::put_date;

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
            Value::ChronoDate(Some(value)) => text(date(*value)),
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

fn date(date: NaiveDate) -> String {
    if !(0..=9999).contains(&date.year()) {
        return date.to_string();
    }
    let mut digits = *b"0000-00-00";
    put_date(&mut digits, date);
    String::from_utf8_lossy(&digits).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_the_orm_writes_it() {
        for (year, month, day) in [
            (2026, 11, 22),
            (1, 1, 1),
            (9999, 12, 31),
            (-5, 3, 4),
            (12_345, 6, 7),
        ] {
            let given = NaiveDate::from_ymd_opt(year, month, day).unwrap();
            assert_eq!(date(given), given.to_string());
        }
    }
}
