//! What is taken, and between which days.
//!
//! A schedule holds for all days it is asked about. Editing one therefore goes in two steps, so
//! that past days keep the old one: settle the stock with the old therapy
//! ([`Stock::settle`](crate::Stock::settle)), then change it.

use chrono::NaiveDate;

use crate::quantity::Quantity;
use crate::week::even_week_days_before;

/// A schedule with the dates between which it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Therapy {
    /// What is taken while the therapy runs.
    pub schedule: Schedule,
    /// The first local day with doses; `None`: it has always run.
    pub start_date: Option<NaiveDate>,
    /// The last local day with doses, inclusive; `None`: it runs on. Before `start_date`, there is
    /// no day at all.
    pub end_date: Option<NaiveDate>,
    /// An archived drug consumes nothing, on no day.
    pub archived: bool,
}

/// How the doses repeat (FHIR R5: `Timing.repeat` and `Dosage.asNeeded`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Schedule {
    /// The same doses every day.
    Daily(Doses),
    /// A number of units a week that alternates with the parity of the ISO 8601 week.
    WeeklyAlternating {
        /// At what time of day to take the week's pills; these amounts are not what is consumed.
        doses: Doses,
        /// Units consumed in an even week, spread evenly over its 7 days.
        even_week_pills: Quantity,
        /// Units consumed in an odd week, spread evenly over its 7 days.
        odd_week_pills: Quantity,
    },
    /// Taken when needed: whatever the doses say, nothing is consumed by itself.
    AsNeeded(Doses),
}

/// The doses of a day in counting units, by the time they are taken.
///
/// The times are those of FHIR's `Timing.when`: ACM, PCM, ACD, PCD, ACV, PCV and HS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Doses {
    /// Before breakfast.
    pub morning_pre_food: Quantity,
    /// After breakfast.
    pub morning_post_food: Quantity,
    /// Before lunch.
    pub noon_pre_food: Quantity,
    /// After lunch.
    pub noon_post_food: Quantity,
    /// Before dinner.
    pub evening_pre_food: Quantity,
    /// After dinner.
    pub evening_post_food: Quantity,
    /// At bedtime.
    pub night: Quantity,
}

impl Therapy {
    /// Whether `day` lies between the start and the end, both inclusive, of a therapy that is not
    /// archived.
    pub fn is_running_on(&self, day: NaiveDate) -> bool {
        !self.archived
            && self.start_date.is_none_or(|start| start <= day)
            && self.end_date.is_none_or(|end| day <= end)
    }

    /// What the days from `from` up to but not including `until` consume, in [sevenths of a
    /// thousandth](SEVENTHS).
    ///
    /// It never falls as `until` grows, and takes the same time for a day as for millennia.
    pub(crate) fn consumed_sevenths(&self, from: NaiveDate, until: NaiveDate) -> i128 {
        let from = self.start_date.map_or(from, |start| start.max(from));
        let until = self
            .end_date
            .map_or(until, |end| until.min(end.succ_opt().unwrap_or(end)));
        if self.archived || until <= from {
            return 0;
        }
        let days = i128::from((until - from).num_days());
        match self.schedule {
            Schedule::Daily(doses) => days * i128::from(doses.thousandths()) * SEVENTHS,
            Schedule::WeeklyAlternating {
                even_week_pills,
                odd_week_pills,
                ..
            } => {
                let even_days =
                    i128::from(even_week_days_before(until) - even_week_days_before(from));
                // A seventh of the week's thousandths a day is the week's thousandths in sevenths.
                even_days * i128::from(even_week_pills.thousandths())
                    + (days - even_days) * i128::from(odd_week_pills.thousandths())
            }
            Schedule::AsNeeded(_) => 0,
        }
    }
}

impl Doses {
    /// The seven doses in the order of the day.
    pub const fn in_order(&self) -> [Quantity; 7] {
        // Destructured in full, so that a dose cannot be forgotten in the sum.
        let Self {
            morning_pre_food,
            morning_post_food,
            noon_pre_food,
            noon_post_food,
            evening_pre_food,
            evening_post_food,
            night,
        } = *self;
        [
            morning_pre_food,
            morning_post_food,
            noon_pre_food,
            noon_post_food,
            evening_pre_food,
            evening_post_food,
            night,
        ]
    }

    /// Whether nothing is taken on such a day.
    pub fn is_zero(&self) -> bool {
        self.in_order().into_iter().all(Quantity::is_zero)
    }

    /// The sum of the day in thousandths of a unit; it may exceed [`Quantity::MAX`].
    fn thousandths(&self) -> i64 {
        self.in_order().into_iter().map(Quantity::thousandths).sum()
    }
}

/// A week's pills are spread over 7 days, so only in sevenths of a thousandth is every day's
/// consumption an integer.
pub(crate) const SEVENTHS: i128 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_therapy_runs_from_its_first_to_its_last_day() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let therapy = Therapy {
            schedule: Schedule::Daily(Doses::default()),
            start_date: Some(day("2026-01-05")),
            end_date: Some(day("2026-01-06")),
            archived: false,
        };
        let running = |therapy: Therapy| {
            ["2026-01-04", "2026-01-05", "2026-01-06", "2026-01-07"]
                .map(|date| therapy.is_running_on(day(date)))
        };
        assert_eq!(running(therapy), [false, true, true, false]);
        assert_eq!(
            running(Therapy {
                start_date: None,
                ..therapy
            }),
            [true, true, true, false]
        );
        assert_eq!(
            running(Therapy {
                end_date: None,
                ..therapy
            }),
            [false, true, true, true]
        );
        assert_eq!(
            running(Therapy {
                archived: true,
                ..therapy
            }),
            [false; 4]
        );
    }

    #[test]
    fn doses_are_zero_only_when_all_are() {
        assert!(Doses::default().is_zero());
        assert!(
            !Doses {
                night: Quantity::MAX,
                ..Doses::default()
            }
            .is_zero()
        );
    }
}
