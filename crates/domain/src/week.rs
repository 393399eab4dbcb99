//! The parity of ISO 8601 weeks, by which alternating schedules go.
//!
//! A year of 53 weeks ends in an odd week and the next begins with one, so parity is no simple
//! two-week rhythm: it belongs to the number of the week, and that to the ISO year, not to the
//! calendar year.

use std::fmt;

use chrono::{Datelike as _, NaiveDate};

/// Whether the number of an ISO 8601 week is even or odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WeekParity {
    /// Weeks 2, 4, … 52.
    Even,
    /// Weeks 1, 3, … 51, and 53 where a year has one.
    Odd,
}

impl WeekParity {
    /// The parity of the ISO week that `date` lies in.
    ///
    /// ```
    /// # use domain::WeekParity;
    /// // The Friday 2027-01-01 still belongs to 2026-W53.
    /// assert_eq!(WeekParity::of("2027-01-01".parse()?), WeekParity::Odd);
    /// # Ok::<(), chrono::ParseError>(())
    /// ```
    pub fn of(date: NaiveDate) -> Self {
        if date.iso_week().week().is_multiple_of(2) {
            Self::Even
        } else {
            Self::Odd
        }
    }

    /// `even` or `odd`, as the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Odd => "odd",
        }
    }
}

impl fmt::Display for WeekParity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The days in even weeks from an arbitrary fixed day up to but not including `date`; only
/// differences mean something.
///
/// Every ISO year has exactly 26 even weeks, 52 or 53 in all, so no year in between needs a look.
pub(crate) fn even_week_days_before(date: NaiveDate) -> i64 {
    const DAYS: i64 = 7;
    const EVEN_WEEKS_OF_A_YEAR: i64 = 26;

    let week = date.iso_week();
    let even_weeks_this_year = (i64::from(week.week()) - 1) / 2;
    let days_this_week = match WeekParity::of(date) {
        WeekParity::Even => i64::from(date.weekday().num_days_from_monday()),
        WeekParity::Odd => 0,
    };
    DAYS * (EVEN_WEEKS_OF_A_YEAR * i64::from(week.year()) + even_weeks_this_year) + days_this_week
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_53_week_year_puts_two_odd_weeks_in_a_row() {
        for (date, parity) in [
            ("2026-01-05", WeekParity::Even),
            ("2026-12-21", WeekParity::Even),
            ("2026-12-27", WeekParity::Even),
            ("2026-12-28", WeekParity::Odd),
            ("2027-01-01", WeekParity::Odd),
            ("2027-01-03", WeekParity::Odd),
            ("2027-01-04", WeekParity::Odd),
            ("2027-01-10", WeekParity::Odd),
            ("2027-01-11", WeekParity::Even),
        ] {
            assert_eq!(WeekParity::of(day(date)), parity, "{date}");
        }
    }

    #[test]
    fn the_first_of_january_may_belong_to_the_year_before() {
        let week = day("2027-01-01").iso_week();
        assert_eq!((week.year(), week.week()), (2026, 53));
    }

    #[test]
    fn the_years_with_53_weeks_are_the_known_ones() {
        // The 28th of December always lies in the last week of its ISO year.
        let long_years: Vec<i32> = (2015..=2054)
            .filter(|&year| {
                NaiveDate::from_ymd_opt(year, 12, 28)
                    .unwrap()
                    .iso_week()
                    .week()
                    == 53
            })
            .collect();
        assert_eq!(long_years, [2015, 2020, 2026, 2032, 2037, 2043, 2048, 2054]);
    }

    #[test]
    fn parities_are_spelled_as_in_the_api() {
        assert_eq!(WeekParity::Even.as_str(), "even");
        assert_eq!(WeekParity::Odd.to_string(), "odd");
    }

    #[test]
    fn even_week_days_are_counted_as_one_by_one() {
        // 400 years are a whole period of the ISO calendar.
        let first = day("1899-12-25");
        let mut counted = 0;
        for date in first.iter_days().take(401 * 366) {
            assert_eq!(
                even_week_days_before(date) - even_week_days_before(first),
                counted,
                "{date}"
            );
            counted += i64::from(WeekParity::of(date) == WeekParity::Even);
        }
    }
}
