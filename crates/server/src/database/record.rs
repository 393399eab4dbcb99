//! Rows of SQLite as what they stand for, read by position and without a detour.

use chrono::{DateTime, NaiveDate, TimeZone as _, Utc};
use entity::{doctor_vacation, drug, idempotency_key};
use rusqlite::types::{FromSqlError, Type, ValueRef};
use rusqlite::{Error, Row};
use sea_orm::{ActiveEnum, FromQueryResult};

use crate::doctor_vacations::Days;

/// What a row can be read as, its columns in the order of the fields.
pub trait Record: Sized {
    /// Reads the row.
    ///
    /// # Errors
    /// A column holds what its type cannot be.
    fn read(cells: &mut Cells<'_>) -> Result<Self, Error>;

    /// The fields in which it differs from another, each a bit, the first one the lowest.
    fn differing(&self, other: &Self) -> u64;
}

/// The cells of a row, from left to right.
#[derive(Debug)]
pub struct Cells<'r> {
    row: &'r Row<'r>,
    next: usize,
}

/// What a cell can be read as.
pub trait Cell: Sized {
    /// Reads the cell; nothing where it holds something else.
    fn read(value: ValueRef<'_>) -> Option<Self>;
}

/// One whole number, as a count is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Number {
    pub number: i64,
}

impl<'r> Cells<'r> {
    pub(super) fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    /// The next cell.
    ///
    /// # Errors
    /// It holds something else, or there is none.
    pub fn cell<T: Cell>(&mut self) -> Result<T, Error> {
        let value = self.row.get_ref(self.next)?;
        let cell = T::read(value).ok_or_else(|| {
            let kind = value.data_type();
            Error::FromSqlConversionFailure(self.next, kind, Box::new(FromSqlError::InvalidType))
        });
        self.next += 1;
        cell
    }
}

/// Reads the fields in the order of the entity's, which a test holds it to.
macro_rules! record {
    ($model:ty { $($field:ident),+ $(,)? }) => {
        impl Record for $model {
            fn read(cells: &mut Cells<'_>) -> Result<Self, Error> {
                $(let $field = cells.cell()?;)+
                Ok(Self { $($field),+ })
            }

            fn differing(&self, other: &Self) -> u64 {
                let fields = [$(self.$field != other.$field),+];
                fields.iter().rev().fold(0, |bits, differs| bits << 1 | u64::from(*differs))
            }
        }

        #[cfg(test)]
        impl Named for $model {
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),+];
        }
    };
}

/// The names of a record's fields, in the order in which they are read.
#[cfg(test)]
trait Named {
    const NAMES: &'static [&'static str];
}

record!(Number { number });
record!(drug::Model {
    id,
    name,
    dosage_strength,
    unit,
    schedule_type,
    morning_pre_food,
    morning_post_food,
    noon_pre_food,
    noon_post_food,
    evening_pre_food,
    evening_post_food,
    night,
    even_week_pills,
    odd_week_pills,
    start_date,
    end_date,
    current_amount,
    counted_on,
    package_size,
    reorder_lead_days,
    archived,
    run_out_date,
    reorder_date,
    search_text,
    version,
    created_at,
    updated_at,
    instructions,
});
record!(doctor_vacation::Model {
    id,
    start_date,
    end_date,
    notes,
    version,
    created_at,
    updated_at,
});
record!(Days {
    start_date,
    end_date,
});
record!(idempotency_key::Model {
    key,
    fingerprint,
    etag,
    body,
    created_at,
});

impl Cell for i64 {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Integer(number) => Some(number),
            _ => None,
        }
    }
}

impl Cell for i32 {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        i64::read(value)?.try_into().ok()
    }
}

impl Cell for bool {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        i64::read(value).map(|number| number != 0)
    }
}

impl Cell for String {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        text(value).map(str::to_owned)
    }
}

impl Cell for NaiveDate {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        date(digits(value)?)
    }
}

impl Cell for DateTime<Utc> {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        instant(digits(value)?)
    }
}

impl Cell for drug::ScheduleType {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        Self::try_from_value(&text(value)?.to_owned()).ok()
    }
}

impl<T: Cell> Cell for Option<T> {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        match value.data_type() {
            Type::Null => Some(None),
            _ => T::read(value).map(Some),
        }
    }
}

fn text(value: ValueRef<'_>) -> Option<&str> {
    value.as_str().ok()
}

/// A text of digits, which need not be looked through for what is no UTF-8.
fn digits(value: ValueRef<'_>) -> Option<&[u8]> {
    match value {
        ValueRef::Text(text) => Some(text),
        _ => None,
    }
}

/// `2026-11-22`, as the ORM writes it; what is longer or signed goes the long way.
fn date(text: &[u8]) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else {
        return str::from_utf8(text).ok()?.parse().ok();
    };
    let year = number(&[y1, y2, y3, y4])?;
    NaiveDate::from_ymd_opt(
        year.try_into().ok()?,
        number(&[m1, m2])?,
        number(&[d1, d2])?,
    )
}

/// `2026-11-22T07:01:12.345678+00:00`, as the ORM writes it; every other spelling goes the long way.
fn instant(text: &[u8]) -> Option<DateTime<Utc>> {
    fast_instant(text).or_else(|| {
        let text = str::from_utf8(text).ok()?;
        let parsed = DateTime::parse_from_rfc3339(text)
            .or_else(|_| DateTime::parse_from_str(text, "%F %T%.f%:z"));
        if let Ok(instant) = parsed {
            return Some(instant.to_utc());
        }
        let local = text
            .parse()
            .or_else(|_| chrono::NaiveDateTime::parse_from_str(text, "%F %T%.f"));
        Some(Utc.from_utc_datetime(&local.ok()?))
    })
}

fn fast_instant(text: &[u8]) -> Option<DateTime<Utc>> {
    let text = text.strip_suffix(b"+00:00")?;
    let (day, time) = text.split_at_checked(10)?;
    let (clock, fraction) = time.split_at_checked(9)?;
    let [b'T', h1, h2, b':', m1, m2, b':', s1, s2] = *clock else {
        return None;
    };
    let micros = match fraction {
        [] => 0,
        [b'.', digits @ ..] if digits.len() == 3 => number(digits)? * 1000,
        [b'.', digits @ ..] if digits.len() == 6 => number(digits)?,
        _ => return None,
    };
    let time = chrono::NaiveTime::from_hms_micro_opt(
        number(&[h1, h2])?,
        number(&[m1, m2])?,
        number(&[s1, s2])?,
        micros,
    )?;
    Some(date(day)?.and_time(time).and_utc())
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u32::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use sea_orm::{EntityTrait, IdenStatic, Iterable};

    use super::*;

    fn columns<E: EntityTrait>() -> Vec<String> {
        E::Column::iter()
            .map(|column| column.as_str().to_owned())
            .collect()
    }

    #[test]
    fn the_fields_are_read_in_the_order_of_the_columns() {
        assert_eq!(columns::<drug::Entity>(), drug::Model::NAMES);
        assert_eq!(
            columns::<doctor_vacation::Entity>(),
            doctor_vacation::Model::NAMES
        );
        assert_eq!(
            columns::<idempotency_key::Entity>(),
            idempotency_key::Model::NAMES
        );
    }

    #[test]
    fn an_instant_is_read_in_every_spelling_that_sqlite_databases_hold() {
        let expected: DateTime<Utc> = "2026-11-22T07:01:12.5Z".parse().unwrap();
        for text in [
            "2026-11-22T07:01:12.500+00:00",
            "2026-11-22T07:01:12.500000+00:00",
            "2026-11-22T07:01:12.500000000+00:00",
            "2026-11-22T07:01:12.5Z",
            "2026-11-22T08:01:12.5+01:00",
            "2026-11-22 07:01:12.500000+00:00",
            "2026-11-22 07:01:12.5",
            "2026-11-22T07:01:12.5",
        ] {
            assert_eq!(instant(text.as_bytes()), Some(expected), "{text}");
        }
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T25:01:12+00:00",
            "2026-13-22T07:01:12+00:00",
        ] {
            assert_eq!(instant(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_date_is_read_from_its_digits() {
        assert_eq!(date(b"9999-12-31"), NaiveDate::from_ymd_opt(9999, 12, 31));
        assert_eq!(date(b"0001-01-01"), NaiveDate::from_ymd_opt(1, 1, 1));
        for text in ["2026-02-29", "today", "2026/01/01", ""] {
            assert_eq!(date(text.as_bytes()), None, "{text}");
        }
    }
}
