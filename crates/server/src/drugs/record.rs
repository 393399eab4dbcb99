//! Between a row and the rules: what is stored of a drug, as the domain's types and back.

use chrono::{DateTime, Utc};
use domain::{Doses, Projection, Quantity, Schedule, Stock, Therapy};
use entity::drug;

use super::input::DrugIn;
use crate::json::Amount;
use crate::problem::{Error, Result};

/// The row that a caller's input and the stock behind it give, after what it was before; a new one has no id yet.
pub(super) fn row(
    before: Option<&drug::Model>,
    input: DrugIn,
    stock: Stock,
    now: DateTime<Utc>,
) -> drug::Model {
    let projection = Projection::of(&stock, &input.therapy(), input.reorder_lead_days);
    let named = before.filter(|before| {
        (&before.name, &before.dosage_strength) == (&input.name, &input.dosage_strength)
    });
    let search_text = named.map_or_else(
        || search_text(&input.name, input.dosage_strength.as_deref()),
        |before| before.search_text.clone(),
    );
    let DrugIn {
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
        current_amount: _counted_in_the_stock,
        package_size,
        reorder_lead_days,
        archived,
        instructions,
    } = input;
    let thousandths = |amount: Amount| amount.0.thousandths();
    drug::Model {
        id: before.map_or(0, |before| before.id),
        name,
        dosage_strength,
        unit,
        schedule_type: schedule_type.into(),
        morning_pre_food: thousandths(morning_pre_food),
        morning_post_food: thousandths(morning_post_food),
        noon_pre_food: thousandths(noon_pre_food),
        noon_post_food: thousandths(noon_post_food),
        evening_pre_food: thousandths(evening_pre_food),
        evening_post_food: thousandths(evening_post_food),
        night: thousandths(night),
        even_week_pills: even_week_pills.map(thousandths),
        odd_week_pills: odd_week_pills.map(thousandths),
        start_date,
        end_date,
        current_amount: stock.counted_amount.thousandths(),
        counted_on: stock.counted_on,
        package_size: thousandths(package_size),
        reorder_lead_days: i32::try_from(reorder_lead_days).expect("checked to be at most 365"),
        archived,
        run_out_date: projection.run_out_date,
        reorder_date: projection.reorder_date,
        search_text,
        version: before.map_or(1, |before| before.version + 1),
        created_at: before.map_or(now, |before| before.created_at),
        updated_at: now,
        instructions,
    }
}

/// What a search looks through, and what the order by name goes by.
///
/// Neither part can hold the line break between them, so no search runs over it.
fn search_text(name: &str, dosage_strength: Option<&str>) -> String {
    let key = domain::text::search_key;
    let mut text = format!(
        "{}\n{}",
        key(name),
        key(dosage_strength.unwrap_or_default())
    );
    text.truncate(text.floor_char_boundary(MAX_SEARCH_TEXT_BYTES));
    text
}

/// PostgreSQL takes at most 2,704 bytes into an index. Only a text of ligatures that unfold into whole
/// phrases comes near it.
const MAX_SEARCH_TEXT_BYTES: usize = 2600;

pub(super) fn stock(row: &drug::Model) -> Result<Stock> {
    Ok(Stock {
        counted_amount: quantity(row.current_amount)?,
        counted_on: row.counted_on,
    })
}

pub(super) fn projection(row: &drug::Model) -> Projection {
    Projection {
        run_out_date: row.run_out_date,
        reorder_date: row.reorder_date,
    }
}

pub(super) fn therapy(row: &drug::Model) -> Result<Therapy> {
    let doses = doses(row)?;
    let pills =
        |stored: Option<i64>| -> Result<Quantity> { Ok(amount(stored)?.unwrap_or_default().0) };
    Ok(Therapy {
        schedule: match row.schedule_type {
            drug::ScheduleType::Daily => Schedule::Daily(doses),
            drug::ScheduleType::WeeklyAlternating => Schedule::WeeklyAlternating {
                doses,
                even_week_pills: pills(row.even_week_pills)?,
                odd_week_pills: pills(row.odd_week_pills)?,
            },
            drug::ScheduleType::AsNeeded => Schedule::AsNeeded(doses),
        },
        start_date: row.start_date,
        end_date: row.end_date,
        archived: row.archived,
    })
}

pub(super) fn doses(row: &drug::Model) -> Result<Doses> {
    Ok(Doses {
        morning_pre_food: quantity(row.morning_pre_food)?,
        morning_post_food: quantity(row.morning_post_food)?,
        noon_pre_food: quantity(row.noon_pre_food)?,
        noon_post_food: quantity(row.noon_post_food)?,
        evening_pre_food: quantity(row.evening_pre_food)?,
        evening_post_food: quantity(row.evening_post_food)?,
        night: quantity(row.night)?,
    })
}

pub(super) fn lead_days(row: &drug::Model) -> Result<u32> {
    u32::try_from(row.reorder_lead_days)
        .map_err(|_| Error::Corrupt(format!("reorder_lead_days of drug {}", row.id)))
}

pub(super) fn amount(stored: Option<i64>) -> Result<Option<Amount>> {
    stored
        .map(|thousandths| quantity(thousandths).map(Amount))
        .transpose()
}

pub(super) fn quantity(thousandths: i64) -> Result<Quantity> {
    Quantity::from_thousandths(thousandths).map_err(|error| Error::Corrupt(error.to_string()))
}
