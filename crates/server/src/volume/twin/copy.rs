//! The copy: made to go with the next log whenever one has been moved into the file, by the pages that this log has
//! changed, beside the service's work and not before anybody's answer.
//!
//! It is brought to the disk only at a stop, for that would hold up every commit meanwhile: until then it is of use as
//! long as the machine runs, and its name says since which start (`medicine-1a2b3c4d-5e6f7a8b.db`). At a stop it is
//! called `medicine-1a2b3c4d-whole.db`, for no log goes on from it then.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::mem;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::super::files::{Written, beside, has_room};
use super::super::pairing::{self, Main};
use super::{Found, State, WHOLE, base_name, directory, list, remove};

/// How much is copied at a time where the whole file is.
const PIECE: usize = 64 * 1024;

/// The copy that is there, or that is being made.
#[derive(Debug)]
pub(in super::super) struct Copy {
    source: Arc<Source>,
    path: Option<PathBuf>,
    /// How many frames of the log have been looked at, and the pages in them.
    frames: u64,
    changed: BTreeSet<u32>,
    making: Option<JoinHandle<Option<PathBuf>>>,
}

/// What it is made from.
#[derive(Debug)]
struct Source {
    database: PathBuf,
    /// Both are open as long as SQLite has them open: closing the database would drop SQLite's locks on it, and opening
    /// them again would look like a visitor.
    file: File,
    /// Of the log.
    index: File,
}

impl Copy {
    /// There is none yet. SQLite has the files open already, and nobody watches them.
    ///
    /// # Errors
    ///
    /// The two files cannot be opened.
    pub(in super::super) fn none(database: &Path) -> io::Result<Self> {
        let source = Source {
            database: database.to_owned(),
            file: File::open(database)?,
            index: File::open(beside(database, "-shm"))?,
        };
        Ok(Self {
            source: Arc::new(source),
            path: None,
            frames: 0,
            changed: BTreeSet::new(),
            making: None,
        })
    }

    /// Takes the one that a stop has left, of a database that nobody has written since, if it is there.
    pub(in super::super) fn take_whole(&mut self, generation: u32) {
        let path = base_name(&self.source.database, generation, &State::Whole);
        let main = Main::read(&path);
        let is_there = main.is_ok_and(|main| main.is_some_and(|main| main.goes_with(generation)));
        self.path = is_there.then_some(path);
    }

    /// Waits for one that is being made.
    pub(in super::super) async fn settle(&mut self) {
        if let Some(making) = self.making.take() {
            self.path = making.await.ok().flatten();
        }
    }

    /// Looks which pages are in so many frames of the log: what was looked at before need not be while nobody may
    /// write.
    pub(in super::super) fn follow(&mut self, frames: i64) {
        let frames = u64::try_from(frames).unwrap_or(0);
        match pairing::pages(&self.source.index, self.frames..frames) {
            Ok(pages) => {
                self.changed.extend(pages);
                self.frames = frames.max(self.frames);
            }
            Err(error) => {
                tracing::warn!(%error, "the log's index cannot be read");
                // Only the whole file would do.
                self.path = None;
            }
        }
    }

    /// Begins to make the one that goes with the log of a generation, or with none.
    ///
    /// All of the log has been looked at, and moved into the file.
    pub(in super::super) fn renew(&mut self, next: u32, is_whole: bool) {
        let last = self.path.take().zip(Some(mem::take(&mut self.changed)));
        self.frames = 0;
        let source = Arc::clone(&self.source);
        self.making = Some(tokio::task::spawn_blocking(move || {
            let state = if is_whole {
                State::Whole
            } else {
                State::of_now()
            };
            let next = base_name(&source.database, next, &state);
            let last = last.as_ref();
            let last = last.map(|(path, changed)| (path.as_path(), changed));
            let made = source
                .renew(last, &next, is_whole)
                .and_then(|()| source.forget_others(&next));
            made.inspect_err(|error| tracing::warn!(%error, "the second copy was not made"))
                .ok()
                .map(|()| next)
        }));
    }
}

impl Source {
    /// Makes the copy `next` while nothing writes the file: from `last` and the pages that the log has changed since,
    /// or else from the whole file.
    ///
    /// # Errors
    ///
    /// There is no room, or somebody has written the file meanwhile; there is no copy then.
    fn renew(
        &self,
        last: Option<(&Path, &BTreeSet<u32>)>,
        next: &Path,
        is_synced: bool,
    ) -> io::Result<()> {
        // Under its own name an archive would take it for finished.
        let unfinished = directory(&self.database).join("unfinished");
        let done = self
            .write(&unfinished, last, is_synced)
            .and_then(|()| fs::rename(&unfinished, next));
        if done.is_err() {
            remove(&unfinished);
        }
        done
    }

    fn write(
        &self,
        unfinished: &Path,
        last: Option<(&Path, &BTreeSet<u32>)>,
        is_synced: bool,
    ) -> io::Result<()> {
        let before = Written::of(&self.database);
        let found = self.file.metadata()?;
        let changed = last.filter(|(last, _)| fs::rename(last, unfinished).is_ok());
        if changed.is_some_and(|(last, _)| is_whole(last)) {
            // Nothing may be written into what would be called whole after a power cut.
            File::open(directory(&self.database))?.sync_all()?;
        }
        let mut open = File::options();
        open.write(true);
        let file = if let Some((_, changed)) = changed {
            let file = open.open(unfinished)?;
            let mut page = vec![0; self.page()?];
            for number in changed {
                let at = u64::from(number - 1) * page.len() as u64;
                // What the log has cut off is in it still.
                if at < found.len() {
                    self.file.read_exact_at(&mut page, at)?;
                    file.write_all_at(&page, at)?;
                }
            }
            file
        } else {
            if !has_room(&self.database, found.len()) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let file = open.create(true).truncate(true).open(unfinished)?;
            // Who may not read the database may not read its copy.
            file.set_permissions(found.permissions())?;
            let (mut piece, mut at) = (vec![0; PIECE], 0);
            loop {
                let read = self.file.read_at(&mut piece, at)?;
                if read == 0 {
                    break;
                }
                file.write_all_at(&piece[..read], at)?;
                at += read as u64;
            }
            file
        };
        file.set_len(found.len())?;
        if is_synced {
            file.sync_all()?;
        }
        if Written::of(&self.database) != before || found.ino() != self.inode() {
            return Err(io::Error::other("the database was written meanwhile"));
        }
        Ok(())
    }

    fn inode(&self) -> u64 {
        fs::metadata(&self.database).map_or(0, |found| found.ino())
    }

    fn page(&self) -> io::Result<usize> {
        let mut size = [0; 2];
        self.file.read_exact_at(&mut size, 16)?;
        Ok(pairing::page_size(size))
    }

    /// Removes the other copies: each is a part of what is served, or was kept when the service started.
    fn forget_others(&self, ours: &Path) -> io::Result<()> {
        for (path, found) in list(&self.database)? {
            if matches!(found, Found::Base { .. }) && path != ours {
                remove(&path);
            }
        }
        Ok(())
    }
}

fn is_whole(copy: &Path) -> bool {
    let stem = copy.file_stem().unwrap_or_default();
    stem.to_string_lossy().ends_with(WHOLE)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::*;

    struct Pair {
        directory: TempDir,
        connection: Connection,
    }

    impl Pair {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let connection = Connection::open(directory.path().join("a.db")).unwrap();
            let pair = Self {
                directory,
                connection,
            };
            pair.run(
                "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x);
                 PRAGMA user_version = 1; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA user_version = 2",
            );
            pair
        }

        fn run(&self, sql: &str) {
            self.connection.execute_batch(sql).unwrap();
        }

        fn file(&self) -> PathBuf {
            self.directory.path().join("a.db")
        }

        /// Moves the whole log into the file; answers its frames.
        fn moved(&self) -> i64 {
            let sql = "PRAGMA wal_checkpoint(PASSIVE)";
            let counts = self.connection.query_row(sql, [], |row| {
                Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
            });
            let (frames, moved) = counts.unwrap();
            assert_eq!(frames, moved);
            frames
        }
    }

    /// Grows, shrinks and changes, and the copy follows by the pages that were changed alone.
    #[test]
    fn the_copy_is_the_file_after_every_log() {
        let pair = Pair::new();
        fs::create_dir(directory(&pair.file())).unwrap();
        let copy = Copy::none(&pair.file()).unwrap();
        let source = &copy.source;
        let whole = base_name(&pair.file(), 3, &State::of_now());
        let mut frames = pair.moved();
        source.renew(None, &whole, false).unwrap();
        let mut last = whole;
        for (next, sql) in (4..).zip([
            "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
             SELECT randomblob(2000) FROM n",
            "UPDATE t SET x = randomblob(3000) WHERE rowid % 7 = 0",
            "DELETE FROM t WHERE rowid > 60; VACUUM",
            "CREATE INDEX i ON t (x); PRAGMA user_version = 9",
            "DROP TABLE t; VACUUM",
        ]) {
            assert_eq!(fs::read(&last).unwrap(), fs::read(pair.file()).unwrap());
            pair.run(sql);
            frames = pair.moved();
            let frames_there = u64::try_from(frames).unwrap();
            let pages = pairing::pages(&source.index, 0..frames_there).unwrap();
            let mut changed: BTreeSet<_> = pages.into_iter().collect();
            let path = base_name(&pair.file(), next, &State::of_now());
            source.renew(Some((&last, &changed)), &path, true).unwrap();
            assert!(!last.exists());
            let (made, file) = (fs::read(&path).unwrap(), fs::read(pair.file()).unwrap());
            assert!(made == file, "{sql}");
            // Control: with a page that is left out it is another.
            let mut older = made;
            let page = source.page().unwrap();
            older[..page].fill(0);
            fs::write(&path, older).unwrap();
            changed.remove(&1);
            last = base_name(&pair.file(), next, &State::Whole);
            source.renew(Some((&path, &changed)), &last, true).unwrap();
            assert!(fs::read(&last).unwrap() != file);
            fs::write(&last, file).unwrap();
        }
        assert!(frames > 0);
    }
}
