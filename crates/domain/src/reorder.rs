//! By when to order while the doctor is away.
//!
//! A prescription must be had before an absence begins, so an order date inside one moves to the
//! day before it.

use chrono::NaiveDate;

use crate::outlook::{Projection, days_between};

/// A time without the doctor (FHIR R5: `PractitionerRole.availability.notAvailableTime`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Absence {
    /// The first local day of the absence.
    pub start: NaiveDate,
    /// The last local day of the absence, inclusive.
    pub end: NaiveDate,
}

/// The doctor's absences, sorted and merged: no two overlap or touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Absences {
    merged: Vec<Absence>,
}

/// What an absence that is going on means for one drug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DoctorAway {
    /// The first local day the doctor is back.
    pub returns_on: NaiveDate,
    /// Days from the run-out date up to the return, while the therapy runs; 0 when the stock lasts
    /// until then.
    pub days_without_drug: u32,
}

impl Absences {
    /// Sorts and merges; what touches or overlaps becomes one. An absence that ends before it
    /// starts is left out.
    pub fn new(absences: impl IntoIterator<Item = Absence>) -> Self {
        let mut sorted: Vec<Absence> = absences
            .into_iter()
            .filter(|absence| absence.start <= absence.end)
            .collect();
        sorted.sort_unstable();
        let mut merged: Vec<Absence> = Vec::with_capacity(sorted.len());
        for absence in sorted {
            match merged.last_mut() {
                Some(last) if absence.start <= day_after(last.end) => {
                    last.end = last.end.max(absence.end);
                }
                _ => merged.push(absence),
            }
        }
        Self { merged }
    }

    /// The merged absences in the order of time.
    pub fn as_slice(&self) -> &[Absence] {
        &self.merged
    }

    /// The day by which to order: `reorder_date`, or the day before the absence it falls into.
    ///
    /// One step is enough: merged absences do not touch, so the doctor is there the day before one.
    pub fn order_by(&self, reorder_date: NaiveDate) -> NaiveDate {
        self.covering(reorder_date)
            .map_or(reorder_date, |absence| day_before(absence.start))
    }

    /// The merged absence that `today` lies in.
    pub fn covering(&self, today: NaiveDate) -> Option<Absence> {
        self.current_or_next(today)
            .filter(|absence| absence.start <= today)
    }

    /// The greatest [`Projection::reorder_date`] that is due on `today`.
    ///
    /// That is yesterday: a lead of 21 days with 21 days left is not yet due. When the doctor is
    /// away today or from tomorrow, it is the last day of that absence: what would come due
    /// meanwhile must be ordered before, or has been missed. [`Projection::NEVER`] is never due.
    pub fn due_until(&self, today: NaiveDate) -> NaiveDate {
        self.current_or_next(today)
            .filter(|absence| absence.start <= day_after(today))
            .map_or_else(|| day_before(today), |absence| absence.end)
            .min(day_before(Projection::NEVER))
    }

    /// What to tell on `today` about a drug that runs out on `run_out_date`; `None` when the doctor
    /// is there.
    pub(crate) fn doctor_away(
        &self,
        today: NaiveDate,
        run_out_date: NaiveDate,
        end_date: Option<NaiveDate>,
    ) -> Option<DoctorAway> {
        let absence = self.covering(today)?;
        // An absence without an end in sight stays within four-digit years.
        let returns_on = day_after(absence.end).min(Projection::NEVER);
        // Nobody is without a drug after the end of its therapy.
        let needed_until = end_date.map_or(returns_on, |end| returns_on.min(day_after(end)));
        Some(DoctorAway {
            returns_on,
            days_without_drug: days_between(run_out_date, needed_until),
        })
    }

    /// The first merged absence that has not ended before `today`.
    fn current_or_next(&self, today: NaiveDate) -> Option<Absence> {
        self.merged
            .get(self.merged.partition_point(|absence| absence.end < today))
            .copied()
    }
}

impl FromIterator<Absence> for Absences {
    fn from_iter<I: IntoIterator<Item = Absence>>(absences: I) -> Self {
        Self::new(absences)
    }
}

/// The next day; the calendar's last day is its own.
fn day_after(day: NaiveDate) -> NaiveDate {
    day.succ_opt().unwrap_or(day)
}

/// The day before; the calendar's first day is its own.
fn day_before(day: NaiveDate) -> NaiveDate {
    day.pred_opt().unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn absences(dates: &[(&str, &str)]) -> Absences {
        dates
            .iter()
            .map(|&(start, end)| Absence {
                start: day(start),
                end: day(end),
            })
            .collect()
    }

    #[test]
    fn absences_that_touch_or_overlap_become_one() {
        let listed = [
            ("2026-07-20", "2026-07-25"),
            ("2026-07-06", "2026-07-09"),
            ("2026-07-10", "2026-07-15"),
            ("2026-07-11", "2026-07-12"),
            ("2026-07-14", "2026-07-16"),
            ("2026-08-02", "2026-08-01"),
        ];
        let merged = absences(&[("2026-07-06", "2026-07-16"), ("2026-07-20", "2026-07-25")]);
        assert_eq!(absences(&listed), merged);
        assert_eq!(merged.as_slice().len(), 2);
    }

    #[test]
    fn a_day_is_covered_from_the_first_to_the_last() {
        let away = absences(&[("2026-07-06", "2026-07-16"), ("2026-07-20", "2026-07-25")]);
        let covering = |date| away.covering(day(date)).map(|absence| absence.start);
        assert_eq!(covering("2026-07-05"), None);
        assert_eq!(covering("2026-07-06"), Some(day("2026-07-06")));
        assert_eq!(covering("2026-07-16"), Some(day("2026-07-06")));
        assert_eq!(covering("2026-07-17"), None);
        assert_eq!(covering("2026-07-25"), Some(day("2026-07-20")));
        assert_eq!(covering("2026-07-26"), None);
    }

    #[test]
    fn an_absence_that_begins_tomorrow_makes_all_its_days_due() {
        let away = absences(&[("2026-07-10", "2026-08-02")]);
        for (today, due_until) in [
            ("2026-07-08", "2026-07-07"),
            ("2026-07-09", "2026-08-02"),
            ("2026-07-10", "2026-08-02"),
            ("2026-08-02", "2026-08-02"),
            ("2026-08-03", "2026-08-02"),
            ("2026-08-04", "2026-08-03"),
        ] {
            assert_eq!(away.due_until(day(today)), day(due_until), "{today}");
        }
        assert_eq!(
            Absences::default().due_until(day("2026-07-09")),
            day("2026-07-08")
        );
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_trap() {
        let always = Absences::new([Absence {
            start: NaiveDate::MIN,
            end: NaiveDate::MAX,
        }]);
        assert_eq!(always.order_by(day("2026-07-09")), NaiveDate::MIN);
        assert_eq!(always.due_until(NaiveDate::MAX), day("9999-12-30"));
        assert_eq!(
            Absences::default().due_until(NaiveDate::MIN),
            NaiveDate::MIN
        );
    }
}
