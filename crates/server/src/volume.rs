//! The files of a SQLite database, kept whole whatever is done to them from outside.
//!
//! People back the volume up with `tar` while the service runs, and restore it by unpacking an archive over it. SQLite
//! knows nothing of either. What makes both safe, and must stay true:
//!
//! - **A log is replayed over the file it grew from and over no other** ([`pairing`]): each log begins with a commit
//!   that names its file's generation. One that was left from before a restore is moved to `quarantine/`.
//! - **The file is written in one place, [`Volume::checkpoint`], and only while nobody reads the files**
//!   ([`visitors`]); a log that a reader has seen begun is not begun anew before he has gone. So whoever reads the file and its
//!   log in any order, at any speed, has every commit from before he began.
//! - **A write is acknowledged only into the files that are there** ([`Volume::still_ours`], asked after the commit and
//!   before the answer). When others have taken their place, what was acknowledged is kept as a copy, nothing is
//!   written into the new ones, and the process begins anew on them without closing the old: closing would write.
//! - **One service at a time** serves a file: it holds a lock on it.
//! - **Nothing is deleted** but copies, by [`copies`], and of each kind one stays.
//! - While SQLite has the file open, **no descriptor of it or of its `-shm` is closed** by anything but SQLite: that would
//!   drop SQLite's own locks in this process. So the running service looks by `stat` alone.

pub mod copies;
mod files;
pub mod inspect;
mod marker;
pub mod notice;
mod pairing;
pub mod prepare;
pub mod visitors;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use domain::Clock;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection as _, SqlitePool};

use self::copies::{DAILY, PRE_RESTORE, STOP};
use self::files::{Identity, Written, beside, directory, size};
use self::marker::Marker;
use self::prepare::Prepared;
use self::visitors::Visitors;
use crate::problem::Trouble;

/// Frames in a log from which on it is moved into the file: about 4 MiB.
const LONG_LOG: i64 = 1000;
/// How often the files are looked at.
const TICK: Duration = Duration::from_millis(200);
/// When the first look for a daily copy is, and how often then.
const FIRST_COPY: Duration = Duration::from_mins(1);
const NEXT_COPY: Duration = Duration::from_hours(1);

/// How long a stop waits for somebody who reads the files: longer than for one who has just gone.
const END_PATIENCE: Duration = Duration::from_millis(1200);
/// A larger file would make the stop too long.
const STOP_COPY_BYTES: u64 = 64 * 1024 * 1024;

/// The files of the database that is served.
#[derive(Debug)]
pub struct Volume {
    database: PathBuf,
    log: PathBuf,
    directory: File,
    /// The pool of the one connection that writes.
    writer: SqlitePool,
    visitors: Option<Visitors>,
    side: tokio::sync::Mutex<Side>,
    expected: Mutex<Expected>,
    notices: Mutex<BTreeMap<String, Trouble>>,
    is_replaced: AtomicBool,
    /// Keeps any other service away.
    _lock: File,
}

/// The connections beside the pools.
#[derive(Debug)]
struct Side {
    /// Holds a snapshot of the log, so that it is not begun anew.
    keeper: SqliteConnection,
    /// Whether it does, because somebody came while the log was moved.
    is_held: bool,
    /// Whether the log waits for somebody to go.
    is_due: bool,
    /// Measures the log, and makes copies.
    scribe: SqliteConnection,
    /// Frames of this log that are in the file.
    moved: i64,
    /// What the log began with; unknown for one that was found at the start.
    generation: Option<u32>,
    /// The day of the last look for a daily copy.
    copied_on: Option<String>,
    /// The log's time when its length was last asked for.
    measured: Option<SystemTime>,
}

/// What the files are, as long as they are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Expected {
    database: Option<Written>,
    log: Option<Identity>,
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
    /// Takes over the files that were prepared and then opened for serving.
    ///
    /// # Errors
    ///
    /// Another service was faster, or SQLite cannot write.
    pub async fn start(
        database: &Path,
        prepared: Prepared,
        writer: SqlitePool,
        snapshots: &Path,
    ) -> Result<Self, StartError> {
        let lock = match prepared.lock {
            Some(lock) => lock,
            None => prepare::lock(database)
                .map_err(StartError::Trouble)?
                .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))?,
        };
        let keeper = match prepared.keeper {
            Some(keeper) => keeper,
            None => prepare::connection(database).await?,
        };
        let notices = prepared.notices.into_iter();
        let mut notices: BTreeMap<_, _> = notices
            .map(|notice| (notice.code.to_string(), notice))
            .collect();
        let visitors = match Visitors::watch(database, snapshots) {
            Ok(visitors) => Some(visitors),
            Err(error) => {
                let notice = notice::unseen(&error);
                notices.insert(notice.code.to_string(), notice);
                None
            }
        };
        for notice in notices.values() {
            tracing::warn!(
                code = &*notice.code,
                detail = notice.detail,
                "{}",
                notice.title
            );
        }
        let log = beside(database, "-wal");
        let mut side = Side {
            keeper,
            is_held: false,
            is_due: false,
            scribe: prepare::connection(database).await?,
            moved: 0,
            generation: None,
            copied_on: None,
            measured: None,
        };
        let (_, frames, _) = checkpoint(&mut side.scribe, "NOOP").await?;
        // A connection opens the log when it first reads, which must not look like a visitor later.
        sqlx::query("SELECT count(*) FROM sqlite_schema")
            .execute(&mut side.keeper)
            .await?;
        let mut connection = writer.acquire().await?;
        let mut generation = generation(&mut connection).await?;
        if frames == 0 {
            generation = generation.wrapping_add(1);
            side.generation = Some(generation);
        }
        // The first commit of a connection opens the directory, which must not look like a visitor later.
        stamp(&mut connection, generation).await?;
        drop(connection);
        let volume = Self {
            directory: File::open(directory(database))?,
            expected: Mutex::new(Expected {
                database: Written::of(database),
                log: Identity::of(&log),
            }),
            database: database.to_owned(),
            log,
            writer,
            visitors,
            side: tokio::sync::Mutex::new(side),
            notices: Mutex::new(notices),
            is_replaced: AtomicBool::new(false),
            _lock: lock,
        };
        {
            let side = volume.side.lock().await;
            if side.generation.is_some() {
                marker::forget_all(&volume.database)?;
                volume.note(&side, false);
            }
        }
        if let Some(visitors) = &volume.visitors {
            visitors.forget();
        }
        // From here on no older copy of the file goes with the log that is written.
        volume.checkpoint(true).await?;
        Ok(volume)
    }

    /// Adds to what a person should know.
    pub fn notify(&self, notice: Trouble) {
        tracing::warn!(
            code = &*notice.code,
            detail = notice.detail,
            "{}",
            notice.title
        );
        let mut notices = self.notices.lock().expect("no thread panicked");
        notices.insert(notice.code.to_string(), notice);
    }

    /// What a person should know, though the service works.
    pub fn notices(&self) -> Vec<Trouble> {
        let notices = self.notices.lock().expect("no thread panicked");
        notices.values().cloned().collect()
    }

    /// Refuses once other files are in the place of those that are open: what was committed is in the old ones then.
    ///
    /// # Errors
    ///
    /// `database-replaced`.
    pub async fn still_ours(&self) -> Result<(), Trouble> {
        if self.is_replaced.load(Ordering::Acquire) {
            return Err(notice::replaced(&self.database));
        }
        if self.looks_ours() {
            return Ok(());
        }
        // It may be that the service itself is writing the file, or that another SQLite has moved the log into it.
        let mut side = self.side.lock().await;
        if self.looks_ours() || self.was_moved_by_another(&mut side).await {
            return Ok(());
        }
        self.is_replaced.store(true, Ordering::Release);
        Err(notice::replaced(&self.database))
    }

    fn looks_ours(&self) -> bool {
        let now = Expected {
            database: Written::of(&self.database),
            log: Identity::of(&self.log),
        };
        *self.expected.lock().expect("no thread panicked") == now
    }

    async fn was_moved_by_another(&self, side: &mut Side) -> bool {
        let now = Written::of(&self.database);
        {
            let expected = self.expected.lock().expect("no thread panicked");
            let is_same = match (now, expected.database) {
                (Some(now), Some(before)) => now.is_same_file(&before),
                _ => false,
            };
            if !is_same || Identity::of(&self.log) != expected.log {
                return false;
            }
        }
        let Ok((_, _, moved)) = checkpoint(&mut side.scribe, "NOOP").await else {
            return false;
        };
        if moved <= side.moved {
            return false;
        }
        tracing::warn!("another program has moved the log into the database");
        side.moved = moved;
        self.expected.lock().expect("no thread panicked").database = now;
        self.note(side, false);
        true
    }

    /// Looks after the files until others have taken their place; answers that.
    pub async fn look_after(&self, clock: &dyn Clock) -> Trouble {
        let mut next_copy = tokio::time::Instant::now() + FIRST_COPY;
        loop {
            tokio::time::sleep(TICK).await;
            if let Err(trouble) = self.still_ours().await {
                return trouble;
            }
            match self.is_long().await {
                Ok(true) => {
                    if let Err(error) = self.checkpoint(true).await {
                        tracing::warn!(%error, "the log could not be moved into the database");
                    }
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the log could not be measured"),
            }
            if tokio::time::Instant::now() >= next_copy && !self.is_visited() {
                next_copy = tokio::time::Instant::now() + NEXT_COPY;
                self.copy_daily(clock).await;
            }
        }
    }

    fn is_visited(&self) -> bool {
        self.visitors.as_ref().is_some_and(Visitors::present)
    }

    async fn is_long(&self) -> Result<bool, sqlx::Error> {
        let mut side = self.side.lock().await;
        let written = std::fs::metadata(&self.log).and_then(|found| found.modified());
        let written = written.ok();
        if side.is_due {
            return Ok(true);
        }
        if written == side.measured {
            return Ok(false);
        }
        let (_, frames, _) = checkpoint(&mut side.scribe, "NOOP").await?;
        if frames < LONG_LOG {
            side.measured = written;
        }
        Ok(frames >= LONG_LOG)
    }

    /// Moves the log into the file while nobody reads them, and begins the next one if `begins`.
    ///
    /// # Errors
    ///
    /// Those of SQLite; the log is whole then, and stays.
    pub async fn checkpoint(&self, begins: bool) -> Result<Moved, sqlx::Error> {
        // Nobody else writes meanwhile.
        let mut writer = self.writer.acquire().await?;
        let mut side = self.side.lock().await;
        side.is_due = true;
        if self.is_visited() {
            return Ok(Moved::Later);
        }
        self.let_go(&mut side).await?;
        let before = generation(&mut writer).await?;
        let sealed = next_generation(&mut writer).await?;
        stamp(&mut writer, sealed).await?;
        let moved = self.move_log(&mut side, &mut writer).await;
        if !matches!(moved, Ok(Moved::All)) {
            // The log goes on, and must not look finished.
            stamp(&mut writer, before).await?;
            return moved;
        }
        side.is_due = false;
        if begins {
            let generation = sealed.wrapping_add(1);
            stamp(&mut writer, generation).await?;
            let before = side.generation.replace(generation);
            side.moved = 0;
            self.note(&side, false);
            marker::forget(&self.database, before);
        }
        Ok(Moved::All)
    }

    async fn let_go(&self, side: &mut Side) -> Result<(), sqlx::Error> {
        if side.is_held {
            sqlx::query("ROLLBACK").execute(&mut side.keeper).await?;
            side.is_held = false;
        }
        Ok(())
    }

    async fn move_log(
        &self,
        side: &mut Side,
        writer: &mut SqliteConnection,
    ) -> Result<Moved, sqlx::Error> {
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
        let moved = checkpoint(writer, "PASSIVE").await;
        self.expected.lock().expect("no thread panicked").database = Written::of(&self.database);
        if self.is_visited() {
            // He may have read the file before it was written, so the log stays until he has gone.
            self.note(side, false);
            return Ok(Moved::Later);
        }
        self.let_go(side).await?;
        let (_, frames, moved) = moved?;
        side.moved = moved;
        if moved < frames {
            self.note(side, false);
            return Ok(Moved::Later);
        }
        Ok(Moved::All)
    }

    fn note(&self, side: &Side, moving: bool) {
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
        };
        if let Err(error) = marker.write(&self.database, &self.directory) {
            tracing::warn!(%error, "the note on the files could not be written");
        }
    }

    async fn copy_daily(&self, clock: &dyn Clock) {
        let today = clock.now().format("%Y%m%d").to_string();
        let mut side = self.side.lock().await;
        let copies = copies::of(&self.database);
        let there = copies.list().unwrap_or_default();
        let is_there = there
            .iter()
            .any(|copy| copy.why == DAILY && copy.taken_at.starts_with(&today));
        if is_there || side.copied_on.as_ref() == Some(&today) {
            return;
        }
        let taken = copies::take_if_changed(&copies, &mut side.scribe, DAILY).await;
        let mut notices = self.notices.lock().expect("no thread panicked");
        match taken {
            Ok(_) => {
                side.copied_on = Some(today);
                notices.remove("snapshot-skipped");
            }
            Err(error) => {
                let notice = notice::no_copy(&error);
                tracing::warn!(
                    code = &*notice.code,
                    detail = notice.detail,
                    "{}",
                    notice.title
                );
                notices.insert(notice.code.to_string(), notice);
            }
        }
    }

    /// Keeps what was acknowledged into files that others have taken the place of, and waits until those are complete.
    /// Nothing is closed: the process must begin anew.
    pub async fn hand_over(&self) {
        // Whoever still writes ends first, and nobody else begins.
        let writer = self.writer.acquire().await;
        let mut side = self.side.lock().await;
        let expected = *self.expected.lock().expect("no thread panicked");
        let is_gone = match (Written::of(&self.database), expected.database) {
            (Some(now), Some(before)) => !now.is_same_file(&before),
            _ => true,
        };
        // What was overwritten in its own place is lost to the open connections as well.
        if is_gone {
            let copies = copies::of(&self.database);
            let taken = copies
                .take(&mut side.scribe, PRE_RESTORE, copies::SPARE_BYTES)
                .await;
            match taken {
                Ok(taken) => tracing::warn!(
                    number = taken.number,
                    "the state until the file was replaced is kept; to go back to it: {}",
                    notice::command(&format!("restore {}", taken.number))
                ),
                Err(error) => tracing::error!(%error, "the state until then could not be kept"),
            }
            if let Err(error) = copies::retire(&copies) {
                tracing::warn!(%error, "removing old copies");
            }
        }
        if let Some(visitors) = &self.visitors {
            visitors.settled().await;
        }
        drop(writer);
    }

    /// Puts the log away and keeps a copy; answers whether the database may now be closed, which writes otherwise.
    pub async fn end(&self) -> bool {
        if self.still_ours().await.is_err() {
            tracing::warn!("the database was replaced; the next start will see to it");
            return false;
        }
        let patience = tokio::time::Instant::now() + END_PATIENCE;
        while self.is_visited() && tokio::time::Instant::now() < patience {
            tokio::time::sleep(TICK / 4).await;
        }
        match self.checkpoint(false).await {
            Ok(Moved::All) => {}
            Ok(Moved::Later) => {
                tracing::info!("somebody reads the files, so the log stays beside the database");
                return false;
            }
            Err(error) => {
                tracing::warn!(%error, "the log stays beside the database");
                return false;
            }
        }
        let mut side = self.side.lock().await;
        if size(&self.database) <= STOP_COPY_BYTES {
            let copies = copies::of(&self.database);
            if let Err(error) = copies::take_if_changed(&copies, &mut side.scribe, STOP).await {
                tracing::warn!(%error, "no copy was made at the stop");
            }
        }
        true
    }

    /// Notes how the service left its files, once every connection is closed.
    pub fn ended(&self) {
        let Some(database) = Written::of(&self.database) else {
            return;
        };
        let marker = Marker {
            generation: None,
            database,
            log: None,
            moving: false,
        };
        match marker::forget_all(&self.database)
            .and_then(|()| marker.write(&self.database, &self.directory))
        {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "the note on the files could not be written"),
        }
    }

    /// Closes the connections beside the pools.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub async fn close(&self) -> Result<(), sqlx::Error> {
        let mut side = self.side.lock().await;
        let side = &mut *side;
        for connection in [&mut side.keeper, &mut side.scribe] {
            let memory = SqliteConnection::connect("sqlite::memory:").await?;
            std::mem::replace(connection, memory).close().await?;
        }
        Ok(())
    }
}

/// Why the files could not be taken over.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Trouble(Trouble),
    #[error(transparent)]
    Sqlite(#[from] sqlx::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What SQLite says of the log: whether somebody was in the way, its frames, and those that are in the file.
async fn checkpoint(
    connection: &mut SqliteConnection,
    mode: &str,
) -> Result<(i64, i64, i64), sqlx::Error> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    sqlx::query_as(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await
}

async fn generation(connection: &mut SqliteConnection) -> Result<u32, sqlx::Error> {
    let generation: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(connection)
        .await?;
    Ok(u32::try_from(generation & 0xffff_ffff).expect("it has 32 bits"))
}

/// One that no other file has, so that none of another time can be taken for it.
async fn next_generation(connection: &mut SqliteConnection) -> Result<u32, sqlx::Error> {
    let random: i64 = sqlx::query_scalar("SELECT 2 + (random() & 0x3fffffff)")
        .fetch_one(connection)
        .await?;
    Ok(u32::try_from(random).expect("it has 30 bits"))
}

/// Commits a generation.
async fn stamp(connection: &mut SqliteConnection, generation: u32) -> Result<(), sqlx::Error> {
    let signed = generation.cast_signed();
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(AssertSqlSafe(format!("PRAGMA user_version = {signed}")))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}
