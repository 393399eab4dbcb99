//! Time as an argument: instants come from a [`Clock`], and today from a clock and a time zone.

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

/// Where the time comes from.
pub trait Clock: Send + Sync + Debug {
    /// The present instant, in UTC.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// A clock that stands still until it is set, for tests.
#[derive(Debug)]
pub struct FixedClock {
    now: Mutex<DateTime<Utc>>,
}

/// A text that is no IANA time zone; holds the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of an IANA time zone, e.g. Europe/Berlin or UTC; got {0:?}")]
pub struct TimeZoneError(String);

/// The local date in `time_zone` now.
pub fn today(clock: &dyn Clock, time_zone: Tz) -> NaiveDate {
    clock.now().with_timezone(&time_zone).date_naive()
}

/// Finds an IANA time zone by its exact name; the zones are compiled into the program.
///
/// # Errors
/// When there is no such zone; the message names the text and gives an example.
pub fn parse_time_zone(name: &str) -> Result<Tz, TimeZoneError> {
    name.parse().map_err(|_| TimeZoneError(name.to_owned()))
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that all others are told to use"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

impl FixedClock {
    /// A clock that stands at `now`.
    pub const fn new(now: DateTime<Utc>) -> Self {
        Self {
            now: Mutex::new(now),
        }
    }

    /// Moves the clock to `now`, forwards or backwards.
    pub fn set(&self, now: DateTime<Utc>) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock_at(instant: &str) -> FixedClock {
        FixedClock::new(instant.parse().unwrap())
    }

    #[test]
    fn today_is_the_local_date_of_the_zone() {
        let clock = clock_at("2026-03-31T23:30:00Z");
        for (zone, date) in [
            ("Europe/Berlin", "2026-04-01"),
            ("UTC", "2026-03-31"),
            ("America/New_York", "2026-03-31"),
        ] {
            assert_eq!(
                today(&clock, parse_time_zone(zone).unwrap()).to_string(),
                date,
                "{zone}"
            );
        }
    }

    #[test]
    fn today_turns_at_local_midnight_on_both_sides_of_a_clock_change() {
        let berlin = parse_time_zone("Europe/Berlin").unwrap();
        for (instant, date) in [
            ("2026-03-28T22:59:59Z", "2026-03-28"),
            ("2026-03-28T23:00:00Z", "2026-03-29"),
            ("2026-03-29T21:59:59Z", "2026-03-29"),
            ("2026-03-29T22:00:00Z", "2026-03-30"),
            ("2026-10-24T22:00:00Z", "2026-10-25"),
            ("2026-10-25T22:59:59Z", "2026-10-25"),
            ("2026-10-25T23:00:00Z", "2026-10-26"),
        ] {
            assert_eq!(
                today(&clock_at(instant), berlin).to_string(),
                date,
                "{instant}"
            );
        }
    }

    #[test]
    fn a_fixed_clock_stands_until_it_is_set() {
        let clock = clock_at("2026-03-31T23:30:00Z");
        assert_eq!(clock.now(), clock.now());
        let earlier = "1970-01-01T00:00:00Z".parse().unwrap();
        clock.set(earlier);
        assert_eq!(clock.now(), earlier);
    }

    #[test]
    fn the_system_clock_goes_forward_from_this_century() {
        let first = SystemClock.now();
        assert!(first > DateTime::UNIX_EPOCH);
        assert!(SystemClock.now() >= first);
    }

    #[test]
    fn a_zone_that_is_none_is_named_with_an_example() {
        for name in [
            "",
            "Berlin",
            "europe/berlin",
            ":Europe/Berlin",
            "Europe/Berlin ",
            "UTC+2",
            "Mars/Olympus",
        ] {
            let message = parse_time_zone(name).unwrap_err().to_string();
            let expected = format!(
                "must be the name of an IANA time zone, e.g. Europe/Berlin or UTC; got {name:?}"
            );
            assert_eq!(message, expected);
        }
    }
}
