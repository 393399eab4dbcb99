//! The columns of a drug in the order in which every statement here reads them, and their values.

use chrono::NaiveDate;
use domain::Quantity;
use rusqlite::types::{FromSqlError, ValueRef};
use rusqlite::{Error, Row};

/// What stands between SELECT and FROM, and behind RETURNING.
pub(crate) const DRUG: &str = "id, name, dosage_strength, unit, schedule_type, morning_pre_food, morning_post_food, \
     noon_pre_food, noon_post_food, evening_pre_food, evening_post_food, night, even_week_pills, odd_week_pills, \
     start_date, end_date, instructions, current_amount, counted_on, package_size, reorder_lead_days, archived, \
     run_out_date, reorder_date, created_at, updated_at, version, search_text";

pub(crate) const ID: usize = 0;
pub(crate) const NAME: usize = 1;
pub(crate) const DOSAGE_STRENGTH: usize = 2;
pub(crate) const UNIT: usize = 3;
pub(crate) const SCHEDULE_TYPE: usize = 4;
/// The first of the seven doses.
pub(crate) const DOSES: usize = 5;
pub(crate) const EVEN_WEEK_PILLS: usize = 12;
pub(crate) const ODD_WEEK_PILLS: usize = 13;
pub(crate) const START_DATE: usize = 14;
pub(crate) const END_DATE: usize = 15;
pub(crate) const INSTRUCTIONS: usize = 16;
pub(crate) const CURRENT_AMOUNT: usize = 17;
pub(crate) const COUNTED_ON: usize = 18;
pub(crate) const PACKAGE_SIZE: usize = 19;
pub(crate) const REORDER_LEAD_DAYS: usize = 20;
pub(crate) const ARCHIVED: usize = 21;
pub(crate) const RUN_OUT_DATE: usize = 22;
pub(crate) const REORDER_DATE: usize = 23;
pub(crate) const CREATED_AT: usize = 24;
pub(crate) const UPDATED_AT: usize = 25;
pub(crate) const VERSION: usize = 26;
pub(crate) const SEARCH_TEXT: usize = 27;

pub(crate) fn text<'a>(row: &'a Row<'_>, index: usize) -> rusqlite::Result<&'a str> {
    Ok(row.get_ref(index)?.as_str()?)
}

pub(crate) fn optional_text<'a>(
    row: &'a Row<'_>,
    index: usize,
) -> rusqlite::Result<Option<&'a str>> {
    Ok(row.get_ref(index)?.as_str_or_null()?)
}

pub(crate) fn integer(row: &Row<'_>, index: usize) -> rusqlite::Result<i64> {
    Ok(row.get_ref(index)?.as_i64()?)
}

pub(crate) fn optional_integer(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<i64>> {
    Ok(row.get_ref(index)?.as_i64_or_null()?)
}

/// An amount; one that cannot be is an error of the row.
pub(crate) fn quantity(thousandths: i64) -> rusqlite::Result<Quantity> {
    Quantity::from_thousandths(thousandths)
        .map_err(|error| Error::from(FromSqlError::Other(Box::new(error))))
}

/// `2026-11-22`, read by its places.
pub(crate) fn date(value: ValueRef<'_>) -> rusqlite::Result<NaiveDate> {
    let text = value.as_bytes()?;
    parse(text).ok_or_else(|| Error::from(FromSqlError::InvalidType))
}

pub(crate) fn optional_date(value: ValueRef<'_>) -> rusqlite::Result<Option<NaiveDate>> {
    match value {
        ValueRef::Null => Ok(None),
        value => date(value).map(Some),
    }
}

fn parse(text: &[u8]) -> Option<NaiveDate> {
    let number = |places: std::ops::Range<usize>| {
        text[places].iter().try_fold(0_u32, |number, digit| {
            digit
                .is_ascii_digit()
                .then(|| number * 10 + u32::from(digit - b'0'))
        })
    };
    if text.len() != 10 || (text[4], text[7]) != (b'-', b'-') {
        return None;
    }
    let year = i32::try_from(number(0..4)?).ok()?;
    NaiveDate::from_ymd_opt(year, number(5..7)?, number(8..10)?)
}
