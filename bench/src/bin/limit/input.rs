//! What a caller writes of a drug, read member by member over the row that is there.

use std::fmt;

use chrono::NaiveDate;
use domain::text::{multi_line, search_key, single_line, verbatim};
use domain::{Doses, Quantity, Schedule, Therapy};
use rusqlite::Row;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::column;
use crate::counts::SCHEDULES;

/// The writable members of a drug.
#[derive(Clone, Debug)]
pub(crate) struct Drug {
    pub(crate) name: String,
    pub(crate) dosage_strength: Option<String>,
    pub(crate) unit: String,
    pub(crate) schedule_type: String,
    pub(crate) doses: [Quantity; 7],
    pub(crate) even_week_pills: Option<Quantity>,
    pub(crate) odd_week_pills: Option<Quantity>,
    pub(crate) start_date: Option<NaiveDate>,
    pub(crate) end_date: Option<NaiveDate>,
    /// What is counted now, where it is given.
    pub(crate) current_amount: Option<Quantity>,
    pub(crate) package_size: Quantity,
    pub(crate) reorder_lead_days: u32,
    pub(crate) archived: bool,
    pub(crate) instructions: Option<String>,
}

impl Default for Drug {
    fn default() -> Self {
        Self {
            name: String::new(),
            dosage_strength: None,
            unit: "tablet".to_owned(),
            schedule_type: String::new(),
            doses: [Quantity::ZERO; 7],
            even_week_pills: None,
            odd_week_pills: None,
            start_date: None,
            end_date: None,
            current_amount: None,
            package_size: Quantity::ZERO,
            reorder_lead_days: 21,
            archived: false,
            instructions: None,
        }
    }
}

impl Drug {
    pub(crate) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let pills = |index| {
            column::optional_integer(row, index)?
                .map(column::quantity)
                .transpose()
        };
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let mut doses = [Quantity::ZERO; 7];
        for (place, dose) in doses.iter_mut().enumerate() {
            *dose = column::quantity(column::integer(row, column::DOSES + place)?)?;
        }
        let lead = column::integer(row, column::REORDER_LEAD_DAYS)?;
        Ok(Self {
            name: column::text(row, column::NAME)?.to_owned(),
            dosage_strength: owned(column::optional_text(row, column::DOSAGE_STRENGTH)?),
            unit: column::text(row, column::UNIT)?.to_owned(),
            schedule_type: column::text(row, column::SCHEDULE_TYPE)?.to_owned(),
            doses,
            even_week_pills: pills(column::EVEN_WEEK_PILLS)?,
            odd_week_pills: pills(column::ODD_WEEK_PILLS)?,
            start_date: column::optional_date(row.get_ref(column::START_DATE)?)?,
            end_date: column::optional_date(row.get_ref(column::END_DATE)?)?,
            current_amount: None,
            package_size: column::quantity(column::integer(row, column::PACKAGE_SIZE)?)?,
            reorder_lead_days: u32::try_from(lead).unwrap_or(0),
            archived: column::integer(row, column::ARCHIVED)? != 0,
            instructions: owned(column::optional_text(row, column::INSTRUCTIONS)?),
        })
    }

    /// Takes over what a JSON object says, and refuses what cannot be.
    pub(crate) fn apply(&mut self, body: &[u8]) -> Result<(), String> {
        serde_json::Deserializer::from_slice(body)
            .deserialize_map(Members(self))
            .map_err(|error| error.to_string())?;
        let weekly = self.schedule_type == "weekly_alternating";
        let pills = (
            self.even_week_pills.is_some(),
            self.odd_week_pills.is_some(),
        );
        if self.name.is_empty() || self.package_size.is_zero() || pills != (weekly, weekly) {
            return Err("a member is missing, or cannot stand beside another".to_owned());
        }
        match (self.start_date, self.end_date) {
            (Some(start), Some(end)) if end < start => Err("it ends before it begins".to_owned()),
            _ if SCHEDULES.contains(&&*self.schedule_type) => Ok(()),
            _ => Err("schedule_type is none".to_owned()),
        }
    }

    fn set(&mut self, name: &str, raw: &RawValue) -> Result<(), String> {
        const DOSES: [&str; 7] = [
            "morning_pre_food",
            "morning_post_food",
            "noon_pre_food",
            "noon_post_food",
            "evening_pre_food",
            "evening_post_food",
            "night",
        ];
        match name {
            "name" => self.name = required(raw, |text| single_line(text, 200))?,
            "dosage_strength" => self.dosage_strength = optional(raw, |text| verbatim(text, 100))?,
            "unit" => {
                self.unit = optional(raw, |text| single_line(text, 30))?.unwrap_or("tablet".into());
            }
            "schedule_type" => self.schedule_type = required(raw, |text| Ok(text.to_owned()))?,
            "even_week_pills" => self.even_week_pills = amount(raw)?,
            "odd_week_pills" => self.odd_week_pills = amount(raw)?,
            "start_date" => self.start_date = json(raw)?,
            "end_date" => self.end_date = json(raw)?,
            "current_amount" => self.current_amount = amount(raw)?,
            "package_size" => self.package_size = amount(raw)?.unwrap_or_default(),
            "reorder_lead_days" => self.reorder_lead_days = json::<Option<u32>>(raw)?.unwrap_or(21),
            "archived" => self.archived = json::<Option<bool>>(raw)?.unwrap_or_default(),
            "instructions" => self.instructions = optional(raw, |text| multi_line(text, 2000))?,
            name => match DOSES.iter().position(|dose| *dose == name) {
                Some(place) => self.doses[place] = amount(raw)?.unwrap_or_default(),
                None => return Err(format!("{name} is not known")),
            },
        }
        Ok(())
    }

    pub(crate) fn therapy(&self) -> Therapy {
        let [
            morning_pre_food,
            morning_post_food,
            noon_pre_food,
            noon_post_food,
            evening_pre_food,
            evening_post_food,
            night,
        ] = self.doses;
        let doses = Doses {
            morning_pre_food,
            morning_post_food,
            noon_pre_food,
            noon_post_food,
            evening_pre_food,
            evening_post_food,
            night,
        };
        Therapy {
            schedule: match &*self.schedule_type {
                "daily" => Schedule::Daily(doses),
                "weekly_alternating" => Schedule::WeeklyAlternating {
                    doses,
                    even_week_pills: self.even_week_pills.unwrap_or_default(),
                    odd_week_pills: self.odd_week_pills.unwrap_or_default(),
                },
                _ => Schedule::AsNeeded(doses),
            },
            start_date: self.start_date,
            end_date: self.end_date,
            archived: self.archived,
        }
    }

    pub(crate) fn search_text(&self) -> String {
        let strength = self.dosage_strength.as_deref().unwrap_or_default();
        format!("{}\n{}", search_key(&self.name), search_key(strength))
    }
}

struct Members<'a>(&'a mut Drug);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<&str>()? {
            let raw = map.next_value()?;
            self.0.set(name, raw).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}

fn json<'a, T: serde::Deserialize<'a>>(raw: &'a RawValue) -> Result<T, String> {
    serde_json::from_str(raw.get()).map_err(|error| error.to_string())
}

fn amount(raw: &RawValue) -> Result<Option<Quantity>, String> {
    match raw.get() {
        "null" => Ok(None),
        digits => digits
            .trim_matches('"')
            .parse()
            .map(Some)
            .map_err(|error: domain::QuantityError| error.to_string()),
    }
}

fn required(
    raw: &RawValue,
    rule: impl Fn(&str) -> Result<String, domain::TextError>,
) -> Result<String, String> {
    rule(&json::<std::borrow::Cow<'_, str>>(raw)?).map_err(|error| error.to_string())
}

fn optional(
    raw: &RawValue,
    rule: impl Fn(&str) -> Result<String, domain::TextError>,
) -> Result<Option<String>, String> {
    match raw.get() {
        "null" => Ok(None),
        _ => required(raw, rule).map(Some),
    }
}
