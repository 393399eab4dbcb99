//! How many drugs there are of each schedule, archived or not: known without asking.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rusqlite::Connection;

/// The words of `schedule_type`.
pub(crate) const SCHEDULES: [&str; 3] = ["daily", "weekly_alternating", "as_needed"];

/// The counts, and a number that grows with every commit.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    drugs: [[AtomicI64; 3]; 2],
    commits: AtomicU64,
}

impl Counts {
    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let counts = Self::default();
        let mut statement = connection.prepare(
            "SELECT archived, schedule_type, count(*) FROM drugs GROUP BY archived, schedule_type",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let schedule: String = row.get(1)?;
            counts.add(row.get(0)?, &schedule, row.get(2)?);
        }
        Ok(counts)
    }

    pub(crate) fn add(&self, archived: bool, schedule: &str, drugs: i64) {
        if let Some(place) = SCHEDULES.iter().position(|word| *word == schedule) {
            self.drugs[usize::from(archived)][place].fetch_add(drugs, Ordering::Relaxed);
        }
    }

    /// How many drugs there are with this schedule, or with any.
    pub(crate) fn total(&self, archived: Option<bool>, schedule: Option<&str>) -> i64 {
        let mut total = 0;
        for (is_archived, drugs) in [false, true].into_iter().zip(&self.drugs) {
            for (word, drugs) in SCHEDULES.iter().zip(drugs) {
                let counts = archived.is_none_or(|archived| archived == is_archived)
                    && schedule.is_none_or(|schedule| schedule == *word);
                if counts {
                    total += drugs.load(Ordering::Relaxed);
                }
            }
        }
        total
    }

    pub(crate) fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }
}
