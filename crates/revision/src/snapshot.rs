//! A verified copy of a SQLite database, taken while the caller holds its write lock.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::error::Error;
use crate::location::SqliteFile;
use crate::options::Options;
use crate::space;

/// Copies the database into the directory that the options name, if they do, and returns the copy's path.
///
/// The copy is written under a name of its own, checked, brought to the disk and only then given its final name, so
/// that a file with that name is always whole. Names count upwards, whatever the clock says:
/// `notes-0007-20260102T030405Z-pre-migrate.db`.
///
/// # Errors
///
/// [`Error::NoSpace`] when less than twice the size of the database and `spare_bytes` are free,
/// [`Error::Snapshot`] when the copy cannot be made or fails SQLite's integrity check.
pub(crate) async fn take(file: &SqliteFile, options: &Options) -> Result<Option<PathBuf>, Error> {
    let Some(directory) = &options.snapshot_dir else {
        return Ok(None);
    };
    let failed = |reason: String| Error::Snapshot {
        path: directory.clone(),
        reason,
    };
    fs::create_dir_all(directory).map_err(|error| failed(error.to_string()))?;
    let needed = size(file)
        .saturating_mul(2)
        .saturating_add(options.spare_bytes);
    space::require(directory, needed)?;
    space::require(file.directory(), needed)?;

    let stem = file
        .path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let unfinished = directory.join(format!(".tmp-{stem}-pre-migrate.db"));
    // The lock is held, so what lies there was left behind by a killed process.
    remove(&unfinished).map_err(|error| failed(error.to_string()))?;
    let result = copy(file, &unfinished, directory, &stem).await;
    if result.is_err()
        && let Err(error) = remove(&unfinished)
    {
        tracing::warn!(%error, "removing the unfinished snapshot");
    }
    let path = result.map_err(failed)?;
    tracing::info!(path = %path.display(), "snapshot taken");
    if let Err(error) = retire(directory, &stem, options.keep_snapshots) {
        tracing::warn!(%error, "removing old snapshots");
    }
    Ok(Some(path))
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

async fn copy(
    file: &SqliteFile,
    unfinished: &Path,
    directory: &Path,
    stem: &str,
) -> Result<PathBuf, String> {
    let source = file
        .options
        .clone()
        .create_if_missing(false)
        .disable_statement_logging();
    let mut source = source.connect().await.map_err(|error| error.to_string())?;
    let vacuumed = sqlx::query("VACUUM INTO ?")
        .bind(unfinished.to_string_lossy().into_owned())
        .execute(&mut source)
        .await;
    let stamp = text(&mut source, "SELECT strftime('%Y%m%dT%H%M%SZ', 'now')").await;
    let closed = source.close().await;
    vacuumed.map_err(|error| error.to_string())?;
    let stamp = stamp.map_err(|error| error.to_string())?;
    closed.map_err(|error| error.to_string())?;

    verify(unfinished).await?;
    let name = format!(
        "{stem}-{:04}-{stamp}-pre-migrate.db",
        next_number(directory, stem).map_err(|error| error.to_string())?
    );
    let path = directory.join(name);
    publish(file, unfinished, &path, directory).map_err(|error| error.to_string())?;
    Ok(path)
}

/// Reads the copy as a restore would, before anything relies on it.
async fn verify(copy: &Path) -> Result<(), String> {
    let options = SqliteConnectOptions::new()
        .filename(copy)
        .read_only(true)
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(|error| error.to_string())?;
    let verdict = text(&mut connection, "PRAGMA integrity_check(1)").await;
    let closed = connection.close().await;
    let verdict = verdict.map_err(|error| error.to_string())?;
    closed.map_err(|error| error.to_string())?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(format!(
            "the copy fails SQLite's integrity check: {verdict}"
        ))
    }
}

fn publish(file: &SqliteFile, unfinished: &Path, path: &Path, directory: &Path) -> io::Result<()> {
    // Who may not read the database may not read its copy.
    fs::set_permissions(unfinished, fs::metadata(&file.path)?.permissions())?;
    File::open(unfinished)?.sync_all()?;
    fs::rename(unfinished, path)?;
    File::open(directory)?.sync_all()
}

/// Removes all but the newest snapshots of this database.
fn retire(directory: &Path, stem: &str, keep: usize) -> io::Result<()> {
    let mut snapshots = numbered(directory, stem)?;
    snapshots.sort();
    let old = snapshots.len().saturating_sub(keep.max(1));
    for (_, path) in &snapshots[..old] {
        remove(path)?;
    }
    Ok(())
}

/// One more than the highest number that a snapshot of this database has.
fn next_number(directory: &Path, stem: &str) -> io::Result<u32> {
    let snapshots = numbered(directory, stem)?;
    let highest = snapshots.iter().map(|(number, _)| *number).max();
    Ok(highest.unwrap_or(0).saturating_add(1))
}

/// The snapshots of this database, each with its number.
fn numbered(directory: &Path, stem: &str) -> io::Result<Vec<(u32, PathBuf)>> {
    let mut snapshots = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name
            .strip_prefix(stem)
            .and_then(|rest| rest.strip_prefix('-'))
            .and_then(|rest| rest.strip_suffix("-pre-migrate.db"))
            .and_then(|rest| rest.split('-').next());
        if let Some(number) = number.and_then(|digits| digits.parse::<u32>().ok()) {
            snapshots.push((number, entry.path()));
        }
    }
    Ok(snapshots)
}

/// Bytes in the database and its log.
fn size(file: &SqliteFile) -> u64 {
    let bytes = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    bytes(&file.path) + bytes(&file.companion("-wal"))
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
