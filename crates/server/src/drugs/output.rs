//! What a caller reads of a drug: what was written, and what follows from it today.

use chrono::{DateTime, NaiveDate, Utc};
use domain::{Absences, WeekParity};
use entity::drug;
use utoipa::ToSchema;

use super::input::{DrugIn, ScheduleType};
use super::record;
use crate::json::{Amount, object};
use crate::problem::Result;

/// A drug. Amounts are in units of the drug; `days_remaining` and what follows from it are null where
/// nothing is consumed today or the stock lasts for more than ten years.
#[derive(Clone, Debug, ToSchema)]
pub struct DrugOut {
    pub id: i64,
    pub name: String,
    #[schema(required = true)]
    pub dosage_strength: Option<String>,
    pub unit: String,
    pub schedule_type: ScheduleType,
    pub morning_pre_food: Amount,
    pub morning_post_food: Amount,
    pub noon_pre_food: Amount,
    pub noon_post_food: Amount,
    pub evening_pre_food: Amount,
    pub evening_post_food: Amount,
    pub night: Amount,
    #[schema(required = true)]
    pub even_week_pills: Option<Amount>,
    #[schema(required = true)]
    pub odd_week_pills: Option<Amount>,
    #[schema(required = true)]
    pub start_date: Option<NaiveDate>,
    #[schema(required = true)]
    pub end_date: Option<NaiveDate>,
    #[schema(required = true)]
    pub instructions: Option<String>,
    /// What is left at the start of today: what was counted, less what the schedule has consumed since.
    pub current_amount: Amount,
    /// The day of the last count, refill of an empty stock or change of the schedule.
    pub counted_on: NaiveDate,
    pub package_size: Amount,
    pub reorder_lead_days: u32,
    pub archived: bool,
    /// Fully covered days from today on.
    #[schema(required = true)]
    pub days_remaining: Option<u32>,
    /// Fully covered weeks from today on.
    #[schema(required = true)]
    pub weeks_remaining: Option<u32>,
    /// The first day whose doses are not fully covered.
    #[schema(required = true)]
    pub run_out_date: Option<NaiveDate>,
    /// The day by which to order: the lead time before it runs out, and before an absence of the doctor.
    #[schema(required = true)]
    pub order_by: Option<NaiveDate>,
    /// Whether fewer days remain than the lead time, or the last day before the doctor's absence has come.
    pub needs_reorder: bool,
    /// The parity of today's ISO week, where the schedule alternates.
    #[schema(required = true, value_type = Option<WeekType>)]
    pub current_week_type: Option<&'static str>,
    /// The units of today's ISO week, where the schedule alternates.
    #[schema(required = true)]
    pub current_week_pills: Option<Amount>,
    /// What to know while the doctor is away; null otherwise.
    #[schema(required = true)]
    pub doctor_away: Option<DoctorAway>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The doctor is away today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
pub struct DoctorAway {
    /// The first day on which the doctor is back.
    pub returns_on: NaiveDate,
    /// The days until then that the stock does not cover.
    pub days_without_drug: u32,
}

/// The parity of an ISO 8601 week.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(
    dead_code,
    reason = "describes the values that domain::WeekParity writes"
)]
enum WeekType {
    Even,
    Odd,
}

object!(DrugOut {
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
    instructions,
    current_amount,
    counted_on,
    package_size,
    reorder_lead_days,
    archived,
    days_remaining,
    weeks_remaining,
    run_out_date,
    order_by,
    needs_reorder,
    current_week_type,
    current_week_pills,
    doctor_away,
    created_at,
    updated_at,
});
object!(DoctorAway {
    returns_on,
    days_without_drug,
});

impl DrugOut {
    /// A drug as it stands today.
    pub(super) fn new(row: drug::Model, absences: &Absences, today: NaiveDate) -> Result<Self> {
        let therapy = record::therapy(&row)?;
        let projection = record::projection(&row);
        let outlook = record::stock(&row)?.outlook_from(projection, &therapy, absences, today);
        let (id, counted_on) = (row.id, row.counted_on);
        let (created_at, updated_at) = (row.created_at, row.updated_at);
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
            current_amount,
            package_size,
            reorder_lead_days,
            archived,
            instructions,
        } = DrugIn::of(row, today)?;
        let parity = WeekParity::of(today);
        let alternates = schedule_type == ScheduleType::WeeklyAlternating;
        Ok(Self {
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
            instructions,
            current_amount,
            counted_on,
            package_size,
            reorder_lead_days,
            archived,
            days_remaining: outlook.days_remaining,
            weeks_remaining: outlook.weeks_remaining,
            run_out_date: outlook.run_out_date,
            order_by: outlook.order_by,
            needs_reorder: outlook.needs_reorder,
            current_week_type: alternates.then(|| parity.as_str()),
            current_week_pills: match parity {
                WeekParity::Even => even_week_pills,
                WeekParity::Odd => odd_week_pills,
            },
            doctor_away: outlook.doctor_away.map(|away| DoctorAway {
                returns_on: away.returns_on,
                days_without_drug: away.days_without_drug,
            }),
            created_at,
            updated_at,
        })
    }
}
