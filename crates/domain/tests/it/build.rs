//! Short names for what a test is about.

use chrono::NaiveDate;
use domain::{Absence, Absences, Doses, Quantity, Schedule, Stock, Therapy};

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date of the test")
}

pub(crate) fn units(text: &str) -> Quantity {
    text.parse().expect("a quantity of the test")
}

pub(crate) fn thousandths(thousandths: i64) -> Quantity {
    Quantity::from_thousandths(thousandths).expect("a quantity of the test")
}

pub(crate) fn stock(counted_amount: &str, counted_on: &str) -> Stock {
    Stock {
        counted_amount: units(counted_amount),
        counted_on: day(counted_on),
    }
}

pub(crate) fn running(schedule: Schedule) -> Therapy {
    Therapy {
        schedule,
        start_date: None,
        end_date: None,
        archived: false,
    }
}

/// One dose a day, in the morning.
pub(crate) fn daily(dose: &str) -> Therapy {
    running(Schedule::Daily(Doses {
        morning_pre_food: units(dose),
        ..Doses::default()
    }))
}

pub(crate) fn alternating(even_week_pills: &str, odd_week_pills: &str) -> Therapy {
    running(Schedule::WeeklyAlternating {
        // The time of day only; a simulation that consumed it would fail every vector.
        doses: Doses {
            morning_pre_food: units("1"),
            ..Doses::default()
        },
        even_week_pills: units(even_week_pills),
        odd_week_pills: units(odd_week_pills),
    })
}

pub(crate) fn absences(dates: &[(&str, &str)]) -> Absences {
    dates
        .iter()
        .map(|&(start, end)| Absence {
            start: day(start),
            end: day(end),
        })
        .collect()
}
