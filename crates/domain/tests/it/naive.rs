//! The rules once more, as slowly and plainly as can be: one day after the other, with fractions.
//!
//! Nothing here may call the crate's own rules; only its types are shared.

use std::cmp::Ordering;
use std::ops::{Add, Sub};

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use domain::{Absence, Quantity, Schedule, Stock, Therapy};

/// How far a simulation looks, in days from the count: some 60 years.
pub(crate) const LIMIT_DAYS: usize = 22_000;

/// A reduced fraction of a unit; exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fraction {
    numerator: i128,
    denominator: i128,
}

impl Fraction {
    pub(crate) fn new(numerator: i128, denominator: i128) -> Self {
        let divisor = greatest_common_divisor(numerator.abs(), denominator);
        Self {
            numerator: numerator / divisor,
            denominator: denominator / divisor,
        }
    }

    pub(crate) fn of(quantity: Quantity) -> Self {
        Self::new(quantity.thousandths().into(), 1_000)
    }

    /// The least number of thousandths that is not below this.
    pub(crate) fn thousandths_rounded_up(self) -> i128 {
        let (whole, rest) = (
            self.numerator * 1_000 / self.denominator,
            self.numerator * 1_000 % self.denominator,
        );
        if rest == 0 { whole } else { whole + 1 }
    }
}

impl Add for Fraction {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let numerator = self.numerator * other.denominator + other.numerator * self.denominator;
        Self::new(numerator, self.denominator * other.denominator)
    }
}

impl Sub for Fraction {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + Self {
            numerator: -other.numerator,
            ..other
        }
    }
}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some((self.numerator * other.denominator).cmp(&(other.numerator * self.denominator)))
    }
}

/// The ISO 8601 rule: a week belongs to the year of its Thursday and is numbered by it.
pub(crate) fn is_even_week(date: NaiveDate) -> bool {
    let days_to_thursday = 4 - i64::from(date.weekday().number_from_monday());
    let thursday = date + TimeDelta::days(days_to_thursday);
    let week = (thursday.ordinal() - 1) / 7 + 1;
    week.is_multiple_of(2)
}

pub(crate) fn is_running(therapy: &Therapy, date: NaiveDate) -> bool {
    let has_begun = match therapy.start_date {
        Some(start) => date >= start,
        None => true,
    };
    let has_ended = match therapy.end_date {
        Some(end) => date > end,
        None => false,
    };
    has_begun && !has_ended && !therapy.archived
}

/// What is consumed on `date`.
pub(crate) fn dose_on(therapy: &Therapy, date: NaiveDate) -> Fraction {
    let nothing = Fraction::new(0, 1);
    if !is_running(therapy, date) {
        return nothing;
    }
    match therapy.schedule {
        Schedule::Daily(doses) => [
            doses.night,
            doses.evening_post_food,
            doses.evening_pre_food,
            doses.noon_post_food,
            doses.noon_pre_food,
            doses.morning_post_food,
            doses.morning_pre_food,
        ]
        .into_iter()
        .fold(nothing, |sum, dose| sum + Fraction::of(dose)),
        Schedule::WeeklyAlternating {
            even_week_pills,
            odd_week_pills,
            ..
        } => {
            let pills = if is_even_week(date) {
                even_week_pills
            } else {
                odd_week_pills
            };
            Fraction::new(pills.thousandths().into(), 7_000)
        }
        Schedule::AsNeeded(_) => nothing,
    }
}

/// What is left at the start of each day from the count on, and whether that covers the day.
pub(crate) fn days(
    stock: Stock,
    therapy: Therapy,
) -> impl Iterator<Item = (NaiveDate, Fraction, bool)> {
    let mut rest = Fraction::of(stock.counted_amount);
    stock
        .counted_on
        .iter_days()
        .take(LIMIT_DAYS)
        .map(move |date| {
            let at_start = rest;
            let dose = dose_on(&therapy, date);
            let is_covered = dose <= rest;
            rest = if is_covered {
                rest - dose
            } else {
                Fraction::new(0, 1)
            };
            (date, at_start, is_covered)
        })
}

/// The first day that is not covered, as far as the simulation looks.
pub(crate) fn run_out_date(stock: Stock, therapy: Therapy) -> Option<NaiveDate> {
    days(stock, therapy)
        .find(|&(_, _, is_covered)| !is_covered)
        .map(|(date, ..)| date)
}

pub(crate) fn amount_on(stock: Stock, therapy: Therapy, day: NaiveDate) -> Fraction {
    days(stock, therapy)
        .find(|&(date, ..)| date == day)
        .map_or(Fraction::of(stock.counted_amount), |(_, at_start, _)| {
            at_start
        })
}

/// The covered days from `today` on, up to the first that is not; none once a day was not covered.
pub(crate) fn covered_days(stock: Stock, therapy: Therapy, today: NaiveDate) -> usize {
    days(stock, therapy)
        .take_while(|&(.., is_covered)| is_covered)
        .filter(|&(date, ..)| date >= today)
        .count()
}

/// The same day 10 years later, or the last of February where there is none.
pub(crate) fn ten_years_after(date: NaiveDate) -> NaiveDate {
    date.with_year(date.year() + 10)
        .or_else(|| NaiveDate::from_ymd_opt(date.year() + 10, 2, 28))
        .expect("28 February is in every year")
}

pub(crate) fn is_away(absences: &[Absence], date: NaiveDate) -> bool {
    absences
        .iter()
        .any(|absence| absence.start <= date && date <= absence.end)
}

/// Goes back day by day until the doctor is there.
pub(crate) fn order_by(absences: &[Absence], reorder_date: NaiveDate) -> NaiveDate {
    let mut date = reorder_date;
    while is_away(absences, date) {
        date -= TimeDelta::days(1);
    }
    date
}

fn greatest_common_divisor(a: i128, b: i128) -> i128 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}
