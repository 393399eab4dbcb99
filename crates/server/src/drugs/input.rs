//! What a caller may write of a drug.

use chrono::NaiveDate;
use domain::{Doses, Schedule, Stock, Therapy};
use entity::drug;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::record;
use crate::body::Fields;
use crate::json::{self, Amount, Json};
use crate::problem::Result;

/// The writable members of a drug. Amounts are in units of the drug.
#[derive(Clone, Debug, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrugIn {
    /// Trade name; trimmed and normalised to NFC.
    #[schema(min_length = 1, max_length = 200, example = "L-Thyroxin")]
    pub name: String,
    /// Display text, kept as typed.
    #[schema(max_length = 100, example = "75 µg")]
    pub dosage_strength: Option<String>,
    /// What is counted.
    #[schema(required = false, min_length = 1, max_length = 30, default = "tablet")]
    pub unit: String,
    pub schedule_type: ScheduleType,
    #[schema(required = false, schema_with = json::amount_in)]
    pub morning_pre_food: Amount,
    #[schema(required = false, schema_with = json::amount_in)]
    pub morning_post_food: Amount,
    #[schema(required = false, schema_with = json::amount_in)]
    pub noon_pre_food: Amount,
    #[schema(required = false, schema_with = json::amount_in)]
    pub noon_post_food: Amount,
    #[schema(required = false, schema_with = json::amount_in)]
    pub evening_pre_food: Amount,
    #[schema(required = false, schema_with = json::amount_in)]
    pub evening_post_food: Amount,
    #[schema(required = false, schema_with = json::amount_in)]
    pub night: Amount,
    /// Units in each even ISO week; for the schedule `weekly_alternating`, which requires it.
    #[schema(required = false, schema_with = openapi_nullable_amount)]
    pub even_week_pills: Option<Amount>,
    /// Units in each odd ISO week; for the schedule `weekly_alternating`, which requires it.
    #[schema(required = false, schema_with = openapi_nullable_amount)]
    pub odd_week_pills: Option<Amount>,
    /// First day with doses.
    #[schema(required = false, schema_with = openapi_nullable_date)]
    pub start_date: Option<NaiveDate>,
    /// Last day with doses.
    #[schema(required = false, schema_with = openapi_nullable_date)]
    pub end_date: Option<NaiveDate>,
    /// What is there now, today's doses not yet taken.
    #[schema(required = false, schema_with = json::amount_in)]
    pub current_amount: Amount,
    /// What one package holds.
    #[schema(schema_with = json::positive_amount_in)]
    pub package_size: Amount,
    /// How many days before it runs out it should be ordered.
    #[schema(required = false, minimum = 0, maximum = 365, default = 21)]
    pub reorder_lead_days: u32,
    /// An archived drug is not consumed and never needs a reorder.
    #[schema(required = false, default = false)]
    pub archived: bool,
    /// What to mind when taking it.
    #[schema(max_length = 2000, example = "with a glass of water")]
    pub instructions: Option<String>,
}

/// How a drug is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ScheduleType {
    /// The doses of the day, every day.
    #[default]
    Daily,
    /// A number of units a week, that alternates with the parity of the ISO 8601 week.
    WeeklyAlternating,
    /// When needed: nothing is consumed by itself.
    AsNeeded,
}

/// Whether `current_amount` may be left out, which then stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StockMember {
    Optional,
    /// A change never empties a stock because a member was forgotten.
    Required,
}

const MAX_LEAD_DAYS: u32 = 365;

impl ScheduleType {
    /// The words of the API, for parameters as well.
    pub(super) const WORDS: [(&'static str, Self); 3] = [
        ("daily", Self::Daily),
        ("weekly_alternating", Self::WeeklyAlternating),
        ("as_needed", Self::AsNeeded),
    ];
}

impl Json for ScheduleType {
    fn write(&self, json: &mut Vec<u8>) {
        let word = Self::WORDS.iter().find(|(_, meant)| meant == self);
        word.expect("each has its word").0.write(json);
    }
}

impl DrugIn {
    /// Reads a whole drug and refuses it with every reason at once.
    pub(super) fn read(fields: Fields, stock: StockMember) -> Result<Self> {
        Self::default().changed(fields, stock)
    }

    /// Reads members over what they were, and refuses them with every reason at once.
    pub(super) fn changed(mut self, mut fields: Fields, stock: StockMember) -> Result<Self> {
        let Self {
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
            package_size,
            reorder_lead_days,
            archived,
            instructions,
        } = &mut self;
        let one_line = |most| json::text(move |v| domain::text::single_line(v, most));
        let strength = json::blank_or(|v| domain::text::verbatim(v, 100));
        let choice = crate::query::choice(&ScheduleType::WORDS);
        let schedule = |raw: &RawValue| choice(&json::string(raw)?);
        fields.required("name", name, one_line(200));
        fields.optional("dosage_strength", dosage_strength, strength);
        fields.optional_or("unit", unit, || "tablet".to_owned(), one_line(30));
        fields.required("schedule_type", schedule_type, schedule);
        fields.optional("morning_pre_food", morning_pre_food, json::amount);
        fields.optional("morning_post_food", morning_post_food, json::amount);
        fields.optional("noon_pre_food", noon_pre_food, json::amount);
        fields.optional("noon_post_food", noon_post_food, json::amount);
        fields.optional("evening_pre_food", evening_pre_food, json::amount);
        fields.optional("evening_post_food", evening_post_food, json::amount);
        fields.optional("night", night, json::amount);
        fields.optional("even_week_pills", even_week_pills, json::some(json::amount));
        fields.optional("odd_week_pills", odd_week_pills, json::some(json::amount));
        fields.optional("start_date", start_date, json::some(json::date));
        fields.optional("end_date", end_date, json::some(json::date));
        match stock {
            StockMember::Optional => {
                fields.optional("current_amount", current_amount, json::amount);
            }
            StockMember::Required => {
                fields.required("current_amount", current_amount, json::amount);
            }
        }
        fields.required("package_size", package_size, json::positive_amount);
        let days = json::integer(0..=MAX_LEAD_DAYS);
        fields.optional_or("reorder_lead_days", reorder_lead_days, || 21, days);
        fields.optional("archived", archived, json::boolean);
        fields.optional(
            "instructions",
            instructions,
            json::blank_or(|v| domain::text::multi_line(v, 2000)),
        );
        self.check_together(&mut fields);
        fields.finish()?;
        Ok(self)
    }

    /// Refuses members that cannot stand beside each other.
    fn check_together(&self, fields: &mut Fields) {
        if let (Some(start), Some(end)) = (self.start_date, self.end_date)
            && end < start
        {
            fields.refuse(
                "end_date",
                format!("must not be before start_date, which is {start}"),
            );
        }
        let weekly = self.schedule_type == ScheduleType::WeeklyAlternating;
        for (name, pills) in [
            ("even_week_pills", self.even_week_pills),
            ("odd_week_pills", self.odd_week_pills),
        ] {
            if weekly && pills.is_none() && !fields.refused(name) {
                fields.refuse(name, "is required with the schedule weekly_alternating");
            }
            if !weekly && pills.is_some() && !fields.refused("schedule_type") {
                fields.refuse(
                    name,
                    "must be left out unless the schedule is weekly_alternating",
                );
            }
        }
    }

    /// A drug as a caller would write it today.
    pub(super) fn of(row: drug::Model, today: NaiveDate) -> Result<Self> {
        let therapy = record::therapy(&row)?;
        let amount = record::stock(&row)?.amount_on(&therapy, today);
        let doses = record::doses(&row)?;
        Ok(Self {
            schedule_type: row.schedule_type.into(),
            morning_pre_food: Amount(doses.morning_pre_food),
            morning_post_food: Amount(doses.morning_post_food),
            noon_pre_food: Amount(doses.noon_pre_food),
            noon_post_food: Amount(doses.noon_post_food),
            evening_pre_food: Amount(doses.evening_pre_food),
            evening_post_food: Amount(doses.evening_post_food),
            night: Amount(doses.night),
            even_week_pills: record::amount(row.even_week_pills)?,
            odd_week_pills: record::amount(row.odd_week_pills)?,
            start_date: row.start_date,
            end_date: row.end_date,
            current_amount: Amount(amount),
            package_size: Amount(record::quantity(row.package_size)?),
            reorder_lead_days: record::lead_days(&row)?,
            archived: row.archived,
            name: row.name,
            dosage_strength: row.dosage_strength,
            unit: row.unit,
            instructions: row.instructions,
        })
    }

    /// The stock that this input counts on a day.
    pub(super) fn counted(&self, today: NaiveDate) -> Stock {
        Stock {
            counted_amount: self.current_amount.0,
            counted_on: today,
        }
    }

    /// The schedule with its dates.
    pub(super) fn therapy(&self) -> Therapy {
        let doses = Doses {
            morning_pre_food: self.morning_pre_food.0,
            morning_post_food: self.morning_post_food.0,
            noon_pre_food: self.noon_pre_food.0,
            noon_post_food: self.noon_post_food.0,
            evening_pre_food: self.evening_pre_food.0,
            evening_post_food: self.evening_post_food.0,
            night: self.night.0,
        };
        Therapy {
            schedule: match self.schedule_type {
                ScheduleType::Daily => Schedule::Daily(doses),
                ScheduleType::WeeklyAlternating => Schedule::WeeklyAlternating {
                    doses,
                    even_week_pills: self.even_week_pills.unwrap_or_default().0,
                    odd_week_pills: self.odd_week_pills.unwrap_or_default().0,
                },
                ScheduleType::AsNeeded => Schedule::AsNeeded(doses),
            },
            start_date: self.start_date,
            end_date: self.end_date,
            archived: self.archived,
        }
    }
}

fn openapi_nullable_amount() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    crate::openapi::nullable(json::amount_in())
}

fn openapi_nullable_date() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    crate::openapi::nullable(json::date_in())
}

impl From<drug::ScheduleType> for ScheduleType {
    fn from(stored: drug::ScheduleType) -> Self {
        match stored {
            drug::ScheduleType::Daily => Self::Daily,
            drug::ScheduleType::WeeklyAlternating => Self::WeeklyAlternating,
            drug::ScheduleType::AsNeeded => Self::AsNeeded,
        }
    }
}

impl From<ScheduleType> for drug::ScheduleType {
    fn from(given: ScheduleType) -> Self {
        match given {
            ScheduleType::Daily => Self::Daily,
            ScheduleType::WeeklyAlternating => Self::WeeklyAlternating,
            ScheduleType::AsNeeded => Self::AsNeeded,
        }
    }
}
