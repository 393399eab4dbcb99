//! The log is moved into the file in one place, while nobody reads the two, and the next one begins under a generation
//! of its own.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use sqlx::sqlite::SqliteConnection;

use super::files::{Written, has_room};
use super::marker::{self, Marker};
use super::twin::copy::Copy;
use super::{StartError as Error, Volume};
use crate::database::Session;

/// Frames in a log from which on it is moved into the file, once it is this old: about 4 MiB. What was changed twice
/// meanwhile is moved once.
const LONG_LOG: i64 = 1000;
const OLD_LOG: Duration = Duration::from_secs(1);
/// Frames from which on it is moved whatever its age, and about as many bytes: it keeps its length on the disk.
const HUGE_LOG: i64 = 8000;
const HUGE_LOG_BYTES: u64 = 32 * 1024 * 1024;

/// The connections beside the pools.
#[derive(Debug)]
pub(super) struct Side {
    /// Holds a snapshot of the log, so that it is not begun anew.
    pub(super) keeper: SqliteConnection,
    /// Whether it does, because somebody came while the log was moved.
    pub(super) is_held: bool,
    /// Whether the log waits for somebody to go.
    pub(super) is_due: bool,
    /// Measures the log, and makes copies.
    pub(super) scribe: SqliteConnection,
    /// Frames of this log that are in the file.
    pub(super) moved: i64,
    /// What the log began with; unknown for one that was found at the start.
    pub(super) generation: Option<u32>,
    /// When it was begun, or found.
    pub(super) begun: Instant,
    /// The second copy, which goes with the log.
    pub(super) copy: Copy,
    /// The day of the last look for a daily copy.
    pub(super) copied_on: Option<String>,
    /// The log's time when its length was last asked for.
    pub(super) measured: Option<SystemTime>,
}

/// Whether the log is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// All of it.
    All,
    /// Somebody reads, so it has to wait.
    Later,
}

impl Volume {
    pub(super) async fn is_long(&self) -> Result<bool, Error> {
        let mut side = self.side.lock().await;
        let written = std::fs::metadata(&self.log).and_then(|found| found.modified());
        let written = written.ok();
        if side.is_due {
            return Ok(true);
        }
        if written == side.measured {
            return Ok(false);
        }
        let (frames, _) = measure(&mut side.scribe).await?;
        side.copy.follow(frames);
        if frames < LONG_LOG {
            side.measured = written;
            return Ok(false);
        }
        let may_wait = frames < HUGE_LOG && side.begun.elapsed() < OLD_LOG;
        Ok(!may_wait || !has_room(&self.database, HUGE_LOG_BYTES))
    }

    /// Moves the log into the file while nobody reads them, and begins the next one if `begins`.
    ///
    /// # Errors
    ///
    /// Those of SQLite; the log is whole then, and stays.
    pub async fn checkpoint(&self, begins: bool) -> Result<Moved, Error> {
        // The file is not written while it is read for the copy.
        self.side.lock().await.copy.settle().await;
        // Nobody else writes meanwhile.
        let mut writer = self.writer.lock().await;
        let mut side = self.side.lock().await;
        side.is_due = true;
        if self.is_visited() {
            return Ok(Moved::Later);
        }
        self.let_go(&mut side).await?;
        let before = generation(raw(&mut writer))?;
        let sealed = next_generation(raw(&mut writer))?;
        stamp(raw(&mut writer), sealed)?;
        let moved = self.move_log(&mut side, &mut writer).await;
        if !matches!(moved, Ok(Moved::All)) {
            // The log goes on, and must not look finished.
            stamp(raw(&mut writer), before)?;
            return moved;
        }
        side.is_due = false;
        let generation = sealed.wrapping_add(1);
        // Before the next log is written over this one.
        let frames = side.moved;
        side.copy.follow(frames);
        if begins {
            stamp(raw(&mut writer), generation)?;
            let before = side.generation.replace(generation);
            side.moved = 0;
            side.begun = Instant::now();
            self.note(&side, false);
            marker::forget(&self.database, before);
        }
        side.copy.renew(generation, !begins);
        if !begins {
            side.copy.settle().await;
        }
        Ok(Moved::All)
    }

    async fn let_go(&self, side: &mut Side) -> Result<(), Error> {
        if side.is_held {
            sqlx::query("ROLLBACK").execute(&mut side.keeper).await?;
            side.is_held = false;
        }
        Ok(())
    }

    async fn move_log(&self, side: &mut Side, writer: &mut Session) -> Result<Moved, Error> {
        // Not more than the keeper sees is moved, so who comes from here on finds all of that in the log.
        sqlx::query("BEGIN").execute(&mut side.keeper).await?;
        side.is_held = true;
        sqlx::query("SELECT count(*) FROM sqlite_schema")
            .execute(&mut side.keeper)
            .await?;
        self.note(side, true);
        // As late as can be: what somebody has written into the file's place must not be written over.
        if self.is_visited() || !self.looks_ours() {
            self.let_go(side).await?;
            self.note(side, false);
            return Ok(Moved::Later);
        }
        let moved = tokio::task::block_in_place(|| move_passively(raw(writer)));
        self.expected.lock().expect("no thread panicked").database = Written::of(&self.database);
        if self.is_visited() {
            // He may have read the file before it was written, so the log stays until he has gone.
            self.note(side, false);
            return Ok(Moved::Later);
        }
        self.let_go(side).await?;
        let (frames, moved) = moved?;
        side.moved = moved;
        if moved < frames {
            self.note(side, false);
            return Ok(Moved::Later);
        }
        Ok(Moved::All)
    }

    pub(super) fn note(&self, side: &Side, moving: bool) {
        let expected = *self.expected.lock().expect("no thread panicked");
        let Some(database) = expected.database else {
            return;
        };
        // Of a log that was found the note of the run that began it still holds.
        if side.generation.is_none() {
            return;
        }
        let marker = Marker {
            generation: side.generation,
            database,
            log: expected.log,
            moving,
            disowned: self.is_disowned.load(Ordering::Acquire),
        };
        if let Err(error) = marker.write(&self.database, &self.directory) {
            tracing::warn!(%error, "the note on the files could not be written");
        }
    }
}

/// What SQLite says of the log: its frames, and those of them that are in the file.
pub(super) async fn measure(connection: &mut SqliteConnection) -> Result<(i64, i64), Error> {
    let (_, frames, moved): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(NOOP)")
        .fetch_one(connection)
        .await?;
    Ok((frames, moved))
}

/// Moves what nobody reads, and answers the log's frames and those that are in the file now.
fn move_passively(connection: &rusqlite::Connection) -> Result<(i64, i64), Error> {
    let sql = "PRAGMA wal_checkpoint(PASSIVE)";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(1)?, row.get(2)?));
    Ok(connection.query_row(sql, [], row)?)
}

/// What the file and the log say of themselves.
pub(super) fn generation(connection: &rusqlite::Connection) -> Result<u32, Error> {
    let generation: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(u32::try_from(generation & 0xffff_ffff).expect("it has 32 bits"))
}

/// One that no other file has, so that none of another time can be taken for it.
fn next_generation(connection: &rusqlite::Connection) -> Result<u32, Error> {
    let sql = "SELECT 2 + (random() & 0x3fffffff)";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// Commits a generation.
pub(super) fn stamp(connection: &rusqlite::Connection, generation: u32) -> Result<(), Error> {
    connection.pragma_update(None, "user_version", generation.cast_signed())?;
    Ok(())
}

/// The connection that writes.
pub(super) fn raw(session: &mut Session) -> &rusqlite::Connection {
    session.sqlite().expect("a volume holds SQLite").raw()
}
