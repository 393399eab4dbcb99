//! The copies in `snapshots/`: which there are, which are good, and which go.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chrono::{Datelike as _, NaiveDate};
use revision::{Snapshot, Snapshots, snapshot};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use super::notice::command;

/// Taken once a day when something has changed.
pub const DAILY: &str = "daily";
/// Taken before another state takes the place of this one.
pub const PRE_RESTORE: &str = "pre-restore";
/// Asked for.
pub const MANUAL: &str = "manual";

const DAILY_KEPT: usize = 7;
const WEEKLY_KEPT: usize = 4;
const PRE_RESTORE_KEPT: usize = 3;
/// What must stay free beside a copy.
pub const SPARE_BYTES: u64 = 16 * 1024 * 1024;

/// The header of a database holds counters that grow without a change of the data.
const HEADER: usize = 100;
/// How many damaged copies are passed by in search of a good one.
const TRIED: usize = 5;

/// The copies of a database lie beside it.
pub fn of(database: &Path) -> Snapshots {
    Snapshots::new(database, database.with_file_name("snapshots"))
}

/// What a copy holds.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The newest migration in it.
    pub revision: String,
    /// Every migration in it, oldest first.
    revisions: Vec<String>,
    pub drugs: i64,
    pub doctor_vacations: i64,
}

impl Contents {
    /// Reads a whole database without a log.
    ///
    /// # Errors
    ///
    /// In words: it is damaged, or none of this program's.
    pub async fn read(file: &Path) -> Result<Self, String> {
        snapshot::verify(file).await?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(|error| error.to_string())?;
        let contents = Self::of(&mut connection).await;
        connection
            .close()
            .await
            .map_err(|error| error.to_string())?;
        contents
    }

    async fn of(connection: &mut SqliteConnection) -> Result<Self, String> {
        let foreign = "it is a SQLite database, but none of this program's";
        let revisions = sqlx::query_scalar("SELECT version FROM seaql_migrations ORDER BY version");
        let revisions: Vec<String> = revisions
            .fetch_all(&mut *connection)
            .await
            .map_err(|_| foreign)?;
        let mut counts = [0; 2];
        for (count, (table, sql)) in counts.iter_mut().zip([
            ("drugs", "SELECT count(*) FROM drugs"),
            ("doctor_vacations", "SELECT count(*) FROM doctor_vacations"),
        ]) {
            let there =
                sqlx::query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?")
                    .bind(table)
                    .fetch_optional(&mut *connection)
                    .await
                    .map_err(|error| error.to_string())?;
            if there.is_some() {
                *count = sqlx::query_scalar(sql)
                    .fetch_one(&mut *connection)
                    .await
                    .map_err(|error| error.to_string())?;
            }
        }
        Ok(Self {
            revision: revisions.last().ok_or(foreign)?.clone(),
            revisions,
            drugs: counts[0],
            doctor_vacations: counts[1],
        })
    }
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drugs = counted(self.drugs, "drug", "drugs");
        let vacations = counted(self.doctor_vacations, "vacation", "vacations");
        write!(f, "{drugs}, {vacations}, revision {}", self.revision)
    }
}

/// A copy in words, with the command that goes back to the newest good one whose revisions are all known; or that there
/// is none.
pub(super) async fn offer(database: &Path, known: &[String]) -> String {
    let copies = of(database).list().unwrap_or_default();
    for copy in copies.iter().rev().take(TRIED) {
        if let Ok(contents) = Contents::read(&copy.path).await
            && contents.revisions.iter().all(|it| known.contains(it))
        {
            return format!(
                "The newest good copy is number {} ({}, made {}, with {}); what was entered after it is not in it. \
                 To go back to it: {}",
                copy.number,
                copy.why,
                spoken(&copy.taken_at),
                counted(contents.drugs, "drug", "drugs"),
                command(&format!("restore {}", copy.number))
            );
        }
    }
    format!(
        "There is no good copy of it in {}. If you have a backup elsewhere: {}",
        of(database).directory().display(),
        command("restore - < FILE")
    )
}

/// `20261122T031500Z` as `2026-11-22 03:15 UTC`.
pub fn spoken(taken_at: &str) -> String {
    let part = |range| taken_at.get(range).unwrap_or("?");
    format!(
        "{}-{}-{} {}:{} UTC",
        part(0..4),
        part(4..6),
        part(6..8),
        part(9..11),
        part(11..13)
    )
}

/// `1 drug`, but `0 drugs`.
fn counted(count: i64, one: &str, many: &str) -> String {
    let what = if count == 1 { one } else { many };
    format!("{count} {what}")
}

/// Takes a copy, unless it would be the same as the newest one.
pub(super) async fn take_if_changed(
    copies: &Snapshots,
    source: &mut SqliteConnection,
    why: &str,
) -> Result<Option<Snapshot>, revision::Error> {
    let before = copies.list().unwrap_or_default().pop();
    let taken = copies.take(source, why, SPARE_BYTES).await?;
    let is_same = before.is_some_and(|before| same(&before.path, &taken.path).unwrap_or(false));
    if is_same {
        if let Err(error) = fs::remove_file(&taken.path) {
            tracing::warn!(%error, "removing a copy that is there already");
        }
        return Ok(None);
    }
    if let Err(error) = retire(copies) {
        tracing::warn!(%error, "removing old copies");
    }
    Ok(Some(taken))
}

/// Removes what is too old of each kind; of every kind one stays.
pub(crate) fn retire(copies: &Snapshots) -> io::Result<()> {
    copies.keep(PRE_RESTORE, PRE_RESTORE_KEPT)?;
    let mut daily = copies.list()?;
    daily.retain(|copy| copy.why == DAILY);
    for path in outdated(&daily) {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// The daily copies, oldest first, that are neither among the newest seven nor the last of one of four weeks before.
fn outdated(daily: &[Snapshot]) -> Vec<PathBuf> {
    let mut weeks = BTreeSet::new();
    let older = daily.iter().rev().skip(DAILY_KEPT);
    let outdated = older.filter(|copy| {
        let day = copy.taken_at.get(..8).unwrap_or_default();
        let week = NaiveDate::parse_from_str(day, "%Y%m%d").map(|day| day.iso_week());
        let is_first = week.is_ok_and(|week| weeks.insert((week.year(), week.week())));
        !is_first || weeks.len() > WEEKLY_KEPT
    });
    outdated.map(|copy| copy.path.clone()).collect()
}

/// Whether two copies hold the same data.
fn same(a: &Path, b: &Path) -> io::Result<bool> {
    if fs::metadata(a)?.len() != fs::metadata(b)?.len() {
        return Ok(false);
    }
    let mut files = (
        io::BufReader::new(fs::File::open(a)?),
        io::BufReader::new(fs::File::open(b)?),
    );
    let mut header = [0; HEADER];
    files.0.read_exact(&mut header)?;
    files.1.read_exact(&mut header)?;
    let mut pages = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let read = files.0.read(&mut pages.0)?;
        if read == 0 {
            return Ok(true);
        }
        files.1.read_exact(&mut pages.1[..read])?;
        if pages.0[..read] != pages.1[..read] {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_days_and_four_weeks_stay() {
        let first: NaiveDate = "2026-09-01".parse().unwrap();
        let daily: Vec<_> = first
            .iter_days()
            .take(80)
            .zip(1..)
            .map(|(day, number)| Snapshot {
                number,
                taken_at: day.format("%Y%m%dT030000Z").to_string(),
                why: DAILY.to_owned(),
                path: number.to_string().into(),
            })
            .collect();
        let outdated = outdated(&daily);
        let kept: Vec<_> = daily
            .iter()
            .filter(|copy| !outdated.contains(&copy.path))
            .map(|copy| &copy.taken_at[..8])
            .collect();
        let weeks = ["20261018", "20261025", "20261101", "20261108"];
        let mut expected = Vec::from(weeks);
        let days = [
            "20261113", "20261114", "20261115", "20261116", "20261117", "20261118", "20261119",
        ];
        // The week that the seven days begin in has an older day as well.
        expected.remove(0);
        expected.push("20261112");
        expected.extend(days);
        assert_eq!(kept, expected);
        assert!(super::outdated(&daily[..7]).is_empty());
    }

    #[test]
    fn one_is_one_and_none_are_many() {
        let said = [0, 1, 2].map(|count| counted(count, "drug", "drugs"));
        assert_eq!(said, ["0 drugs", "1 drug", "2 drugs"]);
    }

    #[test]
    fn the_instant_of_a_copy_can_be_read() {
        assert_eq!(spoken("20261122T031500Z"), "2026-11-22 03:15 UTC");
    }
}
