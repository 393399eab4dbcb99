//! `medicine-tracker backup` and `medicine-tracker snapshots`: whole, checked copies, also while the service runs.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, IsTerminal as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use revision::snapshot;
use sqlx::Connection as _;

use crate::config::{Config, DatabaseLocation};
use crate::problem::Trouble;
use crate::volume::copies::{self, Contents, MANUAL, SPARE_BYTES, spoken};
use crate::volume::{notice, prepare};

/// Makes one whole file of the database: at a path, on standard output for `-`, or among the copies beside it.
///
/// # Errors
///
/// Why there is no such file now, and what to do.
pub async fn backup(config: &Config, target: Option<&Path>) -> Result<String, Trouble> {
    let database = sqlite_file(config)?;
    if !database.exists() {
        return Err(failed(format!("there is no {}", database.display())));
    }
    let mut source = prepare::connection(database)
        .await
        .map_err(|error| failed(error.to_string()))?;
    let result = match target {
        None => {
            let taken = copies::of(database)
                .take(&mut source, MANUAL, SPARE_BYTES)
                .await;
            taken
                .map(|copy| {
                    format!(
                        "Copy {} is made, and checked: {}\nTo go back to it: {}",
                        copy.number,
                        copy.path.display(),
                        notice::command(&format!("restore {}", copy.number))
                    )
                })
                .map_err(|error| failed(error.to_string()))
        }
        Some(path) if path == Path::new("-") => to_standard_output(database, &mut source).await,
        Some(path) => to_file(database, &mut source, path).await,
    };
    if let Err(error) = source.close().await {
        tracing::debug!(%error, "closing the database");
    }
    result
}

/// Lists the copies beside the database.
///
/// # Errors
///
/// They cannot be read.
pub async fn snapshots(config: &Config) -> Result<String, Trouble> {
    let copies = copies::of(sqlite_file(config)?);
    let list = copies
        .list()
        .map_err(|error| failed(format!("{}: {error}", copies.directory().display())))?;
    if list.is_empty() {
        return Ok(format!(
            "There is no copy in {} yet. To make one: {}",
            copies.directory().display(),
            notice::command("backup")
        ));
    }
    let mut text =
        String::from("  NUMBER  MADE                  WHY          DRUGS  VACATIONS  REVISION\n");
    for copy in &list {
        let (number, made, why) = (copy.number, spoken(&copy.taken_at), &copy.why);
        match Contents::read(&copy.path).await {
            Ok(held) => writeln!(
                text,
                "{number:>8}  {made:<20}  {why:<11}  {:>5}  {:>9}  {}",
                held.drugs, held.doctor_vacations, held.revision
            ),
            Err(reason) => writeln!(
                text,
                "{number:>8}  {made:<20}  {why:<11}  not good: {reason}"
            ),
        }
        .expect("a string takes everything");
    }
    write!(
        text,
        "They are in {}. To go back to one: {}",
        copies.directory().display(),
        notice::command("restore NUMBER")
    )
    .expect("a string takes everything");
    Ok(text)
}

/// The file of a SQLite database.
///
/// # Errors
///
/// The data is in PostgreSQL, which has tools of its own.
pub fn sqlite_file(config: &Config) -> Result<&Path, Trouble> {
    match &config.database {
        DatabaseLocation::Sqlite(path) => Ok(path),
        DatabaseLocation::Postgres(_) => Err(Trouble {
            code: "not-sqlite".into(),
            title: "The data is in PostgreSQL".into(),
            detail: "This command is for SQLite. Nothing was done. PostgreSQL's own are pg_dump and pg_restore: \
                     docker exec medicine-tracker-postgres pg_dump -U medicine medicine > medicine.sql"
                .into(),
        }),
    }
}

async fn to_file(
    database: &Path,
    source: &mut sqlx::SqliteConnection,
    path: &Path,
) -> Result<String, Trouble> {
    let text = |error: io::Error| failed(format!("{}: {error}", path.display()));
    if path.exists() {
        return Err(failed(format!(
            "{} is there already and was left as it is; choose another name",
            path.display()
        )));
    }
    let unfinished = part_of(path);
    // Who may not read the database may not read its copy, at no time.
    let file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(text)?;
    let made = snapshot::copy_into(source, &unfinished).await;
    if let Err(reason) = made {
        if let Err(error) = fs::remove_file(&unfinished) {
            tracing::debug!(%error, "removing what was begun");
        }
        return Err(failed(format!("{}: {reason}", path.display())));
    }
    let permissions = fs::metadata(database).map_err(text)?.permissions();
    file.set_permissions(permissions).map_err(text)?;
    file.sync_all().map_err(text)?;
    fs::rename(&unfinished, path).map_err(text)?;
    // Its name is on the disk as well.
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))
        .and_then(|directory| directory.sync_all())
        .map_err(text)?;
    let held = Contents::read(path).await.map_err(failed)?;
    Ok(format!("{} is made, and checked: {held}", path.display()))
}

async fn to_standard_output(
    database: &Path,
    source: &mut sqlx::SqliteConnection,
) -> Result<String, Trouble> {
    if io::stdout().is_terminal() {
        return Err(failed(format!(
            "a database cannot be shown on a terminal; send it to a file: {}",
            notice::command("backup - > medicine.db")
        )));
    }
    let name = format!("medicine-{}.db", std::process::id());
    let room = database.with_file_name(format!(".backup-{name}"));
    let made = snapshot::copy_into(source, &room).await;
    let sent = made.and_then(|()| {
        let mut file = File::open(&room).map_err(|error| error.to_string())?;
        io::copy(&mut file, &mut io::stdout().lock()).map_err(|error| error.to_string())
    });
    if let Err(error) = fs::remove_file(&room) {
        tracing::debug!(%error, "removing what was sent");
    }
    sent.map(|_| String::new()).map_err(failed)
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".part-{}", std::process::id()));
    name.into()
}

fn failed(reason: impl Into<String>) -> Trouble {
    let reason = reason.into();
    Trouble {
        code: "backup-failed".into(),
        title: format!("No copy was made: {reason}").into(),
        detail: format!(
            "The data itself was not touched. What is wrong with it, if anything: {}",
            notice::command("doctor")
        ),
    }
}
