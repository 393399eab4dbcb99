//! The vectors of the field, with the numbers as they are written there.

use chrono::{Days, NaiveDate};
use domain::{
    Absences, DoctorAway, Doses, Outlook, Projection, Quantity, QuantityError, Schedule, Stock,
    Therapy, horizon,
};

use crate::build::{absences, alternating, daily, day, running, stock, thousandths, units};
use crate::naive;

const LEAD_DAYS: u32 = 21;

fn outlook_today(stock: &Stock, therapy: &Therapy) -> Outlook {
    stock.outlook(therapy, LEAD_DAYS, &Absences::default(), stock.counted_on)
}

fn is_silent(outlook: &Outlook) -> bool {
    let Outlook {
        days_remaining,
        weeks_remaining,
        run_out_date,
        order_by,
        needs_reorder,
        doctor_away,
        ..
    } = outlook;
    days_remaining.is_none()
        && weeks_remaining.is_none()
        && run_out_date.is_none()
        && order_by.is_none()
        && !needs_reorder
        && doctor_away.is_none()
}

#[test]
fn remaining_days_are_the_fully_covered_ones() {
    for (amount, dose, days, weeks, needs_reorder) in [
        ("62.5", "3", 20, 2, true),
        ("21", "1", 21, 3, false),
        ("20.5", "1", 20, 2, true),
        ("0.5", "1", 0, 0, true),
        ("3", "0.25", 12, 1, true),
        ("0.3", "0.3", 1, 0, true),
        ("0", "1", 0, 0, true),
        ("22", "1", 22, 3, false),
        ("1500", "14", 107, 15, false),
    ] {
        let outlook = outlook_today(&stock(amount, "2026-01-05"), &daily(dose));
        assert_eq!(outlook.current_amount, units(amount));
        assert_eq!(outlook.days_remaining, Some(days), "{amount} at {dose}");
        assert_eq!(outlook.weeks_remaining, Some(weeks), "{amount} at {dose}");
        assert_eq!(
            outlook.run_out_date,
            Some(day("2026-01-05") + Days::new(days.into())),
            "{amount} at {dose}"
        );
        assert_eq!(outlook.needs_reorder, needs_reorder, "{amount} at {dose}");
    }
}

#[test]
fn all_seven_doses_of_a_day_are_consumed() {
    let doses = Doses {
        morning_pre_food: units("0.001"),
        morning_post_food: units("0.01"),
        noon_pre_food: units("0.1"),
        noon_post_food: units("1"),
        evening_pre_food: units("10"),
        evening_post_food: units("100"),
        night: units("1000"),
    };
    let therapy = running(Schedule::Daily(doses));
    let stock = stock("2222.222", "2026-01-05");
    assert_eq!(
        stock.amount_on(&therapy, day("2026-01-06")),
        units("1111.111")
    );
    assert_eq!(stock.run_out_date(&therapy), Some(day("2026-01-07")));
}

#[test]
fn two_halves_of_a_day_are_one_dose() {
    let doses = Doses {
        morning_post_food: units("0.5"),
        evening_post_food: units("0.5"),
        ..Doses::default()
    };
    let outlook = outlook_today(
        &stock("0.5", "2026-01-05"),
        &running(Schedule::Daily(doses)),
    );
    assert_eq!(outlook.days_remaining, Some(0));
    assert_eq!(outlook.run_out_date, Some(day("2026-01-05")));
}

#[test]
fn tenths_do_not_lose_a_day() {
    let doses = Doses {
        morning_post_food: units("0.1"),
        evening_post_food: units("0.2"),
        ..Doses::default()
    };
    let outlook = outlook_today(
        &stock("0.3", "2026-01-05"),
        &running(Schedule::Daily(doses)),
    );
    assert_eq!(outlook.days_remaining, Some(1));
    assert_eq!(outlook.run_out_date, Some(day("2026-01-06")));
}

#[test]
fn twenty_one_days_stay_twenty_one_for_every_triple_of_doses() {
    const DOSES: [i32; 13] = [
        100, 200, 250, 300, 330, 400, 500, 600, 700, 750, 1_000, 1_500, 2_000,
    ];
    let mut wrong_with_floats = 0;
    for morning in DOSES {
        for noon in DOSES {
            for evening in DOSES {
                let schedule = Schedule::Daily(Doses {
                    morning_post_food: thousandths(morning.into()),
                    noon_post_food: thousandths(noon.into()),
                    evening_post_food: thousandths(evening.into()),
                    ..Doses::default()
                });
                let counted = 21 * (morning + noon + evening);
                let stock = Stock {
                    counted_amount: thousandths(counted.into()),
                    counted_on: day("2026-01-05"),
                };
                let outlook = outlook_today(&stock, &running(schedule));
                assert_eq!(
                    outlook.days_remaining,
                    Some(21),
                    "{morning} {noon} {evening}"
                );
                assert!(!outlook.needs_reorder, "{morning} {noon} {evening}");

                let units = |thousandths: i32| f64::from(thousandths) / 1_000.0;
                let float_days = units(counted) / (units(morning) + units(noon) + units(evening));
                wrong_with_floats += u32::from(float_days < 21.0);
            }
        }
    }
    assert!(
        wrong_with_floats >= 200,
        "these doses tell floats from exact numbers: {wrong_with_floats}"
    );
}

#[test]
fn leap_days_count() {
    let run_out = |counted_on| stock("365", counted_on).run_out_date(&daily("1"));
    assert_eq!(run_out("2027-03-01"), Some(day("2028-02-29")));
    assert_eq!(run_out("2028-03-01"), Some(day("2029-03-01")));
}

#[test]
fn alternating_weeks_follow_the_parity_of_the_iso_week() {
    for (even, odd, amount, counted_on, days, run_out) in [
        ("0", "7", "10", "2026-01-05", 24, "2026-01-29"),
        ("3", "4", "11", "2026-12-21", 21, "2027-01-11"),
        ("4", "3", "49", "2026-01-05", 98, "2026-04-13"),
        // A 53-week year: two odd weeks of 7 in a row, then nothing in week 2, then week 3 is not
        // covered.
        ("0", "7", "14", "2026-12-28", 21, "2027-01-18"),
        ("7", "0", "7", "2026-12-28", 28, "2027-01-25"),
        // A year of 52 weeks: week 52 is followed by week 1.
        ("0", "7", "7", "2025-12-22", 21, "2026-01-12"),
    ] {
        let outlook = outlook_today(&stock(amount, counted_on), &alternating(even, odd));
        assert_eq!(
            outlook.days_remaining,
            Some(days),
            "{even}/{odd} {amount} {counted_on}"
        );
        assert_eq!(
            outlook.run_out_date,
            Some(day(run_out)),
            "{even}/{odd} {amount} {counted_on}"
        );
    }
}

#[test]
fn a_weeks_pills_are_spread_evenly_over_its_seven_days() {
    let (stock, therapy) = (stock("1", "2026-01-05"), alternating("1", "1"));
    // 6/7 are 857.142… thousandths, shown as the next one.
    assert_eq!(stock.amount_on(&therapy, day("2026-01-06")), units("0.858"));
    assert_eq!(stock.amount_on(&therapy, day("2026-01-11")), units("0.143"));
    assert_eq!(stock.amount_on(&therapy, day("2026-01-12")), Quantity::ZERO);
    assert_eq!(stock.run_out_date(&therapy), Some(day("2026-01-12")));
}

#[test]
fn a_day_that_is_not_covered_takes_the_rest() {
    let (stock, therapy) = (stock("2.5", "2026-01-05"), daily("1"));
    let amount = |date| stock.amount_on(&therapy, day(date)).to_string();
    assert_eq!(amount("2026-01-01"), "2.5");
    assert_eq!(amount("2026-01-05"), "2.5");
    assert_eq!(amount("2026-01-06"), "1.5");
    assert_eq!(amount("2026-01-07"), "0.5");
    assert_eq!(amount("2026-01-08"), "0");
    assert_eq!(amount("2036-01-08"), "0");
    assert_eq!(stock.run_out_date(&therapy), Some(day("2026-01-07")));
}

#[test]
fn a_used_up_stock_says_so_long_after() {
    let outlook = stock("2.5", "2026-01-05").outlook(
        &daily("1"),
        LEAD_DAYS,
        &Absences::default(),
        day("2026-03-01"),
    );
    assert_eq!(
        outlook,
        Outlook {
            current_amount: Quantity::ZERO,
            days_remaining: Some(0),
            weeks_remaining: Some(0),
            run_out_date: Some(day("2026-01-07")),
            order_by: Some(day("2025-12-17")),
            needs_reorder: true,
            doctor_away: None,
        }
    );
}

#[test]
fn nothing_consumed_means_nothing_told() {
    let doses = Doses {
        morning_post_food: units("1"),
        ..Doses::default()
    };
    let on = |date: &str| Some(day(date));
    for (case, therapy) in [
        ("no doses", running(Schedule::Daily(Doses::default()))),
        ("no pills", alternating("0", "0")),
        ("as needed", running(Schedule::AsNeeded(doses))),
        (
            "archived",
            Therapy {
                archived: true,
                ..daily("1")
            },
        ),
        (
            "before the start",
            Therapy {
                start_date: on("2026-01-06"),
                ..daily("1")
            },
        ),
        (
            "after the end",
            Therapy {
                end_date: on("2026-01-04"),
                ..daily("1")
            },
        ),
        (
            "lasts beyond the end",
            Therapy {
                end_date: on("2026-01-06"),
                ..daily("1")
            },
        ),
        (
            "ends before it starts",
            Therapy {
                start_date: on("2026-01-06"),
                end_date: on("2026-01-04"),
                ..daily("1")
            },
        ),
    ] {
        // Away doctors change nothing about it.
        let away = absences(&[("2026-01-01", "2027-01-01")]);
        let outlook =
            stock("2", "2026-01-05").outlook(&therapy, LEAD_DAYS, &away, day("2026-01-05"));
        assert!(is_silent(&outlook), "{case}: {outlook:?}");
        assert_eq!(outlook.current_amount, units("2"), "{case}");
    }
}

#[test]
fn an_empty_stock_without_consumption_is_not_told_either() {
    for therapy in [
        running(Schedule::Daily(Doses::default())),
        Therapy {
            archived: true,
            ..daily("1")
        },
    ] {
        assert!(is_silent(&outlook_today(
            &stock("0", "2026-01-05"),
            &therapy
        )));
    }
}

#[test]
fn nothing_is_told_of_never_when_it_is_near() {
    let outlook = outlook_today(&stock("2", "9995-01-01"), &daily("0"));
    assert!(is_silent(&outlook), "{outlook:?}");
}

#[test]
fn a_stock_is_told_up_to_its_last_day() {
    // 2 units last for the 5th and the 6th; on the 7th, the last day, there is none.
    let therapy = Therapy {
        end_date: Some(day("2026-01-07")),
        ..daily("1")
    };
    let (stock, none) = (stock("2", "2026-01-05"), Absences::default());
    let outlook = stock.outlook(&therapy, LEAD_DAYS, &none, day("2026-01-07"));
    assert_eq!(
        (outlook.days_remaining, outlook.run_out_date),
        (Some(0), Some(day("2026-01-07")))
    );
    assert!(is_silent(&stock.outlook(
        &therapy,
        LEAD_DAYS,
        &none,
        day("2026-01-08")
    )));
}

#[test]
fn consumption_begins_at_the_start_date() {
    let therapy = Therapy {
        start_date: Some(day("2026-02-01")),
        ..daily("1")
    };
    let stock = stock("3", "2026-01-05");
    assert_eq!(stock.amount_on(&therapy, day("2026-02-01")), units("3"));
    assert_eq!(stock.amount_on(&therapy, day("2026-02-02")), units("2"));
    assert_eq!(stock.run_out_date(&therapy), Some(day("2026-02-04")));
}

#[test]
fn past_ten_years_nothing_is_told() {
    let none = Absences::default();
    let stock = stock("3653", "2026-01-05");
    let told = |today: &str| {
        stock
            .outlook(&daily("1"), LEAD_DAYS, &none, day(today))
            .run_out_date
    };
    assert_eq!(stock.run_out_date(&daily("1")), Some(day("2036-01-06")));
    assert_eq!(told("2026-01-05"), None);
    assert_eq!(told("2026-01-06"), Some(day("2036-01-06")));
    assert!(is_silent(&outlook_today(&stock, &daily("1"))));

    assert_eq!(horizon(day("2026-01-05")), day("2036-01-05"));
    assert_eq!(horizon(day("2028-02-29")), day("2038-02-28"));
    assert_eq!(horizon(NaiveDate::MAX), NaiveDate::MAX);
}

#[test]
fn the_order_date_moves_before_absences() {
    // Counted so that it runs out on 2026-08-05.
    let (stock, therapy) = (stock("35", "2026-07-01"), daily("1"));
    let order_by = |away: &[(&str, &str)]| {
        stock
            .outlook(&therapy, LEAD_DAYS, &absences(away), day("2026-07-01"))
            .order_by
            .unwrap()
            .to_string()
    };
    assert_eq!(stock.run_out_date(&therapy), Some(day("2026-08-05")));
    assert_eq!(order_by(&[]), "2026-07-15");
    assert_eq!(order_by(&[("2026-07-10", "2026-08-02")]), "2026-07-09");
    assert_eq!(
        order_by(&[("2026-07-10", "2026-08-02"), ("2026-07-06", "2026-07-09")]),
        "2026-07-05"
    );
    assert_eq!(order_by(&[("2026-07-15", "2026-07-15")]), "2026-07-14");
    assert_eq!(order_by(&[("2026-07-16", "2026-08-02")]), "2026-07-15");
    assert_eq!(order_by(&[("2026-07-01", "2026-07-14")]), "2026-07-15");
}

#[test]
fn a_reorder_is_due_on_the_last_day_before_an_absence() {
    let (stock, therapy) = (stock("35", "2026-07-01"), daily("1"));
    let away = absences(&[("2026-07-10", "2026-08-02")]);
    let is_due = |away: &Absences, today: &str| {
        stock
            .outlook(&therapy, LEAD_DAYS, away, day(today))
            .needs_reorder
    };
    assert!(!is_due(&away, "2026-07-08"));
    assert!(is_due(&away, "2026-07-09"));
    assert!(is_due(&away, "2026-07-10"));
    assert!(!is_due(&Absences::default(), "2026-07-15"));
    assert!(is_due(&Absences::default(), "2026-07-16"));
}

#[test]
fn a_doctor_who_is_away_is_told_with_the_days_without_the_drug() {
    let away = absences(&[("2026-07-10", "2026-07-20"), ("2026-07-21", "2026-08-02")]);
    let told = |amount, therapy: &Therapy, today: &str| {
        stock(amount, "2026-07-01")
            .outlook(therapy, LEAD_DAYS, &away, day(today))
            .doctor_away
    };
    let returns_on = day("2026-08-03");
    let without = |days_without_drug| {
        Some(DoctorAway {
            returns_on,
            days_without_drug,
        })
    };
    assert_eq!(told("35", &daily("1"), "2026-07-09"), None);
    assert_eq!(told("35", &daily("1"), "2026-07-10"), without(0));
    assert_eq!(told("33", &daily("1"), "2026-08-02"), without(0));
    assert_eq!(told("32", &daily("1"), "2026-08-02"), without(1));
    assert_eq!(told("20", &daily("1"), "2026-07-10"), without(13));
    assert_eq!(told("35", &daily("1"), "2026-08-03"), None);
    // Its last doses would be on 2026-07-25, so five days go without.
    let ending = Therapy {
        end_date: Some(day("2026-07-25")),
        ..daily("1")
    };
    assert_eq!(told("20", &ending, "2026-07-10"), without(5));
}

#[test]
fn with_no_lead_a_drug_is_due_once_it_has_run_out() {
    let none = Absences::default();
    let is_due = |today: &str| {
        stock("2", "2026-01-05")
            .outlook(&daily("1"), 0, &none, day(today))
            .needs_reorder
    };
    assert!(!is_due("2026-01-07"));
    assert!(is_due("2026-01-08"));
}

#[test]
fn settling_keeps_a_daily_stock_as_it_is() {
    let (before, therapy) = (stock("62.5", "2026-01-05"), daily("3"));
    let after = before.settle(&therapy, day("2026-01-15"));
    assert_eq!(after, stock("32.5", "2026-01-15"));
    assert_eq!(after.run_out_date(&therapy), before.run_out_date(&therapy));
    // The same day again changes nothing, and a day before the count is not in it.
    assert_eq!(after.settle(&therapy, day("2026-01-15")), after);
    assert_eq!(after.settle(&therapy, day("2026-01-01")), after);
}

#[test]
fn a_schedule_edit_applies_from_today() {
    let stock = stock("30", "2026-01-05");
    let settled = stock.settle(&daily("1"), day("2026-01-15"));
    assert_eq!(settled.counted_amount, units("20"));
    assert_eq!(settled.run_out_date(&daily("2")), Some(day("2026-01-25")));
}

#[test]
fn a_refill_keeps_the_count_while_something_is_left() {
    let (before, therapy) = (stock("2.5", "2026-01-05"), daily("1"));
    let refilled = |today: &str| before.add(&therapy, units("10"), day(today)).unwrap();
    assert_eq!(refilled("2026-01-05"), stock("12.5", "2026-01-05"));
    // On the run-out date itself, half of today's dose is still there.
    assert_eq!(refilled("2026-01-07"), stock("12.5", "2026-01-05"));
    assert_eq!(
        refilled("2026-01-07").amount_on(&therapy, day("2026-01-07")),
        units("10.5")
    );
    assert_eq!(refilled("2026-01-08"), stock("10", "2026-01-08"));
    assert_eq!(refilled("2026-05-01"), stock("10", "2026-05-01"));
}

#[test]
fn a_refill_of_a_drug_that_consumes_nothing_only_adds() {
    let therapy = Therapy {
        archived: true,
        ..daily("1")
    };
    assert_eq!(
        stock("0", "2026-01-05").add(&therapy, units("1"), day("2026-05-01")),
        Ok(stock("1", "2026-01-05"))
    );
}

#[test]
fn a_refill_is_refused_only_when_too_much_would_be_there() {
    let (full, therapy, today) = (
        stock("1000000", "2026-01-05"),
        daily("1"),
        day("2026-01-15"),
    );
    assert_eq!(
        full.add(&therapy, units("10"), today),
        Ok(stock("1000000", "2026-01-15"))
    );
    let refused = full.add(&therapy, units("10.001"), today);
    assert_eq!(
        refused,
        Err(QuantityError::OutOfRange("1000000.001".to_owned()))
    );
    assert_eq!(full.add(&therapy, Quantity::ZERO, today), Ok(full));
}

#[test]
fn projections_hold_the_dates_or_never() {
    let on = |run_out: &str, reorder: &str| Projection {
        run_out_date: day(run_out),
        reorder_date: day(reorder),
    };
    let stock = stock("35", "2026-07-01");
    assert_eq!(
        Projection::of(&stock, &daily("1"), 21),
        on("2026-08-05", "2026-07-15")
    );
    assert_eq!(
        Projection::of(&stock, &daily("1"), 0),
        on("2026-08-05", "2026-08-05")
    );
    assert_eq!(
        Projection::of(&stock, &daily("1"), u32::MAX),
        on("2026-08-05", "0001-01-01")
    );
    assert_eq!(
        Projection::of(&stock, &daily("1"), 800_000),
        on("2026-08-05", "0001-01-01")
    );
    assert_eq!(
        Projection::of(&stock, &daily("0"), 21),
        on("9999-12-31", "9999-12-31")
    );
    assert_eq!(Projection::NEVER, day("9999-12-31"));
}

#[test]
fn never_is_not_due_whatever_the_absences() {
    let never = Projection {
        run_out_date: Projection::NEVER,
        reorder_date: Projection::NEVER,
    };
    let retired = absences(&[("2026-01-01", "9999-12-31")]);
    for today in ["2025-12-31", "2026-06-01", "9995-01-01", "9999-12-31"] {
        assert!(!never.is_due(&daily("0"), &retired, day(today)), "{today}");
        assert!(retired.due_until(day(today)) < Projection::NEVER, "{today}");
    }
    let outlook =
        stock("10", "2026-01-05").outlook(&daily("1"), LEAD_DAYS, &retired, day("2026-01-05"));
    assert_eq!(outlook.doctor_away.unwrap().returns_on, day("9999-12-31"));
}

#[test]
fn run_out_dates_end_with_the_year_9998() {
    let run_out = |amount: i64| {
        let counted = Stock {
            counted_amount: thousandths(amount),
            counted_on: day("9998-12-01"),
        };
        counted.run_out_date(&daily("0.001"))
    };
    assert_eq!(run_out(30), Some(day("9998-12-31")));
    assert_eq!(run_out(31), None);
    assert_eq!(stock("0", "9999-01-01").run_out_date(&daily("1")), None);
    assert_eq!(
        stock("1000000", "2026-01-05").run_out_date(&daily("0.001")),
        None
    );
}

#[test]
fn the_ends_of_the_calendar_are_no_trap() {
    let therapy = Therapy {
        start_date: Some(NaiveDate::MIN),
        end_date: Some(NaiveDate::MAX),
        ..alternating("1000000", "1000000")
    };
    for counted_on in [NaiveDate::MIN, day("2026-01-05"), NaiveDate::MAX] {
        let stock = Stock {
            counted_amount: Quantity::MAX,
            counted_on,
        };
        for today in [NaiveDate::MIN, day("2026-01-05"), NaiveDate::MAX] {
            for away in [
                Absences::default(),
                absences(&[("2026-01-01", "2026-02-01")]),
            ] {
                let outlook = stock.outlook(&therapy, u32::MAX, &away, today);
                assert!(outlook.current_amount <= Quantity::MAX);
            }
            assert!(stock.settle(&therapy, today).counted_on >= counted_on);
        }
    }
}

#[test]
fn a_stock_for_millennia_is_as_exact_as_a_small_one() {
    // In thousandths: 500,000 at 1 in an even week and 2 in an odd one; counted here in sevenths,
    // day by day.
    let therapy = alternating("0.001", "0.002");
    let stock = stock("500", "2026-01-05");
    let mut sevenths = 7 * 500_000;
    let run_out = stock
        .counted_on
        .iter_days()
        .find(|&date| {
            sevenths -= if naive::is_even_week(date) { 1 } else { 2 };
            sevenths < 0
        })
        .unwrap();
    assert_eq!(stock.run_out_date(&therapy), Some(run_out));
    assert!(run_out > day("8000-01-01"));
}
