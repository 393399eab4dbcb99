//! Whether a write-ahead log belongs to the database beside it, told from the bytes of the two alone.
//!
//! SQLite goes by the name: it replays whatever lies at `medicine.db-wal` over whatever lies at `medicine.db`. So every
//! log that the service begins says in its first commit from which file it grew. `user_version`, a number in the header
//! of a database that SQLite leaves to the application, is the generation: what ends a log gives the file a new one, at
//! random, and what begins the next log counts one up. A log belongs to a file whose generation is one below its first,
//! or one of those that it has itself, where it has been moved into the file in part.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::files::size;

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// The header of a database (<https://www.sqlite.org/fileformat2.html#the_database_header>).
const DATABASE_HEADER: usize = 100;
/// The header of a log, and that of each frame in it (<https://www.sqlite.org/fileformat2.html#the_write_ahead_log>).
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const LOG_MAGIC: u32 = 0x377f_0682;
/// The bytes of a block of a log's index, the numbers of pages at the begin of each, and how many of them the head of
/// the index takes the place of.
const INDEX_BLOCK: u64 = 32 * 1024;
const BLOCK_PAGES: u64 = 4096;
const INDEX_HEAD_PAGES: u64 = 34;

/// What the header of a database says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Main {
    generation: u32,
    /// Whether it was ever written with a log.
    has_log: bool,
}

/// What is committed in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Log {
    /// Of every page 1 in it, in order.
    generations: Vec<u32>,
    /// How many frames are committed, and how many of them before the last commit.
    frames: u64,
    frames_before_last: u64,
    page: usize,
}

impl Main {
    /// Nothing where this is not the header of a database, or the file is shorter than one page.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut header = [0; DATABASE_HEADER];
        match File::open(path)?.read_exact(&mut header) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let page = page_size([header[16], header[17]]);
        if !header.starts_with(MAGIC) || size(path) < page as u64 {
            return Ok(None);
        }
        Ok(Some(Self {
            generation: number(&header, 60),
            has_log: header[18] == 2 || header[19] == 2,
        }))
    }

    /// Whether a log of this generation begins where the file ends.
    pub(super) fn goes_with(self, log: u32) -> bool {
        self.has_log && self.generation.wrapping_add(1) == log
    }
}

impl Log {
    /// Nothing where nothing is committed in it, or it is not there.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let mut reader = BufReader::new(file);
        let mut header = [0; LOG_HEADER];
        if !fill(&mut reader, &mut header)? {
            return Ok(None);
        }
        let magic = number(&header, 0);
        let page = number(&header, 8) as usize;
        if magic & !1 != LOG_MAGIC || !(512..=65536).contains(&page) || !page.is_power_of_two() {
            return Ok(None);
        }
        let mut sum = Sum::new(magic & 1 == 1);
        sum.add(&header[..24]);
        if !sum.is(&header[24..]) {
            return Ok(None);
        }
        let (mut frame, mut seen, mut committed) = (vec![0; FRAME_HEADER + page], Vec::new(), None);
        let (mut frames, mut commits) = (0, (0, 0));
        while fill(&mut reader, &mut frame)? {
            sum.add(&frame[..8]);
            sum.add(&frame[FRAME_HEADER..]);
            if frame[8..16] != header[16..24] || !sum.is(&frame[16..24]) {
                break;
            }
            if number(&frame, 0) == 1 {
                seen.push(number(&frame[FRAME_HEADER..], 60));
            }
            frames += 1;
            if number(&frame, 4) != 0 {
                committed = Some(seen.len());
                commits = (commits.1, frames);
            }
        }
        Ok(committed.map(|count| {
            seen.truncate(count);
            Self {
                generations: seen,
                frames_before_last: commits.0,
                frames: commits.1,
                page,
            }
        }))
    }

    /// How many frames are committed.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// How many bytes it had before its last commit.
    pub(super) fn length_before_last(&self) -> u64 {
        LOG_HEADER as u64 + self.frames_before_last * (FRAME_HEADER + self.page) as u64
    }

    /// What it began with; nothing where another program began it.
    pub(super) fn generation(&self) -> Option<u32> {
        self.generations.first().copied()
    }

    /// Whether it grew from this file. Of a log without any page 1 that cannot be told, and SQLite is believed.
    pub(super) fn belongs_to(&self, main: Main) -> bool {
        let Some(first) = self.generation() else {
            return main.has_log;
        };
        main.has_log && (main.goes_with(first) || self.generations.contains(&main.generation))
    }
}

/// The pages that some frames of a log hold, all of which are committed, as SQLite has noted them in the log's index
/// (<https://www.sqlite.org/walformat.html#the_wal_index_file_format>). To read them from the log takes a call for
/// each.
pub(super) fn pages(index: &File, frames: Range<u64>) -> io::Result<Vec<u32>> {
    let (mut pages, mut next) = (Vec::new(), frames.start);
    while next < frames.end {
        // The head of the index takes the place of the first of them.
        let place = INDEX_HEAD_PAGES + next;
        let (block, within) = (place / BLOCK_PAGES, place % BLOCK_PAGES);
        let count = (BLOCK_PAGES - within).min(frames.end - next);
        let mut numbers = vec![0; usize::try_from(4 * count).expect("a block is small")];
        index.read_exact_at(&mut numbers, block * INDEX_BLOCK + 4 * within)?;
        let numbers = numbers.chunks_exact(4);
        pages.extend(numbers.map(|it| u32::from_ne_bytes(it.try_into().expect("four bytes"))));
        next += count;
    }
    Ok(pages)
}

/// The size of a page as the header of a database says it.
pub(super) fn page_size(stored: [u8; 2]) -> usize {
    match u16::from_be_bytes(stored) {
        1 => 65536,
        page => page.into(),
    }
}

/// The checksum that runs through a log.
struct Sum {
    big_endian: bool,
    parts: (u32, u32),
}

impl Sum {
    fn new(big_endian: bool) -> Self {
        Self {
            big_endian,
            parts: (0, 0),
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        let read = |word: &[u8]| {
            let word = word.try_into().expect("a word has four bytes");
            if self.big_endian {
                u32::from_be_bytes(word)
            } else {
                u32::from_le_bytes(word)
            }
        };
        let (mut first, mut second) = self.parts;
        for pair in bytes.chunks_exact(8) {
            first = first.wrapping_add(read(&pair[..4])).wrapping_add(second);
            second = second.wrapping_add(read(&pair[4..])).wrapping_add(first);
        }
        self.parts = (first, second);
    }

    fn is(&self, stored: &[u8]) -> bool {
        (number(stored, 0), number(stored, 4)) == self.parts
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    let word = bytes[at..at + 4].try_into().expect("four bytes");
    u32::from_be_bytes(word)
}

/// Whether there was enough to fill the buffer.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        other => other.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
    use sqlx::{AssertSqlSafe, ConnectOptions as _};
    use tempfile::TempDir;

    use super::*;

    struct Pair {
        directory: TempDir,
        connection: SqliteConnection,
    }

    impl Pair {
        async fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let options = SqliteConnectOptions::new()
                .filename(directory.path().join("a.db"))
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .pragma("wal_autocheckpoint", "0");
            let mut pair = Self {
                directory,
                connection: options.connect().await.unwrap(),
            };
            pair.run("CREATE TABLE t (x)").await;
            pair.run("PRAGMA wal_checkpoint(TRUNCATE)").await;
            pair
        }

        async fn run(&mut self, sql: &str) {
            let query = sqlx::query(AssertSqlSafe(sql));
            query.execute(&mut self.connection).await.unwrap();
        }

        fn file(&self) -> PathBuf {
            self.directory.path().join("a.db")
        }

        fn main(&self) -> Main {
            Main::read(&self.file()).unwrap().unwrap()
        }

        fn log(&self) -> Option<Log> {
            Log::read(&self.directory.path().join("a.db-wal")).unwrap()
        }
    }

    #[tokio::test]
    async fn a_log_belongs_to_the_file_it_grew_from_and_to_what_it_makes_of_it_and_to_no_other() {
        let mut pair = Pair::new().await;
        pair.run("PRAGMA user_version = 40").await;
        pair.run("PRAGMA wal_checkpoint(TRUNCATE)").await;
        let older = pair.main();
        pair.run("PRAGMA user_version = 700").await;
        pair.run("PRAGMA wal_checkpoint(TRUNCATE)").await;
        let before = pair.main();
        assert_eq!(pair.log(), None);

        pair.run("PRAGMA user_version = 701").await;
        pair.run("INSERT INTO t VALUES (1)").await;
        let log = pair.log().unwrap();
        assert_eq!(log.generation(), Some(701));
        assert!(log.belongs_to(before));
        assert!(!log.belongs_to(older));

        pair.run("PRAGMA user_version = 9000").await;
        let log = pair.log().unwrap();
        pair.run("PRAGMA wal_checkpoint(PASSIVE)").await;
        assert!(log.belongs_to(pair.main()));
        pair.run("PRAGMA user_version = 9001").await;
        assert_eq!(pair.log().unwrap().generations, [9001]);
        assert!(pair.log().unwrap().belongs_to(pair.main()));
        assert!(!pair.log().unwrap().belongs_to(before));
    }

    /// Over more than two blocks of the index, and from every place in them.
    #[tokio::test]
    async fn the_pages_of_a_log_are_those_that_its_frames_name() {
        let mut pair = Pair::new().await;
        pair.run("PRAGMA cache_size = -100").await;
        pair.run(
            "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
             SELECT randomblob(14000) FROM n",
        )
        .await;
        let log = std::fs::read(pair.directory.path().join("a.db-wal")).unwrap();
        let frames = log[LOG_HEADER..].chunks_exact(FRAME_HEADER + 4096);
        let named: Vec<_> = frames.map(|frame| number(frame, 0)).collect();
        assert!(named.len() > 2 * 4096, "{}", named.len());
        let index = File::open(pair.directory.path().join("a.db-shm")).unwrap();
        let all = named.len() as u64;
        for begin in [0, 1, 4061, 4062, 4063, 8157, 8158, 8159, all - 1, all] {
            let expected = &named[usize::try_from(begin).unwrap()..];
            assert_eq!(pages(&index, begin..all).unwrap(), expected, "{begin}");
        }
        assert!(pages(&index, 0..100_000).is_err());
    }

    #[tokio::test]
    async fn what_is_torn_off_or_flipped_in_a_log_is_not_counted() {
        let mut pair = Pair::new().await;
        pair.run("PRAGMA user_version = 5").await;
        pair.run("PRAGMA user_version = 6").await;
        let file = pair.directory.path().join("copy");
        let mut bytes = std::fs::read(pair.directory.path().join("a.db-wal")).unwrap();
        for (length, expected) in [
            (bytes.len(), Some(vec![5, 6])),
            (bytes.len() - 1, Some(vec![5])),
            (LOG_HEADER + 10, None),
            (10, None),
            (0, None),
        ] {
            std::fs::write(&file, &bytes[..length]).unwrap();
            let log = Log::read(&file).unwrap();
            assert_eq!(log.map(|log| log.generations), expected, "{length}");
        }
        bytes[LOG_HEADER + FRAME_HEADER + 200] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        assert_eq!(Log::read(&file).unwrap(), None);
    }

    /// A copy that lies at the database's place is not written with a log, so no log belongs to it.
    #[tokio::test]
    async fn a_copy_made_by_vacuum_owns_no_log() {
        let mut pair = Pair::new().await;
        pair.run("PRAGMA user_version = 701").await;
        let copy = pair.directory.path().join("copy.db");
        pair.run(&format!("VACUUM INTO '{}'", copy.display())).await;
        let main = Main::read(&copy).unwrap().unwrap();
        assert_eq!((main.generation, main.has_log), (701, false));
        assert!(!pair.log().unwrap().belongs_to(main));
    }

    #[test]
    fn what_is_no_database_has_no_header() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.db");
        for bytes in [
            &b""[..],
            b"SQLite format 3\0",
            &b"a shopping list ".repeat(100),
        ] {
            std::fs::write(&file, bytes).unwrap();
            assert_eq!(Main::read(&file).unwrap(), None);
        }
    }
}
