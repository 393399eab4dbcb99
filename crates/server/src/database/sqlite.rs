//! A SQLite database: connections that answer where they are asked, one that writes and a few that read.

use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::mem::ManuallyDrop;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{OpenFlags, params_from_iter};
use sea_orm::Value;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::failure::Error;
use super::readers::{Readers, Reading};
use super::record::{Cells, Record};
use super::session::Session;
use super::value::Parameter;
use super::writer::{BEGIN, Writer};
use super::{PATIENCE, Work};
use crate::doctor_vacations::Days;
use crate::volume::{Volume, beside};

/// What a reader may keep of the file: at a million drugs the inner pages of every index, and some leaves.
const READ_CACHE_KIB: i64 = 4096;
/// More statements than the program has.
const STATEMENTS: usize = 200;
/// Older releases can corrupt a write-ahead log when two connections restart it at once.
const OLDEST_SQLITE: i32 = 3_051_003;

/// The connections to one file; clones share them.
#[derive(Clone, Debug)]
pub struct Sqlite {
    readers: Arc<Readers>,
    writer: Arc<Writer>,
    watch: Arc<Watch>,
}

/// Tells one state of the data from the next by the head of the log's index, which every commit changes, by whomever
/// (<https://www.sqlite.org/walformat.html#the_wal_index_header>).
#[derive(Debug)]
struct Watch {
    /// Never closed: that would drop the locks that SQLite has on it in this process.
    index: ManuallyDrop<File>,
    /// Tells the states that this process sees from those of every other.
    of: u64,
}

/// The first of the two copies of the head.
const INDEX_HEAD: usize = 48;

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    raw: rusqlite::Connection,
    /// Why a statement failed last, which may have ended the whole transaction.
    failed: Option<rusqlite::ffi::Error>,
    /// The doctor's absences at a version of the data: they seldom change, and every drug is read with them.
    days: Option<(i64, Vec<Days>)>,
}

impl Sqlite {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(Error::OldSqlite(rusqlite::version()));
        }
        let writer = Connection::open(path)?;
        // One for each thread that serves requests: no look waits for anything but its own statements.
        let readers = (0..Handle::current().metrics().num_workers()).map(|_| {
            let reader = Connection::open(path)?;
            reader.raw.pragma_update(None, "query_only", true)?;
            reader
                .raw
                .pragma_update(None, "cache_size", -READ_CACHE_KIB)?;
            Ok::<_, Error>(Session::of_sqlite(reader))
        });
        Ok(Self {
            readers: Arc::new(Readers::new(readers.collect::<Result<_, _>>()?)),
            writer: Arc::new(Writer::start(Session::of_sqlite(writer))?),
            watch: Arc::new(Watch {
                index: ManuallyDrop::new(File::open(beside(path, "-shm"))?),
                of: RandomState::new().hash_one(path),
            }),
        })
    }

    pub(super) async fn read(&self) -> Result<Reading, Error> {
        Readers::look(&self.readers).await
    }

    pub(super) async fn glance(&self) -> Result<Reading, Error> {
        Readers::glance(&self.readers).await
    }

    /// Read half old and half new it is a state that no page has, and the next one is asked for anew.
    pub(super) fn state(&self) -> Result<Vec<u8>, Error> {
        let mut state = vec![0; INDEX_HEAD];
        self.watch.index.read_exact_at(&mut state, 0)?;
        state.extend(self.watch.of.to_ne_bytes());
        Ok(state)
    }

    pub(super) async fn write<T, E, W>(&self, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        W: for<'s> FnOnce(&'s mut Session) -> Work<'s, T, E> + Send + 'static,
    {
        self.writer.write(work).await
    }

    /// The connection that writes, for who looks after the files; nobody writes while it is locked.
    pub(crate) fn writer(&self) -> Arc<Mutex<Session>> {
        self.writer.session()
    }

    /// Lets no change be acknowledged any more that is not in the files of this volume.
    pub(crate) fn acknowledge_into(&self, volume: Arc<Volume>) {
        self.writer.acknowledge_into(volume);
    }

    pub(super) async fn close(&self) -> Result<(), Error> {
        for mut reader in self.readers.take_all().await {
            if let Some(connection) = reader.sqlite() {
                connection.close()?;
            }
        }
        self.writer.close().await
    }
}

impl Connection {
    /// Opens a file that is there.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let raw = rusqlite::Connection::open_with_flags(path, flags)?;
        raw.busy_timeout(PATIENCE)?;
        raw.set_prepared_statement_cache_capacity(STATEMENTS);
        // The volume moves the log into the file, when nobody reads the two; a connection that is dropped does not.
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        // A statement keeps its plan, whatever values it is run with.
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        raw.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA wal_autocheckpoint = 0;
             PRAGMA cell_size_check = ON;
             PRAGMA trusted_schema = OFF;
             SELECT count(*) FROM sqlite_schema;",
        )?;
        Ok(Self {
            raw,
            failed: None,
            days: None,
        })
    }

    /// The connection as its library has it.
    pub(crate) fn raw(&self) -> &rusqlite::Connection {
        &self.raw
    }

    /// Runs a statement and answers how many rows it has changed.
    pub(super) fn execute(&mut self, sql: &str, values: &[Value]) -> rusqlite::Result<u64> {
        let run = |raw: &rusqlite::Connection| {
            let changed = raw
                .prepare_cached(sql)?
                .execute(params_from_iter(values.iter().map(Parameter)))?;
            Ok(changed as u64)
        };
        let result = run(&self.raw);
        self.noted(result)
    }

    /// Every row of a statement.
    pub(super) fn rows<R: Record>(
        &mut self,
        sql: &str,
        values: &[Value],
    ) -> rusqlite::Result<Vec<R>> {
        let result = rows(&self.raw, sql, values);
        self.noted(result)
    }

    /// The first row of a statement, and what the statement for the absences answers at the same moment: SQLite keeps
    /// to one until the last statement has ended (<https://www.sqlite.org/lang_transaction.html>, implicit
    /// transactions).
    pub(super) fn row_and_days<R: Record>(
        &mut self,
        sql: &str,
        values: &[Value],
        absences: &str,
    ) -> rusqlite::Result<Option<(R, Vec<Days>)>> {
        let run = |raw: &rusqlite::Connection, known: &mut Option<(i64, Vec<Days>)>| {
            let mut prepared = raw.prepare_cached(sql)?;
            let mut first = prepared.query(params_from_iter(values.iter().map(Parameter)))?;
            let Some(row) = first.next()? else {
                return Ok(None);
            };
            let record = R::read(&mut Cells::of(row))?;
            let version = data_version(raw)?;
            if let Some((of, days)) = known
                && *of == version
            {
                return Ok(Some((record, days.clone())));
            }
            let days: Vec<Days> = rows(raw, absences, &[])?;
            *known = Some((version, days.clone()));
            Ok(Some((record, days)))
        };
        let result = run(&self.raw, &mut self.days);
        self.noted(result)
    }

    /// The row that a statement has for each of these numbers, one after the other.
    pub(super) fn rows_of_each<R: Record>(
        &mut self,
        sql: &str,
        numbers: &[i64],
    ) -> rusqlite::Result<Vec<R>> {
        let run = |raw: &rusqlite::Connection| {
            let mut prepared = raw.prepare_cached(sql)?;
            let mut records = Vec::with_capacity(numbers.len());
            for number in numbers {
                let mut rows = prepared.query([number])?;
                // To ask for a second one would cost something each time.
                if let Some(row) = rows.next()? {
                    records.push(R::read(&mut Cells::of(row))?);
                }
            }
            Ok(records)
        };
        let result = run(&self.raw);
        self.noted(result)
    }

    /// Runs one of the few statements that steer a transaction.
    pub(super) fn steer(&mut self, sql: &'static str) -> rusqlite::Result<()> {
        let run = |raw: &rusqlite::Connection| raw.prepare_cached(sql)?.execute([]).map(drop);
        let result = run(&self.raw);
        self.noted(result)
    }

    /// Begins a transaction that writes, unless it would have to wait for that; answers whether it has.
    pub(super) fn begins_at_once(&mut self) -> rusqlite::Result<bool> {
        self.raw.busy_timeout(Duration::ZERO)?;
        let begun = self.steer(BEGIN);
        self.raw.busy_timeout(PATIENCE)?;
        Ok(begun.is_ok())
    }

    /// Whether SQLite itself has ended the transaction, as it does when there is no space left.
    pub(super) fn is_rolled_back(&self) -> bool {
        self.raw.is_autocommit()
    }

    /// Why a statement failed last.
    pub(super) fn failed(&self) -> Option<rusqlite::ffi::Error> {
        self.failed
    }

    /// Closes it; the last of the connections to a file brings its log into it.
    pub(super) fn close(&mut self) -> Result<(), Error> {
        let no_checkpoint = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        self.raw.set_db_config(no_checkpoint, false)?;
        let nothing = rusqlite::Connection::open_in_memory()?;
        let closed = std::mem::replace(&mut self.raw, nothing).close();
        closed.map_err(|(_, error)| error.into())
    }

    fn noted<T>(&mut self, result: rusqlite::Result<T>) -> rusqlite::Result<T> {
        if let Err(rusqlite::Error::SqliteFailure(error, _)) = &result {
            self.failed = Some(*error);
        }
        result
    }
}

fn rows<R: Record>(
    raw: &rusqlite::Connection,
    sql: &str,
    values: &[Value],
) -> rusqlite::Result<Vec<R>> {
    let mut prepared = raw.prepare_cached(sql)?;
    let mut rows = prepared.query(params_from_iter(values.iter().map(Parameter)))?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(R::read(&mut Cells::of(row))?);
    }
    Ok(records)
}

/// Counts what others than this connection have committed, as far as the moment that it looks at.
fn data_version(raw: &rusqlite::Connection) -> rusqlite::Result<i64> {
    let mut prepared = raw.prepare_cached("PRAGMA data_version")?;
    prepared.query_row([], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        static OTHER: RefCell<Option<Connection>> = const { RefCell::new(None) };
    }

    /// What is read while somebody else commits a change.
    struct Meanwhile;

    impl Record for Meanwhile {
        fn read(_: &mut Cells<'_>) -> rusqlite::Result<Self> {
            OTHER.with_borrow_mut(|other| {
                let other = other.as_mut().expect("the test has opened it");
                other.execute("UPDATE days SET first = date(first, '+1 day')", &[])
            })?;
            Ok(Self)
        }

        fn differing(&self, _: &Self) -> u64 {
            0
        }
    }

    #[tokio::test]
    async fn a_state_is_another_after_a_commit_by_whomever_and_after_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let made = rusqlite::Connection::open(&path).unwrap();
        made.execute_batch("CREATE TABLE t (x)").unwrap();
        let sqlite = Sqlite::open(&path).unwrap();
        let run = async |sql: &'static str| {
            let writer = sqlite.writer();
            let mut session = writer.lock().await;
            let connection = session.sqlite().unwrap();
            connection.execute(sql, &[]).unwrap();
            sqlite.state().unwrap()
        };
        let before = sqlite.state().unwrap();
        let mut seen = vec![before.clone()];
        for nothing in ["BEGIN", "INSERT INTO t VALUES (1)", "ROLLBACK"] {
            assert_eq!(run(nothing).await, before, "{nothing}");
        }
        for _ in 0..2 {
            seen.push(run("INSERT INTO t VALUES (1)").await);
            // What the next page says may be in the file alone.
            made.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                .unwrap();
            made.execute_batch("DELETE FROM t").unwrap();
            seen.push(sqlite.state().unwrap());
            assert_eq!(sqlite.state().unwrap(), *seen.last().unwrap());
        }
        let different: std::collections::HashSet<_> = seen.iter().collect();
        assert_eq!(different.len(), seen.len());
    }

    #[test]
    fn absences_are_of_the_moment_of_the_row() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let made = rusqlite::Connection::open(&path).unwrap();
        made.execute_batch(
            "CREATE TABLE days (first, last); INSERT INTO days VALUES ('2026-12-01', '2026-12-31')",
        )
        .unwrap();
        let mut reader = Connection::open(&path).unwrap();
        OTHER.set(Some(Connection::open(&path).unwrap()));
        let select = "SELECT first, last FROM days";
        let mut begins = |is_changed: bool| {
            let days = if is_changed {
                let found = reader.row_and_days::<Meanwhile>(select, &[], select);
                found.unwrap().expect("there is a row").1
            } else {
                let found = reader.row_and_days::<Days>(select, &[], select);
                found.unwrap().expect("there is a row").1
            };
            days[0].start_date.to_string()
        };

        assert_eq!(begins(false), "2026-12-01");
        assert_eq!(
            begins(true),
            "2026-12-01",
            "the change is of a later moment"
        );
        assert_eq!(begins(true), "2026-12-02", "and so is the next");
        assert_eq!(begins(false), "2026-12-03");
    }
}
