//! A row of `drugs` as the JSON of the API, from SQLite's memory into the answer's bytes.

use std::hash::{DefaultHasher, Hasher};

use chrono::{Datelike, NaiveDate};
use domain::{Absences, Doses, Projection, Quantity, Schedule, Stock, Therapy, WeekParity};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::column;

const DOSE_NAMES: [&str; 7] = [
    "morning_pre_food",
    "morning_post_food",
    "noon_pre_food",
    "noon_post_food",
    "evening_pre_food",
    "evening_post_food",
    "night",
];

/// The day on which an answer is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Day<'a> {
    pub(crate) today: NaiveDate,
    pub(crate) absences: &'a Absences,
}

/// A drug's JSON, and its entity tag.
#[derive(Debug)]
pub(crate) struct Drug {
    pub(crate) body: Vec<u8>,
    pub(crate) etag: String,
}

impl Drug {
    pub(crate) fn of(row: &Row<'_>, day: Day<'_>) -> rusqlite::Result<Self> {
        let mut body = Vec::with_capacity(1024);
        write_drug(&mut body, row, day)?;
        let mut hasher = DefaultHasher::new();
        hasher.write(&body);
        let version = column::integer(row, column::VERSION)?;
        let etag = format!("\"{version}-{:016x}\"", hasher.finish());
        Ok(Self { body, etag })
    }
}

/// The stock in a row, its therapy and its lead time.
pub(crate) fn rules(row: &Row<'_>) -> rusqlite::Result<(Stock, Therapy, u32)> {
    let dose = |place| column::quantity(column::integer(row, column::DOSES + place)?);
    let doses = Doses {
        morning_pre_food: dose(0)?,
        morning_post_food: dose(1)?,
        noon_pre_food: dose(2)?,
        noon_post_food: dose(3)?,
        evening_pre_food: dose(4)?,
        evening_post_food: dose(5)?,
        night: dose(6)?,
    };
    let pills = |index| -> rusqlite::Result<Quantity> {
        column::quantity(column::optional_integer(row, index)?.unwrap_or(0))
    };
    let stock = Stock {
        counted_amount: column::quantity(column::integer(row, column::CURRENT_AMOUNT)?)?,
        counted_on: column::date(row.get_ref(column::COUNTED_ON)?)?,
    };
    let therapy = Therapy {
        schedule: match column::text(row, column::SCHEDULE_TYPE)? {
            "daily" => Schedule::Daily(doses),
            "weekly_alternating" => Schedule::WeeklyAlternating {
                doses,
                even_week_pills: pills(column::EVEN_WEEK_PILLS)?,
                odd_week_pills: pills(column::ODD_WEEK_PILLS)?,
            },
            _ => Schedule::AsNeeded(doses),
        },
        start_date: column::optional_date(row.get_ref(column::START_DATE)?)?,
        end_date: column::optional_date(row.get_ref(column::END_DATE)?)?,
        archived: column::integer(row, column::ARCHIVED)? != 0,
    };
    let lead = u32::try_from(column::integer(row, column::REORDER_LEAD_DAYS)?).unwrap_or(0);
    Ok((stock, therapy, lead))
}

/// Writes a drug as it stands on a day.
pub(crate) fn write_drug(out: &mut Vec<u8>, row: &Row<'_>, day: Day<'_>) -> rusqlite::Result<()> {
    let (stock, therapy, _) = rules(row)?;
    let projection = Projection {
        run_out_date: column::date(row.get_ref(column::RUN_OUT_DATE)?)?,
        reorder_date: column::date(row.get_ref(column::REORDER_DATE)?)?,
    };
    let outlook = stock.outlook_from(projection, &therapy, day.absences, day.today);

    out.extend_from_slice(b"{\"id\":");
    integer(out, column::integer(row, column::ID)?);
    member(out, "name");
    string(out, column::text(row, column::NAME)?);
    member(out, "dosage_strength");
    optional(
        out,
        column::optional_text(row, column::DOSAGE_STRENGTH)?,
        string,
    );
    member(out, "unit");
    string(out, column::text(row, column::UNIT)?);
    member(out, "schedule_type");
    let schedule = column::text(row, column::SCHEDULE_TYPE)?;
    quoted(out, schedule.as_bytes());
    for (place, name) in DOSE_NAMES.into_iter().enumerate() {
        member(out, name);
        amount(out, column::integer(row, column::DOSES + place)?);
    }
    let even = column::optional_integer(row, column::EVEN_WEEK_PILLS)?;
    let odd = column::optional_integer(row, column::ODD_WEEK_PILLS)?;
    member(out, "even_week_pills");
    optional(out, even, amount);
    member(out, "odd_week_pills");
    optional(out, odd, amount);
    // A stored date is written as its text stands.
    member(out, "start_date");
    stored_date(out, row.get_ref(column::START_DATE)?)?;
    member(out, "end_date");
    stored_date(out, row.get_ref(column::END_DATE)?)?;
    member(out, "instructions");
    optional(
        out,
        column::optional_text(row, column::INSTRUCTIONS)?,
        string,
    );
    member(out, "current_amount");
    amount(out, outlook.current_amount.thousandths());
    member(out, "counted_on");
    stored_date(out, row.get_ref(column::COUNTED_ON)?)?;
    member(out, "package_size");
    amount(out, column::integer(row, column::PACKAGE_SIZE)?);
    member(out, "reorder_lead_days");
    integer(out, column::integer(row, column::REORDER_LEAD_DAYS)?);
    member(out, "archived");
    boolean(out, therapy.archived);
    member(out, "days_remaining");
    optional(out, outlook.days_remaining.map(i64::from), integer);
    member(out, "weeks_remaining");
    optional(out, outlook.weeks_remaining.map(i64::from), integer);
    member(out, "run_out_date");
    optional(out, outlook.run_out_date, date);
    member(out, "order_by");
    optional(out, outlook.order_by, date);
    member(out, "needs_reorder");
    boolean(out, outlook.needs_reorder);
    let parity = WeekParity::of(day.today);
    let alternates = schedule == "weekly_alternating";
    member(out, "current_week_type");
    optional(out, alternates.then(|| parity.as_str().as_bytes()), quoted);
    member(out, "current_week_pills");
    let pills = match parity {
        WeekParity::Even => even,
        WeekParity::Odd => odd,
    };
    optional(out, pills, amount);
    member(out, "doctor_away");
    optional(out, outlook.doctor_away, |out, away| {
        out.extend_from_slice(b"{\"returns_on\":");
        date(out, away.returns_on);
        member(out, "days_without_drug");
        integer(out, away.days_without_drug.into());
        out.push(b'}');
    });
    member(out, "created_at");
    instant(out, column::text(row, column::CREATED_AT)?);
    member(out, "updated_at");
    instant(out, column::text(row, column::UPDATED_AT)?);
    out.push(b'}');
    Ok(())
}

fn member(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn optional<T>(out: &mut Vec<u8>, value: Option<T>, write: impl Fn(&mut Vec<u8>, T)) {
    match value {
        Some(value) => write(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

fn integer(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn boolean(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// An amount in units: at most three decimals, none for a whole one.
fn amount(out: &mut Vec<u8>, thousandths: i64) {
    integer(out, thousandths / 1000);
    let mut rest = thousandths % 1000;
    if rest == 0 {
        return;
    }
    out.push(b'.');
    let mut unit = 100;
    while rest > 0 {
        out.push(digit(rest / unit));
        rest %= unit;
        unit /= 10;
    }
}

fn quoted(out: &mut Vec<u8>, plain: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(plain);
    out.push(b'"');
}

/// A text; most have nothing to escape and are copied as they are.
fn string(out: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    if text.as_bytes().iter().all(is_plain) {
        quoted(out, text.as_bytes());
    } else {
        serde_json::to_writer(out, text).expect("a text is written into memory");
    }
}

fn stored_date(out: &mut Vec<u8>, value: ValueRef<'_>) -> rusqlite::Result<()> {
    optional(out, value.as_str_or_null()?.map(str::as_bytes), quoted);
    Ok(())
}

fn date(out: &mut Vec<u8>, date: NaiveDate) {
    let (year, month, day) = (date.year().into(), date.month().into(), date.day().into());
    let mut text = *b"\"0000-00-00\"";
    for (place, number, unit) in [
        (1, year, 1000),
        (2, year, 100),
        (3, year, 10),
        (4, year, 1),
        (6, month, 10),
        (7, month, 1),
        (9, day, 10),
        (10, day, 1),
    ] {
        let number: i64 = number;
        text[place] = digit(number / unit % 10);
    }
    out.extend_from_slice(&text);
}

/// `2026-11-22 11:00:00.5+00:00` as the database keeps it, in the form of RFC 3339 with a Z.
fn instant(out: &mut Vec<u8>, stored: &str) {
    let text = stored.strip_suffix("+00:00").unwrap_or(stored).as_bytes();
    let (day, time) = text.split_at(text.len().min(10));
    out.push(b'"');
    out.extend_from_slice(day);
    out.push(b'T');
    out.extend_from_slice(time.get(1..).unwrap_or_default());
    out.extend_from_slice(b"Z\"");
}

fn digit(number: i64) -> u8 {
    b'0' + u8::try_from(number).unwrap_or(0)
}
