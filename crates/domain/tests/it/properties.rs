//! Random stocks, schedules and dates: what the crate computes is what the naive simulation finds.

use chrono::{Days, NaiveDate, TimeDelta};
use domain::{Absence, Absences, Doses, Projection, Quantity, Schedule, Stock, Therapy};
use proptest::prelude::*;
use proptest::sample::select;

use crate::build::{day, running, thousandths};
use crate::naive::{self, Fraction};

/// A stock that is often about as much as a whole number of days or weeks takes, give or take a
/// thousandth.
#[derive(Debug, Clone, Copy)]
struct Case {
    stock: Stock,
    therapy: Therapy,
}

fn cases() -> impl Strategy<Value = Case> {
    (counting_days(), schedules(), periods(), stocks_in_periods()).prop_map(
        |(counted_on, schedule, (start, end, archived), amount)| {
            let therapy = Therapy {
                schedule,
                start_date: start.map(|days| counted_on + TimeDelta::days(days)),
                end_date: end.map(|days| counted_on + TimeDelta::days(days)),
                archived,
            };
            Case {
                stock: Stock {
                    counted_amount: amount.of(schedule),
                    counted_on,
                },
                therapy,
            }
        },
    )
}

/// Days around the turns of years, mostly such with 53 weeks.
fn counting_days() -> impl Strategy<Value = NaiveDate> {
    let long_years = vec![2015, 2020, 2026, 2032, 2037, 2043, 2048, 2054];
    let years = prop_oneof![3 => select(long_years), 1 => 1990..2060];
    (years, 0_u64..60).prop_map(|(year, days)| {
        NaiveDate::from_ymd_opt(year, 11, 25).expect("a day of the calendar") + Days::new(days)
    })
}

fn doses_of_a_day() -> impl Strategy<Value = Doses> {
    let dose = || {
        prop_oneof![
            2 => Just(0),
            2 => select(vec![100, 250, 300, 330, 500, 600, 700, 750, 1_000, 1_500, 2_000]),
            1 => 0_i64..=3_000,
        ]
        .prop_map(thousandths)
    };
    [dose(), dose(), dose(), dose(), dose(), dose(), dose()].prop_map(
        |[
            morning_pre_food,
            morning_post_food,
            noon_pre_food,
            noon_post_food,
            evening_pre_food,
            evening_post_food,
            night,
        ]| {
            Doses {
                morning_pre_food,
                morning_post_food,
                noon_pre_food,
                noon_post_food,
                evening_pre_food,
                evening_post_food,
                night,
            }
        },
    )
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let pills = || {
        prop_oneof![
            Just(0),
            select(vec![1_000, 3_000, 4_000, 7_000, 500, 1]),
            0_i64..=9_000
        ]
    };
    prop_oneof![
        4 => doses_of_a_day().prop_map(Schedule::Daily),
        6 => (doses_of_a_day(), pills(), pills()).prop_map(|(doses, even, odd)| {
            Schedule::WeeklyAlternating {
                doses,
                even_week_pills: thousandths(even),
                odd_week_pills: thousandths(odd),
            }
        }),
        1 => doses_of_a_day().prop_map(Schedule::AsNeeded),
    ]
}

/// Start and end in days from the count, and whether archived.
fn periods() -> impl Strategy<Value = (Option<i64>, Option<i64>, bool)> {
    let start = prop_oneof![2 => Just(None), 1 => (-40_i64..=90).prop_map(Some)];
    let end = prop_oneof![2 => Just(None), 1 => (-20_i64..=400).prop_map(Some)];
    (start, end, prop::bool::weighted(0.05))
}

#[derive(Debug, Clone, Copy)]
enum Amount {
    Thousandths(i64),
    Periods { count: i64, off_by_thousandths: i64 },
}

fn stocks_in_periods() -> impl Strategy<Value = Amount> {
    prop_oneof![
        (0_i64..=300_000).prop_map(Amount::Thousandths),
        (0_i64..=120, -1_i64..=1).prop_map(|(count, off_by_thousandths)| Amount::Periods {
            count,
            off_by_thousandths
        }),
    ]
}

impl Amount {
    fn of(self, schedule: Schedule) -> Quantity {
        let period = match schedule {
            Schedule::Daily(doses) | Schedule::AsNeeded(doses) => doses
                .in_order()
                .into_iter()
                .map(Quantity::thousandths)
                .sum(),
            Schedule::WeeklyAlternating {
                even_week_pills,
                odd_week_pills,
                ..
            } => even_week_pills.thousandths() + odd_week_pills.thousandths(),
        };
        thousandths(match self {
            Self::Thousandths(amount) => amount,
            Self::Periods {
                count,
                off_by_thousandths,
            } => (count * period + off_by_thousandths).max(0),
        })
    }
}

/// Absences around a day, in any order, some of them overlapping, touching or the wrong way round.
fn absences_around() -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::vec((-60_i64..=60, -3_i64..=30), 0..5)
}

fn absences_from(middle: NaiveDate, offsets: &[(i64, i64)]) -> Vec<Absence> {
    let absence = |&(start, days): &(i64, i64)| {
        let start = middle + TimeDelta::days(start);
        Absence {
            start,
            end: start + TimeDelta::days(days),
        }
    };
    offsets.iter().map(absence).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_run_out_date_is_the_first_day_that_is_not_covered(Case { stock, therapy } in cases()) {
        let limit = stock.counted_on + Days::new(naive::LIMIT_DAYS as u64);
        let within_limit = stock.run_out_date(&therapy).filter(|&date| date < limit);
        prop_assert_eq!(within_limit, naive::run_out_date(stock, therapy));
    }

    #[test]
    fn the_amount_is_what_the_days_before_have_left(
        Case { stock, therapy } in cases(),
        offset in -30_i64..=900,
    ) {
        let date = stock.counted_on + TimeDelta::days(offset);
        let left = naive::amount_on(stock, therapy, date).thousandths_rounded_up();
        prop_assert_eq!(i128::from(stock.amount_on(&therapy, date).thousandths()), left);
    }

    #[test]
    fn remaining_days_are_the_covered_ones(
        Case { stock, therapy } in cases(),
        offset in 0_i64..=400,
    ) {
        let today = stock.counted_on + TimeDelta::days(offset);
        let outlook = stock.outlook(&therapy, 21, &Absences::default(), today);
        let is_told = naive::is_running(&therapy, today)
            && naive::run_out_date(stock, therapy)
                .is_some_and(|date| date <= naive::ten_years_after(today));
        let covered = is_told.then(|| naive::covered_days(stock, therapy, today));
        prop_assert_eq!(outlook.days_remaining.map(|days| days as usize), covered);
        let weeks = covered.map(|days| days / 7);
        prop_assert_eq!(outlook.weeks_remaining.map(|weeks| weeks as usize), weeks);
        prop_assert_eq!(outlook.run_out_date.is_some(), is_told);
        prop_assert_eq!(outlook.order_by.is_some(), is_told);
    }

    #[test]
    fn settling_never_loses_a_day(
        Case { stock, therapy } in cases(),
        offset in -10_i64..=400,
        later in 0_i64..=400,
    ) {
        let today = stock.counted_on + TimeDelta::days(offset);
        let settled = stock.settle(&therapy, today);
        let later = today + TimeDelta::days(later);
        let left = |stock: Stock| stock.amount_on(&therapy, later).thousandths();
        let gained = left(settled) - left(stock);
        prop_assert!((0..=1).contains(&gained), "gained {} thousandths", gained);

        let outlook = |stock: Stock| stock.outlook(&therapy, 21, &Absences::default(), today);
        let (before, after) = (outlook(stock), outlook(settled));
        prop_assert_eq!(after.current_amount, before.current_amount);
        match (before.days_remaining, after.days_remaining) {
            (Some(before), Some(after)) => prop_assert!(before <= after),
            // A day gained may be the one after which there is nothing to tell.
            (before, after) => prop_assert!(before.is_some() || after.is_none()),
        }
        if let Schedule::Daily(_) = therapy.schedule {
            prop_assert_eq!(gained, 0);
        }
    }

    #[test]
    fn a_refill_adds_exactly_its_amount(
        Case { stock, therapy } in cases(),
        offset in 0_i64..=400,
        amount in 0_i64..=100_000,
    ) {
        let today = stock.counted_on + TimeDelta::days(offset);
        let refilled = stock
            .add(&therapy, thousandths(amount), today)
            .expect("far from a million units");
        let left = naive::amount_on(stock, therapy, today) + Fraction::new(amount.into(), 1_000);
        let now = refilled.amount_on(&therapy, today).thousandths();
        prop_assert_eq!(i128::from(now), left.thousandths_rounded_up());
    }

    #[test]
    fn what_is_due_is_one_comparison_with_the_stored_date(
        Case { stock, therapy } in cases(),
        lead_days in prop_oneof![Just(0_u32), Just(21), 0_u32..=100],
        from_reorder_date in prop::bool::weighted(0.8),
        offset in prop_oneof![-3_i64..=3, -60_i64..=60],
        offsets in absences_around(),
    ) {
        let projection = Projection::of(&stock, &therapy, lead_days);
        // Beyond the simulation there is nothing to compare with.
        let limit = stock.counted_on + Days::new(naive::LIMIT_DAYS as u64);
        let middle = if from_reorder_date && projection.run_out_date < limit {
            projection.reorder_date
        } else {
            stock.counted_on
        };
        let today = middle + TimeDelta::days(offset);
        let listed = absences_from(today, &offsets);
        let merged = Absences::new(listed.iter().copied());
        let outlook = stock.outlook(&therapy, lead_days, &merged, today);

        let run_out = naive::run_out_date(stock, therapy)
            .filter(|&date| date <= naive::ten_years_after(today))
            .filter(|_| naive::is_running(&therapy, today));
        let order_by = run_out
            .map(|date| naive::order_by(&listed, date - TimeDelta::days(lead_days.into())));
        let is_due = order_by.is_some_and(|order_by| {
            let leaves_tomorrow = naive::is_away(&listed, today + TimeDelta::days(1));
            order_by < today || (order_by == today && leaves_tomorrow)
        });
        prop_assert_eq!(outlook.order_by, order_by);
        prop_assert_eq!(outlook.needs_reorder, is_due);
        if run_out.is_some() {
            prop_assert_eq!(projection.reorder_date <= merged.due_until(today), is_due);
            if listed.is_empty() && lead_days > 0 {
                let is_short = outlook.days_remaining.is_some_and(|days| days < lead_days);
                prop_assert_eq!(is_short, is_due);
            }
        }
        prop_assert_eq!(outlook, stock.outlook_from(projection, &therapy, &merged, today));
        prop_assert_eq!(
            outlook.doctor_away.is_some(),
            run_out.is_some() && naive::is_away(&listed, today)
        );
    }

    #[test]
    fn merged_absences_cover_the_same_days(offsets in absences_around(), date in -90_i64..=90) {
        let middle = day("2026-07-15");
        let listed = absences_from(middle, &offsets);
        let merged = Absences::new(listed.iter().copied());
        let date = middle + TimeDelta::days(date);

        prop_assert_eq!(merged.covering(date).is_some(), naive::is_away(&listed, date));
        prop_assert!(merged.covering(merged.order_by(date)).is_none());
        let mut pairs = merged.as_slice().windows(2);
        prop_assert!(pairs.all(|pair| pair[0].end + Days::new(1) < pair[1].start));
        if let Some(absence) = merged.covering(date) {
            prop_assert!(!naive::is_away(&listed, absence.start - Days::new(1)));
            prop_assert!(!naive::is_away(&listed, absence.end + Days::new(1)));
        }
    }

    #[test]
    fn a_huge_daily_stock_runs_out_as_division_says(
        amount in 0_i64..=1_000_000_000,
        dose in 1_i64..=5_000,
    ) {
        let stock = Stock { counted_amount: thousandths(amount), counted_on: day("2026-01-05") };
        let doses = Doses { night: thousandths(dose), ..Doses::default() };
        let by_division = stock
            .counted_on
            .checked_add_signed(TimeDelta::days(amount / dose))
            .filter(|&date| date <= day("9998-12-31"));
        prop_assert_eq!(stock.run_out_date(&running(Schedule::Daily(doses))), by_division);
    }

    #[test]
    fn a_huge_weekly_stock_runs_out_as_division_says(
        amount in 0_i64..=1_000_000_000,
        pills in 1_i64..=5_000,
    ) {
        let stock = Stock { counted_amount: thousandths(amount), counted_on: day("2026-12-21") };
        let schedule = Schedule::WeeklyAlternating {
            doses: Doses::default(),
            even_week_pills: thousandths(pills),
            odd_week_pills: thousandths(pills),
        };
        let by_division = stock
            .counted_on
            .checked_add_signed(TimeDelta::days(7 * amount / pills))
            .filter(|&date| date <= day("9998-12-31"));
        prop_assert_eq!(stock.run_out_date(&running(schedule)), by_division);
    }
}
