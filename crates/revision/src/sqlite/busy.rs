//! Telling a connection that is in the way from a database that is broken.

use std::time::Duration;

use sea_orm::DbErr;

use crate::error::database_code;

/// How long SQLite itself waits before the deadline is looked at again.
pub(super) const SLICE: Duration = Duration::from_millis(200);

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
