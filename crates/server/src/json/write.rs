//! How records become JSON: member by member into the bytes of the answer. The names of members are identifiers, in
//! which there is nothing to escape; serde looks through each of them each time, and they are most of the bytes of a
//! page.

use chrono::{DateTime, Datelike, NaiveDate, Timelike as _, Utc};

use super::Amount;

/// What JSON can be made of.
pub trait Json {
    /// Adds this value to the JSON that is there.
    fn write(&self, json: &mut Vec<u8>);
}

/// Writes a record as an object of its members, all of them and in this order.
macro_rules! object {
    ($record:ty { $first:ident, $($member:ident),+ $(,)? }) => {
        impl $crate::json::Json for $record {
            fn write(&self, json: &mut Vec<u8>) {
                let Self { $first, $($member),+ } = self;
                json.extend_from_slice(concat!("{\"", stringify!($first), "\":").as_bytes());
                $crate::json::Json::write($first, json);
                $(
                    json.extend_from_slice(concat!(",\"", stringify!($member), "\":").as_bytes());
                    $crate::json::Json::write($member, json);
                )+
                json.push(b'}');
            }
        }
    };
}
pub(crate) use object;

/// Writes the values that serde writes as they are to be.
macro_rules! as_serde {
    ($($value:ty),+) => {
        $(impl Json for $value {
            fn write(&self, json: &mut Vec<u8>) {
                serde_json::to_writer(json, self).expect("a plain value, and memory takes all of it");
            }
        })+
    };
}
as_serde!(bool, i64, u32, str);

impl Json for String {
    fn write(&self, json: &mut Vec<u8>) {
        self.as_str().write(json);
    }
}

impl<T: Json + ?Sized> Json for &T {
    fn write(&self, json: &mut Vec<u8>) {
        (**self).write(json);
    }
}

impl<T: Json> Json for Option<T> {
    fn write(&self, json: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(json),
            None => json.extend_from_slice(b"null"),
        }
    }
}

/// Units, and as many decimals as it takes.
impl Json for Amount {
    fn write(&self, json: &mut Vec<u8>) {
        let thousandths = self.0.thousandths();
        (thousandths / 1000).write(json);
        let mut rest = u32::try_from(thousandths % 1000).expect("an amount is not negative");
        if rest == 0 {
            return;
        }
        let mut decimals = 3;
        while rest.is_multiple_of(10) {
            rest /= 10;
            decimals -= 1;
        }
        let mut digits = *b".000";
        put(&mut digits[1..=decimals], rest);
        json.extend_from_slice(&digits[..=decimals]);
    }
}

/// `"2026-11-22"`
impl Json for NaiveDate {
    fn write(&self, json: &mut Vec<u8>) {
        let mut text = *b"\"0000-00-00\"";
        put_date(&mut text[1..11], *self);
        json.extend_from_slice(&text);
    }
}

/// RFC 3339 in UTC: in whole seconds, or with three or six digits after them, none of which says nothing.
impl Json for DateTime<Utc> {
    fn write(&self, json: &mut Vec<u8>) {
        let text = instant(*self);
        let micros = self.nanosecond() / 1000 % 1_000_000;
        let length = match micros {
            0 => 19,
            micros if micros.is_multiple_of(1000) => 23,
            _ => 26,
        };
        json.push(b'"');
        json.extend_from_slice(&text[..length]);
        json.extend_from_slice(b"Z\"");
    }
}

/// An instant as `2026-11-22T07:01:12.345678Z`.
pub(crate) fn instant(instant: DateTime<Utc>) -> [u8; 27] {
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    put_date(&mut text[..10], instant.date_naive());
    put(&mut text[11..13], instant.hour());
    put(&mut text[14..16], instant.minute());
    put(&mut text[17..19], instant.second());
    put(&mut text[20..26], instant.nanosecond() / 1000 % 1_000_000);
    text
}

/// Writes a date as `2026-11-22`. Years are those of [`super::YEARS`] and 9999 at most, which stands for never.
pub(crate) fn put_date(text: &mut [u8], date: NaiveDate) {
    put(&mut text[..4], date.year().unsigned_abs());
    put(&mut text[5..7], date.month());
    put(&mut text[8..10], date.day());
}

/// Writes a number into as many digits as there are.
fn put(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("it is one digit");
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use domain::Quantity;

    use super::*;

    fn written(value: &impl Json) -> String {
        let mut json = Vec::new();
        value.write(&mut json);
        String::from_utf8(json).unwrap()
    }

    struct Record {
        name: String,
        at: Option<DateTime<Utc>>,
        on: Option<NaiveDate>,
        count: u32,
        is_new: bool,
    }
    object!(Record {
        name,
        at,
        on,
        count,
        is_new,
    });

    #[test]
    fn a_record_is_an_object_of_its_members() {
        let record = Record {
            name: "\"µ\"\\\n\u{1}\u{2028}😀</script>".to_owned(),
            at: None,
            on: NaiveDate::from_ymd_opt(2028, 2, 29),
            count: 7,
            is_new: false,
        };
        assert_eq!(
            written(&record),
            "{\"name\":\"\\\"µ\\\"\\\\\\n\\u0001\u{2028}😀</script>\",\"at\":null,\"on\":\"2028-02-29\",\
             \"count\":7,\"is_new\":false}"
        );
        let read: serde_json::Value = serde_json::from_str(&written(&record)).unwrap();
        assert_eq!(read["name"], record.name);
    }

    #[test]
    fn dates_and_instants_are_written_as_serde_writes_them() {
        for text in ["0001-01-01", "2026-11-22", "9999-12-31"] {
            let date: NaiveDate = text.parse().unwrap();
            assert_eq!(written(&date), serde_json::to_string(&date).unwrap());
        }
        for text in [
            "2026-11-22T07:01:12Z",
            "2026-11-22T07:01:12.5Z",
            "2026-11-22T07:01:12.000001Z",
            "2026-11-22T07:01:12.123456Z",
            "2026-11-22T07:01:12.120000Z",
            "1969-12-31T23:59:59.999999Z",
        ] {
            let instant: DateTime<Utc> = text.parse().unwrap();
            assert_eq!(written(&instant), serde_json::to_string(&instant).unwrap());
        }
    }

    #[test]
    fn an_amount_is_written_in_the_fewest_digits() {
        for (thousandths, text) in [
            (0, "0"),
            (1, "0.001"),
            (10, "0.01"),
            (100, "0.1"),
            (120, "0.12"),
            (62_500, "62.5"),
            (999_999_999, "999999.999"),
            (1_000_000_000, "1000000"),
        ] {
            let amount = Amount(Quantity::from_thousandths(thousandths).unwrap());
            assert_eq!(written(&amount), text);
        }
    }
}
