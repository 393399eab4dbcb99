//! What is told about a stock on a day, and what of it is stored for an index.
//!
//! [`Projection`] changes only with the stock, the therapy or the lead time, never with the day, so
//! a list of what is due needs no arithmetic over all drugs. [`Outlook`] is the projection seen
//! from today.

use chrono::{Days, Months, NaiveDate};

use crate::quantity::Quantity;
use crate::reorder::{Absences, DoctorAway};
use crate::schedule::Therapy;
use crate::stock::Stock;

/// What the user is told about a drug today.
///
/// All options are `None` and nothing needs a reorder when today's answer would mean nothing:
/// nothing is consumed, the therapy does not run today, the stock lasts beyond its end, or for more
/// than 10 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Outlook {
    /// Units left at the start of today.
    pub current_amount: Quantity,
    /// Fully covered days from today on; 0 when today is not covered.
    pub days_remaining: Option<u32>,
    /// Whole weeks in `days_remaining`, never rounded up.
    pub weeks_remaining: Option<u32>,
    /// The first local day whose doses are not fully covered; in the past when the stock was used
    /// up then.
    pub run_out_date: Option<NaiveDate>,
    /// The day by which to order, moved before an absence of the doctor where it would fall into
    /// one.
    pub order_by: Option<NaiveDate>,
    /// Whether to order today: `order_by` is past, or is today and the doctor is away from
    /// tomorrow.
    pub needs_reorder: bool,
    /// What to know when the doctor is away today.
    pub doctor_away: Option<DoctorAway>,
}

/// The dates of a stock that do not depend on today, for two indexed columns.
///
/// Both lie within the years 1 to 9999, so their ISO 8601 texts sort like the dates. The drugs that
/// need a reorder on `today` are exactly those with
///
/// ```sql
/// reorder_date <= :due_until -- Absences::due_until(today), served by the index
/// AND run_out_date <= :horizon -- horizon(today)
/// AND (start_date IS NULL OR start_date <= :today)
/// AND (end_date IS NULL OR end_date >= :today)
/// ```
///
/// where only the first comparison selects; the others drop what does not run today. Archived drugs
/// have [`Projection::NEVER`] and are never selected. [`Projection::is_due`] is the same rule for
/// one drug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Projection {
    /// [`Stock::run_out_date`], or [`Projection::NEVER`].
    pub run_out_date: NaiveDate,
    /// The lead time before `run_out_date`, not yet moved before an absence; or
    /// [`Projection::NEVER`].
    pub reorder_date: NaiveDate,
}

impl Projection {
    /// Stands for no date in a column that an index can compare: 9999-12-31.
    pub const NEVER: NaiveDate =
        NaiveDate::from_ymd_opt(9999, 12, 31).expect("a day of the calendar");

    /// Projects when `stock` runs out, and `lead_days` days before that.
    pub fn of(stock: &Stock, therapy: &Therapy, lead_days: u32) -> Self {
        match stock.run_out_date(therapy) {
            Some(run_out_date) => {
                let reorder_date = run_out_date.checked_sub_days(Days::new(lead_days.into()));
                Self {
                    run_out_date,
                    reorder_date: reorder_date.map_or(FIRST_DAY, |date| date.max(FIRST_DAY)),
                }
            }
            None => Self {
                run_out_date: Self::NEVER,
                reorder_date: Self::NEVER,
            },
        }
    }

    /// Whether a drug with this projection needs a reorder on `today`.
    ///
    /// Without an absence this is `days_remaining < lead_days`, where the days since a stock was
    /// used up count as negative: with a lead time of 0 a drug is due from the day after it ran
    /// out.
    pub fn is_due(self, therapy: &Therapy, absences: &Absences, today: NaiveDate) -> bool {
        self.told_on(therapy, today).is_some() && self.reorder_date <= absences.due_until(today)
    }

    /// The run-out date, where it means something on `today`.
    fn told_on(self, therapy: &Therapy, today: NaiveDate) -> Option<NaiveDate> {
        (therapy.is_running_on(today)
            && self.run_out_date <= horizon(today)
            && self.run_out_date != Self::NEVER)
            .then_some(self.run_out_date)
    }
}

impl Stock {
    /// What to tell on `today` about this stock, ordered `lead_days` days before it runs out.
    pub fn outlook(
        &self,
        therapy: &Therapy,
        lead_days: u32,
        absences: &Absences,
        today: NaiveDate,
    ) -> Outlook {
        self.outlook_from(
            Projection::of(self, therapy, lead_days),
            therapy,
            absences,
            today,
        )
    }

    /// The same from a stored projection, which must be that of this very stock and therapy.
    pub fn outlook_from(
        &self,
        projection: Projection,
        therapy: &Therapy,
        absences: &Absences,
        today: NaiveDate,
    ) -> Outlook {
        let run_out_date = projection.told_on(therapy, today);
        let days_remaining = run_out_date.map(|run_out| days_between(today, run_out));
        Outlook {
            current_amount: self.amount_on(therapy, today),
            days_remaining,
            weeks_remaining: days_remaining.map(|days| days / 7),
            run_out_date,
            order_by: run_out_date.map(|_| absences.order_by(projection.reorder_date)),
            needs_reorder: projection.is_due(therapy, absences, today),
            doctor_away: run_out_date
                .and_then(|run_out| absences.doctor_away(today, run_out, therapy.end_date)),
        }
    }
}

/// The latest run-out date that is told on `today`: the same day 10 years later, 28 February for 29
/// February.
pub fn horizon(today: NaiveDate) -> NaiveDate {
    const YEARS: u32 = 10;
    today
        .checked_add_months(Months::new(12 * YEARS))
        .unwrap_or(NaiveDate::MAX)
}

/// The days from `from` up to but not including `until`; 0 when `until` is not later.
pub(crate) fn days_between(from: NaiveDate, until: NaiveDate) -> u32 {
    u32::try_from((until - from).num_days().max(0))
        .expect("all days of the calendar fit in 32 bits")
}

/// A reorder date never goes below the first day of year 1, which is long due on any day.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1, 1, 1).expect("a day of the calendar");
