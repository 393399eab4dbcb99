//! JSON values of the API: what is read from their text.
//!
//! A number is read from the digits that were sent. It never passes through a binary float, in which
//! 0.1 + 0.2 is not 0.3.

mod write;

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate};
use domain::Quantity;
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::{PartialSchema, ToSchema};

pub use self::write::Json;
pub(crate) use self::write::{instant, object, put_date};

/// An amount in units of the drug: a JSON number with at most three decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub Quantity);

/// The years that a date may lie in; others are slips of the finger.
pub const YEARS: std::ops::RangeInclusive<i32> = 1900..=2199;

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        RefOr::T(Schema::Object(amount_number(0.0)))
    }
}

impl ToSchema for Amount {
    fn name() -> Cow<'static, str> {
        "Amount".into()
    }
}

fn amount_number(minimum: f64) -> utoipa::openapi::Object {
    ObjectBuilder::new()
        .schema_type(Type::Number)
        .minimum(Some(minimum))
        .maximum(Some(1_000_000.0))
        .multiple_of(Some(0.001))
        .description(Some(
            "An amount in units of the drug, exact to the thousandth.",
        ))
        .build()
}

/// The schema of an amount in a request: a number, or a string with the same digits.
pub fn amount_in() -> RefOr<Schema> {
    amount_in_from(0.0)
}

/// The schema of an amount in a request that is more than nothing.
pub fn positive_amount_in() -> RefOr<Schema> {
    amount_in_from(0.001)
}

fn amount_in_from(minimum: f64) -> RefOr<Schema> {
    let zero = if minimum > 0.0 { r"(?!0+(\.0+)?$)" } else { "" };
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(format!(
            r"^{zero}((0|[1-9][0-9]{{0,5}})(\.[0-9]{{1,3}})?|1000000(\.0{{1,3}})?)$"
        )));
    RefOr::T(
        AnyOfBuilder::new()
            .item(amount_number(minimum))
            .item(text)
            .description(Some(
                "An amount in units of the drug, as a number or as text, with at most 3 decimals.",
            ))
            .into(),
    )
}

/// The schema of a date in a request.
pub fn date_in() -> RefOr<Schema> {
    RefOr::T(
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
            .pattern(Some(r"^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"))
            .description(Some("A calendar date from 1900-01-01 to 2199-12-31."))
            .into(),
    )
}

/// Reads an amount of zero or more.
pub fn amount(raw: &RawValue) -> Result<Amount, String> {
    let text = match raw.get().as_bytes()[0] {
        b'"' => Cow::Owned(string(raw)?),
        b'-' | b'0'..=b'9' => Cow::Borrowed(raw.get()),
        _ => return Err(format!("must be a number, not {}", kind(raw))),
    };
    text.parse()
        .map(Amount)
        .map_err(|error: domain::QuantityError| error.to_string())
}

/// Reads an amount of more than zero.
pub fn positive_amount(raw: &RawValue) -> Result<Amount, String> {
    let amount = amount(raw)?;
    if amount.0 == Quantity::ZERO {
        Err("must be more than 0".into())
    } else {
        Ok(amount)
    }
}

/// Reads a whole number in a range.
pub fn integer<T>(range: std::ops::RangeInclusive<T>) -> impl Fn(&RawValue) -> Result<T, String>
where
    T: serde::de::DeserializeOwned + PartialOrd + std::fmt::Display,
{
    move |raw| {
        let allowed = || {
            format!(
                "must be a whole number from {} to {}",
                range.start(),
                range.end()
            )
        };
        let number: T = serde_json::from_str(raw.get()).map_err(|_| allowed())?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(allowed())
        }
    }
}

/// Reads `true` or `false`.
pub fn boolean(raw: &RawValue) -> Result<bool, String> {
    serde_json::from_str(raw.get()).map_err(|_| format!("must be true or false, not {}", kind(raw)))
}

/// Reads a calendar date, `YYYY-MM-DD`.
pub fn date(raw: &RawValue) -> Result<NaiveDate, String> {
    parse_date(&string(raw)?)
}

/// Reads a calendar date from its text.
pub fn parse_date(text: &str) -> Result<NaiveDate, String> {
    let date = (text.len() == 10)
        .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
        .flatten()
        .ok_or_else(|| {
            format!(
                "`{}` is not a date; write it as 2026-11-22",
                shortened(text)
            )
        })?;
    if YEARS.contains(&date.year()) {
        Ok(date)
    } else {
        Err(format!(
            "must lie in the years {} to {}",
            YEARS.start(),
            YEARS.end()
        ))
    }
}

/// Reads a string with a rule of the domain for what it may hold.
pub fn text(
    rule: impl Fn(&str) -> Result<String, domain::TextError>,
) -> impl Fn(&RawValue) -> Result<String, String> {
    move |raw| rule(&string(raw)?).map_err(|error| error.to_string())
}

/// Reads a string that may be left blank, which then counts as absent.
pub fn blank_or(
    rule: impl Fn(&str) -> Result<String, domain::TextError>,
) -> impl Fn(&RawValue) -> Result<Option<String>, String> {
    move |raw| {
        let value = string(raw)?;
        if value.trim().is_empty() {
            return Ok(None);
        }
        rule(&value).map(Some).map_err(|error| error.to_string())
    }
}

/// Reads a value that may also be none.
pub fn some<T>(
    parse: impl Fn(&RawValue) -> Result<T, String>,
) -> impl Fn(&RawValue) -> Result<Option<T>, String> {
    move |raw| parse(raw).map(Some)
}

/// Reads a string as it stands.
pub fn string(raw: &RawValue) -> Result<String, String> {
    if !raw.get().starts_with('"') {
        return Err(format!("must be a string, not {}", kind(raw)));
    }
    serde_json::from_str(raw.get()).map_err(|_| "must be a string of valid Unicode".into())
}

/// At most 40 characters of a refused value, for a message.
pub fn shortened(value: &str) -> String {
    let mut chars = value.chars();
    let mut short: String = chars.by_ref().take(40).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

fn kind(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes()[0] {
        b'"' => "a string",
        b'{' => "an object",
        b'[' => "an array",
        b't' | b'f' => "a boolean",
        b'n' => "null",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(amount: Amount) -> String {
        let mut json = Vec::new();
        amount.write(&mut json);
        String::from_utf8(json).unwrap()
    }

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_amount_is_read_from_its_digits_and_written_back_the_same() {
        for (sent, text) in [
            ("62.5", "62.5"),
            ("0.3", "0.3"),
            ("\"0.125\"", "0.125"),
            ("3.0", "3"),
            ("1000000", "1000000"),
            ("999999.999", "999999.999"),
            ("0.001", "0.001"),
        ] {
            let amount = amount(&raw(sent)).unwrap();
            assert_eq!(written(amount), text);
        }
    }

    #[test]
    fn every_thousandth_below_a_thousand_units_survives_the_way_out_and_in() {
        for thousandths in 0..1_000_000 {
            let given = Amount(Quantity::from_thousandths(thousandths).unwrap());
            let text = written(given);
            assert_eq!(amount(&raw(&text)).unwrap(), given, "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_with_a_reason() {
        for sent in [
            "-1", "1e2", "0.0001", "1000001", "true", "null", "[]", "\"\"", "\"1,5\"", "\"NaN\"",
        ] {
            let reason = amount(&raw(sent)).unwrap_err();
            assert!(
                reason.starts_with("must") || reason.contains("must"),
                "{sent}: {reason}"
            );
        }
        assert_eq!(
            positive_amount(&raw("0.000")).unwrap_err(),
            "must be more than 0"
        );
    }

    #[test]
    fn a_date_has_ten_characters_and_lies_in_a_sensible_year() {
        assert!(date(&raw("\"2028-02-29\"")).is_ok());
        for sent in [
            "\"2027-02-29\"",
            "\"2026-1-1\"",
            "\"20260101\"",
            "\"0206-01-01\"",
            "20260101",
            "\"2026-01-01T00:00:00Z\"",
        ] {
            assert!(date(&raw(sent)).is_err(), "{sent}");
        }
    }
}
