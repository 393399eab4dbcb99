//! A second copy of the database, and a second name of its log, in `twin/` beside it.
//!
//! What is unpacked or copied over the two files would take with it what was acknowledged into them. So the file as it
//! was when its log began is there once more ([`copy`]), named by the generation that the log began with. The log is
//! not copied: it has a second name, `medicine-<number>.wal`, which stays with it when another file takes the first.
//!
//! An archive brings back the names of its own time, over those that are there. A copy of the same generation is the
//! same; a log is not, it may have grown. So the log gets another name whenever somebody who has read the directory
//! is gone. [`before`](super::before) finds what is left of a state that others have taken the place of.

pub(super) mod copy;

use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::files::beside;

const DIRECTORY: &str = "twin";
const WHOLE: &str = "whole";

/// The names of the log beside the one that SQLite knows.
#[derive(Debug)]
pub(super) struct Names {
    database: PathBuf,
    log: PathBuf,
    /// The newest last.
    known: Mutex<Vec<PathBuf>>,
}

/// What lies in `twin/`.
#[derive(Debug)]
pub(super) enum Found {
    /// A copy, with the generation of the log that goes with it.
    Base {
        generation: u32,
        state: State,
    },
    Log,
}

/// How far a copy can be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is on the disk, and no log goes on from it.
    Whole,
    /// A log goes on from it, and it is as it was written while the machine has not been started anew.
    Since(String),
}

impl State {
    /// That of a copy that is written now.
    pub(super) fn of_now() -> Self {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self::Since(id.chars().take(8).collect())
    }
}

impl Names {
    /// Gives the log a name, and takes those that killed runs have left for its own.
    ///
    /// # Errors
    ///
    /// The directory cannot be made or read.
    pub(super) fn begin(database: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory(database))?;
        let found = list(database)?.into_iter();
        let left = found.filter(|(_, found)| matches!(found, Found::Log));
        let names = Self {
            database: database.to_owned(),
            log: beside(database, "-wal"),
            known: Mutex::new(left.map(|(path, _)| path).collect()),
        };
        names.add();
        Ok(names)
    }

    /// Gives the log one more name, that no archive made until now knows.
    pub(super) fn add(&self) {
        let mut names = self.known.lock().expect("no thread panicked");
        // By chance, for a clock may be set back.
        let number = RandomState::new().build_hasher().finish();
        let name = log_name(&self.database, number);
        match fs::hard_link(&self.log, &name) {
            Ok(()) => names.push(name),
            // At the end SQLite puts it away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%error, "the log has no second name"),
        }
    }

    /// Removes all but the newest, once nobody reads the directory.
    pub(super) fn forget_older(&self) {
        let mut names = self.known.lock().expect("no thread panicked");
        let older = names.len().saturating_sub(1);
        names.drain(..older).for_each(|name| remove(&name));
    }

    /// Removes every one, once SQLite has put the log away.
    pub(super) fn forget_all(&self) {
        let mut names = self.known.lock().expect("no thread panicked");
        names.drain(..).for_each(|name| remove(&name));
    }
}

/// What lies there for a database.
pub(super) fn list(database: &Path) -> io::Result<Vec<(PathBuf, Found)>> {
    let entries = match fs::read_dir(directory(database)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let prefix = format!("{}-", stem(database));
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(name) = name.strip_prefix(&prefix) else {
            continue;
        };
        let what = match name.rsplit_once('.') {
            Some((number, "db")) => base(number),
            Some((number, "wal")) if u64::from_str_radix(number, 16).is_ok() => Some(Found::Log),
            _ => None,
        };
        if let Some(what) = what {
            found.push((path, what));
        }
    }
    Ok(found)
}

/// Where it all is.
pub(super) fn directory(database: &Path) -> PathBuf {
    database.with_file_name(DIRECTORY)
}

fn stem(database: &Path) -> String {
    let stem = database.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// What a name says that [`base_name`] has made.
fn base(name: &str) -> Option<Found> {
    let (generation, state) = name
        .split_once('-')
        .filter(|(generation, _)| generation.len() == 8)?;
    let state = match state {
        WHOLE => State::Whole,
        start => State::Since(start.to_owned()),
    };
    Some(Found::Base {
        generation: u32::from_str_radix(generation, 16).ok()?,
        state,
    })
}

fn base_name(database: &Path, generation: u32, state: &State) -> PathBuf {
    let state = match state {
        State::Whole => WHOLE,
        State::Since(start) => start,
    };
    directory(database).join(format!("{}-{generation:08x}-{state}.db", stem(database)))
}

fn log_name(database: &Path, number: u64) -> PathBuf {
    directory(database).join(format!("{}-{number:x}.wal", stem(database)))
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %path.display(), "removing a part of the second copy");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_with_the_log_when_another_takes_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("a.db");
        let log = beside(&database, "-wal");
        fs::write(&log, "a log").unwrap();
        let first = Names::begin(&database).unwrap();
        first.add();
        let names = || {
            let found = list(&database).unwrap();
            found.into_iter().map(|(path, _)| path).collect::<Vec<_>>()
        };
        assert_eq!(names().len(), 2);
        first.forget_older();
        let name = names().pop().unwrap();
        assert_eq!(names().len(), 1);
        fs::remove_file(&log).unwrap();
        fs::write(&log, "another").unwrap();
        assert_eq!(fs::read(&name).unwrap(), b"a log");
        // What a killed run has left goes with its own.
        let next = Names::begin(&database).unwrap();
        assert_eq!(names().len(), 2);
        next.forget_all();
        assert!(names().is_empty());
    }

    #[test]
    fn what_is_not_called_so_is_not_touched() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("a.db");
        assert!(list(&database).unwrap().is_empty());
        fs::create_dir(super::directory(&database)).unwrap();
        for other in [
            "b-0000000a-whole.db",
            "a-0000000g-whole.db",
            "a-0000000a.db",
            "a-b-0000000a-whole.db",
            "a-1.txt",
            "unfinished",
        ] {
            fs::write(super::directory(&database).join(other), "").unwrap();
        }
        assert!(list(&database).unwrap().is_empty());
        fs::write(base_name(&database, 10, &State::Whole), "").unwrap();
        let found = list(&database).unwrap();
        let [
            (
                _,
                Found::Base {
                    generation: 10,
                    state: State::Whole,
                },
            ),
        ] = &found[..]
        else {
            panic!("{found:?}")
        };
    }
}
