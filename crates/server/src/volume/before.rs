//! What was acknowledged before others took the place of the files: found in `twin/`, and kept as a copy.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::Connection as _;

use super::copies;
use super::files::beside;
use super::inspect::Finding;
use super::marker::Marker;
use super::pairing::{Log, Main};
use super::prepare::{connection, quarantine};
use super::twin::{self, Found, State};

/// A file and the log that goes on from it, where there is one.
#[derive(Debug)]
struct Pair {
    base: PathBuf,
    /// Of the log that goes with it.
    generation: u32,
    log: Option<(PathBuf, Log)>,
    /// Whether it is all that was acknowledged: a log went on from the file and is gone where it is not.
    is_all: bool,
}

/// Keeps as copies what lies in `twin/` and is not what will be served, and answers the number of the one that is all
/// that was acknowledged.
///
/// `served` is nothing where the database cannot be served at all.
pub(super) async fn keep(
    database: &Path,
    served: Option<&Finding>,
    now: DateTime<Utc>,
) -> Option<u32> {
    let pairs = match pairs(database, served) {
        Ok(pairs) => pairs,
        Err(error) => {
            tracing::warn!(%error, "looking for the state before");
            return None;
        }
    };
    let mut kept = None;
    for pair in pairs {
        match keep_pair(database, &pair, now).await {
            Ok(number) if pair.is_all => kept = Some(number),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "of the state before no copy was made"),
        }
    }
    kept
}

fn is_newer_than_copies(database: &Path, base: &Path) -> io::Result<bool> {
    let made = fs::metadata(base)?.modified()?;
    for copy in copies::of(database).list()? {
        if fs::metadata(copy.path)?.modified()? >= made {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn keep_pair(database: &Path, pair: &Pair, now: DateTime<Utc>) -> io::Result<u32> {
    let room = quarantine(database, now)?;
    let copied = copy(database, pair, &room.join("database")).await;
    fs::remove_dir_all(&room)?;
    match copied {
        Ok(number) => fs::remove_file(&pair.base).map(|()| number),
        Err(reason) => {
            set_aside(pair, &room)?;
            Err(io::Error::other(reason))
        }
    }
}

/// Which pairs are there that will not be served.
fn pairs(database: &Path, served: Option<&Finding>) -> io::Result<Vec<Pair>> {
    let (mut bases, mut logs) = (Vec::new(), vec![beside(database, "-wal")]);
    for (path, found) in twin::list(database)? {
        match found {
            Found::Base { generation, state } => bases.push((path, generation, state)),
            Found::Log => logs.push(path),
        }
    }
    if bases.is_empty() {
        return Ok(Vec::new());
    }
    let mut read = Vec::new();
    for path in logs {
        if let Some(log) = Log::read(&path)? {
            read.push((path, log));
        }
    }
    let mut pairs = Vec::new();
    for (base, generation, state) in bases {
        let is_whole = state == State::Whole;
        if !is_whole && state != State::of_now() {
            // What of it had come to the disk when the machine went off is not known.
            continue;
        }
        let Some(main) = Main::read(&base)?.filter(|main| main.goes_with(generation)) else {
            continue;
        };
        let logs = read
            .iter()
            .filter(|(_, log)| log.generation() == Some(generation) && log.belongs_to(main));
        let log = logs.max_by_key(|(_, log)| log.frames()).cloned();
        let is_all = is_whole || log.is_some();
        if !is_all && !is_newer_than_copies(database, &base)? {
            continue;
        }
        let frames = log.as_ref().map_or(0, |(_, log)| log.frames());
        if !served.is_some_and(|served| served.holds(generation, frames)) {
            pairs.push(Pair {
                base,
                generation,
                log,
                is_all,
            });
        }
    }
    Ok(pairs)
}

/// Takes a copy of what the two say together.
async fn copy(database: &Path, pair: &Pair, file: &Path) -> Result<u32, String> {
    assemble(database, pair, file).map_err(|error| error.to_string())?;
    let copies = copies::of(database);
    let mut source = connection(file).await.map_err(|error| error.to_string())?;
    let taken = copies::take_if_changed(&copies, &mut source, copies::PRE_RESTORE).await;
    if let Err(error) = source.close().await {
        tracing::warn!(%error, "closing a copy");
    }
    match taken {
        Ok(Some(taken)) => Ok(taken.number),
        // The one before is the same: it was made when the file was replaced.
        Ok(None) => {
            let newest = copies.list().unwrap_or_default().pop();
            newest
                .map(|copy| copy.number)
                .ok_or_else(|| "it has gone".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Puts the two where SQLite finds one beside the other.
fn assemble(database: &Path, pair: &Pair, file: &Path) -> io::Result<()> {
    fs::copy(&pair.base, file)?;
    if let Some((path, log)) = &pair.log {
        let noted = Marker::read(database, Some(pair.generation));
        // The commit after which it was seen that the file is another may hold pages of that one.
        let length = if noted.is_some_and(|noted| noted.disowned) {
            log.length_before_last()
        } else {
            u64::MAX
        };
        let mut to = File::create(beside(file, "-wal"))?;
        io::copy(&mut File::open(path)?.take(length), &mut to)?;
    }
    Ok(())
}

/// Moves a pair of which no copy can be made where nothing touches it.
fn set_aside(pair: &Pair, room: &Path) -> io::Result<()> {
    fs::create_dir(room)?;
    let file = room.join(pair.base.file_name().unwrap_or_default());
    fs::rename(&pair.base, &file)?;
    if let Some((path, _)) = &pair.log {
        fs::hard_link(path, beside(&file, "-wal"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::files::Written;
    use super::super::inspect::inspect;
    use super::*;

    fn base_name() -> String {
        let State::Since(start) = State::of_now() else {
            unreachable!("it is not whole")
        };
        format!("a-00000007-{start}.db")
    }

    /// A database with one row in its file and two more, one commit each, in its log; the same is in `twin/`.
    fn twofold(directory: &Path) -> PathBuf {
        let database = directory.join("a.db");
        let connection = Connection::open(&database).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x); INSERT INTO t VALUES (1);
                 PRAGMA user_version = 6; PRAGMA wal_checkpoint(TRUNCATE)",
            )
            .unwrap();
        let twin = directory.join("twin");
        fs::create_dir(&twin).unwrap();
        fs::copy(&database, twin.join(base_name())).unwrap();
        connection
            .execute_batch(
                "PRAGMA user_version = 7; INSERT INTO t VALUES (2); INSERT INTO t VALUES (3)",
            )
            .unwrap();
        fs::hard_link(beside(&database, "-wal"), twin.join("a-1.wal")).unwrap();
        // As if it were killed: who closes the last connection puts the log away.
        std::mem::forget(connection);
        database
    }

    async fn kept(database: &Path, is_served: bool) -> Option<i64> {
        let finding = inspect(database).unwrap();
        let number = keep(
            database,
            is_served.then_some(&finding),
            DateTime::UNIX_EPOCH,
        )
        .await?;
        let copies = copies::of(database).list().unwrap();
        let copy = copies.iter().find(|copy| copy.number == number).unwrap();
        let rows =
            Connection::open(&copy.path)
                .unwrap()
                .query_row("SELECT count(*) FROM t", [], |row| row.get(0));
        Some(rows.unwrap())
    }

    #[tokio::test]
    async fn what_is_served_is_no_state_before() {
        let directory = tempfile::tempdir().unwrap();
        let database = twofold(directory.path());
        assert_eq!(kept(&database, true).await, None);
        assert_eq!(kept(&database, false).await, Some(3));
        assert_eq!(kept(&database, false).await, None, "it is kept once");
    }

    #[tokio::test]
    async fn a_log_that_is_shorter_than_it_was_leaves_what_it_was_to_be_kept() {
        let directory = tempfile::tempdir().unwrap();
        let database = twofold(directory.path());
        let log = beside(&database, "-wal");
        let bytes = fs::read(&log).unwrap();
        fs::remove_file(&log).unwrap();
        fs::write(&log, &bytes[..bytes.len() - 4096]).unwrap();
        assert_eq!(kept(&database, true).await, Some(3));
    }

    #[tokio::test]
    async fn a_file_whose_log_is_gone_is_kept_unless_a_copy_is_newer_and_is_not_all() {
        for is_there in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let database = twofold(directory.path());
            // Written in its place, the log is lost under both of its names.
            fs::write(beside(&database, "-wal"), "").unwrap();
            let copies = directory.path().join("snapshots");
            fs::create_dir(&copies).unwrap();
            if is_there {
                fs::write(copies.join("a-0001-20261122T031500Z-daily.db"), "").unwrap();
            }
            assert_eq!(kept(&database, false).await, None);
            let count = fs::read_dir(copies).unwrap().count();
            assert_eq!(count, 1);
            assert_eq!(
                directory.path().join("twin").join(base_name()).exists(),
                is_there
            );
        }
    }

    #[tokio::test]
    async fn a_file_from_before_the_machine_went_off_is_not_relied_on() {
        let directory = tempfile::tempdir().unwrap();
        let database = twofold(directory.path());
        let twin = directory.path().join("twin");
        fs::rename(twin.join(base_name()), twin.join("a-00000007-12345678.db")).unwrap();
        assert_eq!(kept(&database, false).await, None);
        assert!(!directory.path().join("snapshots").exists());
    }

    #[tokio::test]
    async fn a_commit_that_was_disowned_is_not_in_the_copy() {
        let directory = tempfile::tempdir().unwrap();
        let database = twofold(directory.path());
        let marker = Marker {
            generation: Some(7),
            database: Written::of(&database).unwrap(),
            log: None,
            moving: false,
            disowned: true,
        };
        let place = File::open(directory.path()).unwrap();
        marker.write(&database, &place).unwrap();
        assert_eq!(kept(&database, false).await, Some(2));
    }

    #[tokio::test]
    async fn what_is_no_database_is_set_aside_and_not_deleted() {
        let directory = tempfile::tempdir().unwrap();
        let database = twofold(directory.path());
        let base = directory.path().join("twin").join(base_name());
        let mut bytes = fs::read(&base).unwrap();
        bytes[4096..].fill(7);
        fs::write(&base, bytes).unwrap();
        let log = fs::read(directory.path().join("twin/a-1.wal")).unwrap();
        fs::write(directory.path().join("twin/a-1.wal"), &log[..32 + 4120]).unwrap();
        assert_eq!(kept(&database, false).await, None);
        let rooms = fs::read_dir(directory.path().join("quarantine")).unwrap();
        let room = rooms.map(|room| room.unwrap().path()).next().unwrap();
        assert!(room.join(base_name()).exists());
        assert!(room.join(base_name() + "-wal").exists());
    }
}
