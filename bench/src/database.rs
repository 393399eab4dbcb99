//! The databases: one per size, migrated by the project's own migrations, filled once, copied for every server.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use crate::options::Kind;
use crate::program::Programs;
use crate::rows::{FEWEST, Generator};
use crate::{Result, say};

const INSERT: &str = "INSERT INTO drugs (id, name, dosage_strength, unit, schedule_type, morning_pre_food, \
     morning_post_food, noon_pre_food, noon_post_food, evening_pre_food, evening_post_food, night, even_week_pills, \
     odd_week_pills, start_date, end_date, current_amount, counted_on, package_size, reorder_lead_days, archived, \
     run_out_date, reorder_date, search_text, version, created_at, updated_at, instructions) VALUES \
     (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, \
     1, ?25, ?25, ?26)";

/// The database of one size.
#[derive(Debug)]
pub(crate) struct Databases {
    pub(crate) size: u64,
    /// Nobody serves this one.
    pub(crate) master: PathBuf,
    directory: PathBuf,
}

impl Databases {
    /// Finds the database of a size as it is today, or makes it.
    pub(crate) fn make(programs: &Programs, rows: &Generator, size: u64) -> Result<Self> {
        if size < FEWEST {
            return Err(
                format!("--sizes begin at {FEWEST}: a hundred drugs are due, and not all").into(),
            );
        }
        let directory = programs.scratch.join(size.to_string());
        if directory.exists() {
            std::fs::remove_dir_all(&directory)?;
        }
        std::fs::create_dir_all(&directory)?;
        let empty = directory.join("empty.db");
        migrate(programs, &empty)?;
        // Whatever the rows depend on is in the name.
        let digest = Sha256::new()
            .chain_update(schema(&empty)?)
            .chain_update(include_str!("rows.rs"))
            .finalize();
        let digest = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        let name = format!("{size}-{}-{digest:08x}.db", programs.today);
        let master = programs.scratch.join(&name);
        if !master.exists() {
            forget(&programs.scratch, &format!("{size}-"))?;
            let begun = Instant::now();
            fill(&empty, rows, size, programs)?;
            std::fs::rename(&empty, &master)?;
            say(&format!(
                "made {size} drugs in {:.1} s",
                begun.elapsed().as_secs_f64()
            ));
        }
        Ok(Self {
            size,
            master,
            directory,
        })
    }

    /// A copy for one server.
    pub(crate) fn copy(&self, name: &str) -> Result<PathBuf> {
        let directory = self.directory.join(name);
        if directory.exists() {
            std::fs::remove_dir_all(&directory)?;
        }
        std::fs::create_dir_all(&directory)?;
        let database = directory.join("medicine.db");
        std::fs::copy(&self.master, &database)?;
        Ok(database)
    }

    /// The copy for a server of a kind; one that stores nothing needs none.
    pub(crate) fn copy_for(&self, kind: Kind) -> Result<PathBuf> {
        if kind.stores() {
            self.copy(kind.name())
        } else {
            Ok(PathBuf::new())
        }
    }

    /// A place where no database is yet.
    pub(crate) fn nowhere(&self) -> Result<PathBuf> {
        let directory = self.directory.join("empty");
        if directory.exists() {
            std::fs::remove_dir_all(&directory)?;
        }
        std::fs::create_dir_all(&directory)?;
        Ok(directory.join("medicine.db"))
    }

    /// Removes the copies and keeps what took long to make.
    pub(crate) fn remove(&self) -> Result<()> {
        Ok(std::fs::remove_dir_all(&self.directory)?)
    }
}

fn migrate(programs: &Programs, database: &Path) -> Result<()> {
    let status = Command::new(&programs.migration)
        .args(["upgrade", "head"])
        .env("DATABASE_URL", format!("sqlite://{}", database.display()))
        .env_remove("DATABASE_URL_FILE")
        .stdout(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err("the migrations failed on an empty database; they say above why".into())
    }
}

fn schema(database: &Path) -> Result<String> {
    let connection = Connection::open(database)?;
    let sql = "SELECT coalesce(group_concat(sql, ';'), '') FROM sqlite_schema";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// Removes what an earlier day or an earlier schema left.
fn forget(scratch: &Path, prefix: &str) -> Result<()> {
    for entry in std::fs::read_dir(scratch)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Inserts the rows in one transaction; indexes and triggers do what they do.
fn fill(database: &Path, rows: &Generator, size: u64, programs: &Programs) -> Result<()> {
    let mut connection = Connection::open(database)?;
    // A file that is not whole after a crash is made again.
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -512 * 1024)?;
    let created = format!("{}T07:30:00+00:00", programs.today);
    let tx = connection.transaction()?;
    let mut insert = tx.prepare(INSERT)?;
    for n in 1..=size {
        let row = rows.row(n, size)?;
        let (even, odd) = row.even_and_odd_week_pills.unzip();
        insert.execute(params![
            i64::try_from(n)?,
            row.name,
            row.dosage_strength,
            row.unit,
            row.schedule_type,
            row.doses[0],
            row.doses[1],
            row.doses[2],
            row.doses[3],
            row.doses[4],
            row.doses[5],
            row.doses[6],
            even,
            odd,
            row.start_date.map(|date| date.to_string()),
            row.end_date.map(|date| date.to_string()),
            row.current_amount,
            row.counted_on.to_string(),
            row.package_size,
            row.reorder_lead_days,
            row.archived,
            row.projection.run_out_date.to_string(),
            row.projection.reorder_date.to_string(),
            row.search_text,
            created,
            row.instructions,
        ])?;
    }
    drop(insert);
    // Two absences that move order dates; neither is near enough to make anything due.
    for (from, to) in [(60, 74), (200, 221)] {
        let day = |days| (programs.today + chrono::Days::new(days)).to_string();
        tx.execute(
            "INSERT INTO doctor_vacations (start_date, end_date, version, created_at, updated_at) \
             VALUES (?1, ?2, 1, ?3, ?3)",
            params![day(from), day(to), created],
        )?;
    }
    tx.commit()?;
    Ok(())
}
