//! Waiting for another connection, up to a deadline.

use std::time::{Duration, Instant};

use sea_orm::DbErr;

use crate::error::database_code;

/// How long SQLite itself waits before the deadline is looked at again.
pub(super) const SLICE: Duration = Duration::from_millis(200);

/// A time that may be spent on waiting; it begins when it is made.
pub(super) struct Patience {
    since: Instant,
    limit: Duration,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            since: Instant::now(),
            limit,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.since.elapsed() >= self.limit
    }

    pub(super) fn waited(&self) -> Duration {
        self.since.elapsed()
    }
}

/// SQLite's primary result code (<https://www.sqlite.org/rescode.html>).
pub(super) fn result_code(error: &DbErr) -> Option<u32> {
    let extended: u32 = database_code(error)?.parse().ok()?;
    Some(extended & 0xff)
}

/// Whether another connection is in the way, so that waiting may help.
pub(super) fn is_busy(error: &DbErr) -> bool {
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const PROTOCOL: u32 = 15;
    matches!(result_code(error), Some(BUSY | LOCKED | PROTOCOL))
}
