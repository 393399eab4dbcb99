//! The files of a SQLite database, kept whole whatever is done to them from outside.
//!
//! People back the volume up with `tar` while the service runs, and restore it by unpacking an archive over it. SQLite
//! knows nothing of either. What makes both safe, and must stay true:
//!
//! - **A log is replayed over the file it grew from and over no other** ([`pairing`]): each log begins with a commit
//!   that names its file's generation. One that was left from before a restore is moved to `quarantine/`.
//! - **The file is written in one place, [`Volume::checkpoint`], and only while nobody reads the files**
//!   ([`visitors`]); a log that a reader has seen begun is not begun anew before he has gone. So whoever reads the file
//!   and its log in any order, at any speed, has every commit from before he began.
//! - **A write is acknowledged only into the files that are there** ([`Volume::still_ours`], asked after the commit and
//!   before the answer). When others have taken their place, what was acknowledged is kept as a copy, nothing is
//!   written into the new ones, and the process begins anew on them without closing the old: closing would write.
//! - **One service at a time** serves a file: it holds a lock on it.
//! - **What was acknowledged is there twice** ([`twin`]), so that whoever puts others in the place of the files, while
//!   the service runs or not, finds a copy of the state before among the others at the next start ([`before`]).
//! - **Nothing is deleted** but copies, by [`copies`], and of each kind one stays.
//! - While SQLite has the file open, **no descriptor of it or of its `-shm` is closed** by anything but SQLite: that
//!   would drop SQLite's own locks in this process. So the running service looks by `stat` alone.

mod before;
mod checkpoints;
pub mod copies;
mod files;
pub mod inspect;
mod leaving;
mod marker;
pub mod notice;
mod pairing;
pub mod prepare;
mod twin;
pub mod visitors;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::Clock;

pub use self::checkpoints::Moved;
use self::checkpoints::{Side, generation, measure, raw, stamp};
use self::copies::DAILY;
pub(crate) use self::files::beside;
use self::files::{Identity, Written, directory};
use self::marker::Marker;
use self::prepare::Prepared;
use self::twin::Names;
use self::twin::copy::Copy;
use self::visitors::Visitors;
use crate::database::Session;
use crate::problem::Trouble;

/// How often the files are looked at.
const TICK: Duration = Duration::from_millis(200);
/// When the first look for a daily copy is, and how often then.
const FIRST_COPY: Duration = Duration::from_mins(1);
const NEXT_COPY: Duration = Duration::from_hours(1);

/// The files of the database that is served.
#[derive(Debug)]
pub struct Volume {
    database: PathBuf,
    log: PathBuf,
    directory: File,
    /// The connection that writes.
    writer: Arc<tokio::sync::Mutex<Session>>,
    visitors: Option<Visitors>,
    side: tokio::sync::Mutex<Side>,
    expected: Mutex<Expected>,
    notices: Mutex<BTreeMap<String, Trouble>>,
    is_replaced: AtomicBool,
    /// Whether the last commit was not acknowledged, because the files were seen to be others after it.
    is_disowned: AtomicBool,
    /// The other names of the log.
    names: Arc<Names>,
    /// Keeps any other service away.
    _lock: File,
}

/// What the files are, as long as they are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Expected {
    database: Option<Written>,
    log: Option<Identity>,
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
        writer: Arc<tokio::sync::Mutex<Session>>,
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
        let mut scribe = prepare::connection(database).await?;
        let (frames, _) = measure(&mut scribe).await?;
        let mut side = Side {
            keeper,
            is_held: false,
            is_due: false,
            scribe,
            moved: 0,
            generation: None,
            begun: Instant::now(),
            copy: Copy::none(database)?,
            copied_on: None,
            measured: None,
        };
        // A connection opens the log when it first reads, which must not look like a visitor later.
        sqlx::query("SELECT count(*) FROM sqlite_schema")
            .execute(&mut side.keeper)
            .await?;
        {
            let mut session = writer.lock().await;
            let connection = raw(&mut session);
            let mut generation = generation(connection)?;
            if frames == 0 {
                generation = generation.wrapping_add(1);
                side.generation = Some(generation);
                let left = Marker::read(database, None).map(|left| left.database);
                let is_as_left = left.is_some() && left == Written::of(database);
                if is_as_left {
                    side.copy.take_whole(generation);
                }
            }
            // The first commit of a connection opens the directory, which must not look like a visitor later.
            stamp(connection, generation)?;
        }
        let names = Arc::new(Names::begin(database)?);
        if let Some(visitors) = &visitors {
            visitors.tell_of_leaving(&names);
        }
        let volume = Self {
            names,
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
            is_disowned: AtomicBool::new(false),
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
        if self.is_replaced() {
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

    /// Whether others are known to be in the place of the files, so that nothing is to be committed any more.
    pub(crate) fn is_replaced(&self) -> bool {
        self.is_replaced.load(Ordering::Acquire)
    }

    /// The last commit will not be acknowledged: it may hold what was read from a file in the place of ours.
    pub(crate) fn disown(&self) {
        self.is_disowned.store(true, Ordering::Release);
    }

    /// Whether the files are as the service left them; what follows if not, [`Volume::still_ours`] knows.
    pub(crate) fn looks_ours(&self) -> bool {
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
        let Ok((_, moved)) = measure(&mut side.scribe).await else {
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
            if !self.is_visited() {
                self.names.forget_older();
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
}

/// Why the files could not be taken over.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Trouble(Trouble),
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
