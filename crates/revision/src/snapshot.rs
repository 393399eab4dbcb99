//! Verified copies of a SQLite database, numbered, in one directory.

mod name;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::error::{Error, words};
use crate::event::Observer;
use crate::location::SqliteFile;
use crate::options::Options;
use crate::patience::Patience;
use crate::space;

/// Why the engine takes a copy.
pub const PRE_MIGRATE: &str = "pre-migrate";

/// How long to pause while another process takes a copy.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// The copies of one SQLite database, in one directory.
///
/// A copy is written under a name of its own, checked, brought to the disk and only then given its final name, so that
/// a file with that name is always whole. Names count upwards, whatever the clock says:
/// `notes-0007-20260102T030405Z-pre-migrate.db`.
#[derive(Clone, Debug)]
pub struct Snapshots {
    database: PathBuf,
    directory: PathBuf,
}

/// One copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Higher than that of every copy taken before.
    pub number: u32,
    /// The UTC instant at which it was taken, by the clock of that moment: `20260102T030405Z`.
    pub taken_at: String,
    /// What it was taken for, as `pre-migrate`.
    pub why: String,
    /// Where it is.
    pub path: PathBuf,
}

impl Snapshots {
    /// The copies of `database` in `directory`, which need not be there yet.
    pub fn new(database: impl Into<PathBuf>, directory: impl Into<PathBuf>) -> Self {
        Self {
            database: database.into(),
            directory: directory.into(),
        }
    }

    /// Where the copies are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Every copy, oldest first; none when the directory is not there.
    ///
    /// # Errors
    ///
    /// The directory cannot be read.
    pub fn list(&self) -> io::Result<Vec<Snapshot>> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut snapshots = Vec::new();
        for entry in entries {
            snapshots.extend(name::read(&self.stem(), &entry?.path()));
        }
        snapshots.sort_by_key(|snapshot| snapshot.number);
        Ok(snapshots)
    }

    /// Copies what `source`, a connection to the database, sees at this moment. `why` is lower-case words with dashes.
    ///
    /// `spare_bytes` must stay free beside the copy.
    ///
    /// # Errors
    ///
    /// [`Error::NoSpace`] when less than the size of the database and `spare_bytes` are free, [`Error::Snapshot`]
    /// when the copy cannot be made or fails SQLite's integrity check, [`Error::Locked`] when another process takes
    /// copies for more than a minute.
    pub async fn take(
        &self,
        source: &mut SqliteConnection,
        why: &str,
        spare_bytes: u64,
    ) -> Result<Snapshot, Error> {
        let failed = |reason: String| self.failed(reason);
        fs::create_dir_all(&self.directory).map_err(|error| failed(error.to_string()))?;
        let needed = size(&self.database).saturating_add(spare_bytes);
        space::require(&self.directory, needed)?;
        let _turn = self.turn().await?;
        let unfinished = self
            .directory
            .join(format!(".tmp-{}-{why}.db", self.stem()));
        // It is this process's turn, so what lies there was left behind by a killed one.
        remove(&unfinished).map_err(|error| failed(error.to_string()))?;
        let result = self.copy(source, &unfinished, why).await;
        if result.is_err()
            && let Err(error) = remove(&unfinished)
        {
            tracing::warn!(%error, "removing the unfinished snapshot");
        }
        let snapshot = result.map_err(failed)?;
        tracing::info!(path = %snapshot.path.display(), "snapshot taken");
        Ok(snapshot)
    }

    /// Removes all but the newest `count` copies taken for this reason, of which one always stays.
    ///
    /// # Errors
    ///
    /// The directory cannot be read, or a copy not be removed.
    pub fn keep(&self, why: &str, count: usize) -> io::Result<()> {
        let mut snapshots = self.list()?;
        snapshots.retain(|snapshot| snapshot.why == why);
        let old = snapshots.len().saturating_sub(count.max(1));
        for snapshot in &snapshots[..old] {
            remove(&snapshot.path)?;
        }
        Ok(())
    }

    /// Waits until no other process takes a copy.
    async fn turn(&self) -> Result<File, Error> {
        let directory =
            File::open(&self.directory).map_err(|error| self.failed(error.to_string()))?;
        let observer = Observer::default();
        let mut patience = Patience::new(Options::default().lock_timeout, &observer);
        loop {
            match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(directory),
                Err(Errno::WOULDBLOCK) => patience.wait(None, PAUSE).await?,
                Err(error) => return Err(self.failed(error.to_string())),
            }
        }
    }

    async fn copy(
        &self,
        source: &mut SqliteConnection,
        unfinished: &Path,
        why: &str,
    ) -> Result<Snapshot, String> {
        copy_into(source, unfinished).await?;
        let taken_at = text(source, "SELECT strftime('%Y%m%dT%H%M%SZ', 'now')")
            .await
            .map_err(|error| words(&error))?;
        let published = self.publish(unfinished, taken_at, why);
        published.map_err(|error| error.to_string())
    }

    fn publish(&self, unfinished: &Path, taken_at: String, why: &str) -> io::Result<Snapshot> {
        let highest = self.list()?.last().map_or(0, |snapshot| snapshot.number);
        let number = highest.saturating_add(1);
        let name = format!("{}-{number:04}-{taken_at}-{why}.db", self.stem());
        let path = self.directory.join(name);
        // Who may not read the database may not read its copy.
        if let Ok(database) = fs::metadata(&self.database) {
            fs::set_permissions(unfinished, database.permissions())?;
        }
        File::open(unfinished)?.sync_all()?;
        fs::rename(unfinished, &path)?;
        File::open(&self.directory)?.sync_all()?;
        Ok(Snapshot {
            number,
            taken_at,
            why: why.to_owned(),
            path,
        })
    }

    fn stem(&self) -> String {
        let stem = self.database.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    }

    fn failed(&self, reason: String) -> Error {
        Error::Snapshot {
            path: self.directory.clone(),
            reason,
        }
    }
}

/// Writes what a connection sees into a new file, as one whole database without a log, and reads it as a restore would.
///
/// # Errors
///
/// Why the copy cannot be made or fails SQLite's integrity check, in words; what was written is left there.
pub async fn copy_into(source: &mut SqliteConnection, file: &Path) -> Result<(), String> {
    sqlx::query("VACUUM INTO ?")
        .bind(file.to_string_lossy().into_owned())
        .execute(source)
        .await
        .map_err(|error| words(&error))?;
    verify(file).await
}

/// Reads a whole database without a log, before anything relies on it.
///
/// # Errors
///
/// What SQLite's integrity check says, or why it cannot be read.
pub async fn verify(file: &Path) -> Result<(), String> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(|error| words(&error))?;
    let verdict = text(&mut connection, "PRAGMA integrity_check(1)").await;
    let closed = connection.close().await;
    let verdict = verdict.map_err(|error| words(&error))?;
    closed.map_err(|error| words(&error))?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(format!(
            "the copy fails SQLite's integrity check: {verdict}"
        ))
    }
}

/// Copies the database into the directory that the options name, if they do, while the caller holds its write lock.
///
/// # Errors
///
/// Those of [`Snapshots::take`]; there must be room for the migration as well.
pub(crate) async fn take(file: &SqliteFile, options: &Options) -> Result<Option<PathBuf>, Error> {
    let Some(directory) = &options.snapshot_dir else {
        return Ok(None);
    };
    let snapshots = Snapshots::new(&file.path, directory);
    let twice = size(&file.path).saturating_add(options.spare_bytes);
    space::require(file.directory(), twice.saturating_add(size(&file.path)))?;
    let connect = file
        .options
        .clone()
        .create_if_missing(false)
        .disable_statement_logging();
    let source = connect.connect().await;
    let mut source = source.map_err(|error| snapshots.failed(words(&error)))?;
    let taken = snapshots.take(&mut source, PRE_MIGRATE, twice).await;
    let closed = source.close().await;
    let taken = taken?;
    closed.map_err(|error| snapshots.failed(words(&error)))?;
    if let Err(error) = snapshots.keep(PRE_MIGRATE, options.keep_snapshots) {
        tracing::warn!(%error, "removing old snapshots");
    }
    Ok(Some(taken.path))
}

/// Removes a copy of a database that is as it was, because its own migration failed and was rolled back.
///
/// After any other error the file itself may be in danger, and the copy stays.
pub(crate) fn discard_after(error: &Error, path: &Path) {
    if matches!(error, Error::Failed { .. } | Error::Orphaned { .. })
        && let Err(error) = remove(path)
    {
        tracing::warn!(%error, path = %path.display(), "removing the snapshot");
    }
}

/// Bytes in the database and its log.
fn size(database: &Path) -> u64 {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    let bytes = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    bytes(database) + bytes(Path::new(&log))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

async fn text(
    connection: &mut SqliteConnection,
    query: &'static str,
) -> Result<String, sqlx::Error> {
    sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_one(connection)
        .await
}
