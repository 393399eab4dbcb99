//! What is to be restored, as a private copy beside the database that can be trusted.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use migration::Migrator;
use revision::{Engine, Options, Target};
use rustix::fs::{FlockOperation, flock};
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use super::failed;
use crate::problem::Trouble;
use crate::volume::copies::{self, Contents};
use crate::volume::inspect::check;

const PREFIX: &str = ".incoming-";
/// How a gzip file begins (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A private copy; dropping it removes what is left of it.
pub(super) struct Incoming {
    path: PathBuf,
    /// What it was taken from, for whoever typed that.
    name: String,
    /// Locked, which tells the next restore that this one is not left behind.
    file: File,
}

impl Incoming {
    /// Takes in a copy by its number, a file, or standard input.
    pub(super) async fn receive(database: &Path, what: &str) -> Result<Self, Trouble> {
        let (source, name) = find(database, what)?;
        let directory = database
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        remove_left_behind(directory).map_err(|error| failed(error.to_string()))?;
        let path = directory.join(format!("{PREFIX}{}.db", std::process::id()));
        let file =
            File::create(&path).map_err(|error| failed(format!("{}: {error}", path.display())))?;
        let incoming = Self { path, name, file };
        flock(&incoming.file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|error| failed(error.to_string()))?;
        incoming
            .fill(source.as_deref())
            .map_err(|error| incoming.refused(error))?;
        incoming.refuse_what_is_no_database()?;
        incoming.make_whole().await?;
        incoming.bring_up_to_date().await?;
        Ok(incoming)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn contents(&self) -> Result<Contents, Trouble> {
        let contents = Contents::read(&self.path).await;
        contents.map_err(|reason| self.refused(reason))
    }

    fn refused(&self, reason: impl fmt::Display) -> Trouble {
        failed(format!("{}: {reason}", self.name))
    }

    /// Copies the bytes, with the log beside a file if there is one.
    fn fill(&self, source: Option<&Path>) -> io::Result<()> {
        match source {
            None => io::copy(&mut io::stdin().lock(), &mut &self.file)?,
            Some(source) => {
                let log = beside(source, "-wal");
                if log.exists() {
                    fs::copy(log, beside(&self.path, "-wal"))?;
                }
                io::copy(&mut File::open(source)?, &mut &self.file)?
            }
        };
        self.file.sync_all()
    }

    fn refuse_what_is_no_database(&self) -> Result<(), Trouble> {
        let mut start = [0; 16];
        let read =
            File::open(&self.path).and_then(|mut file| io::Read::read(&mut file, &mut start));
        let read = read.map_err(|error| self.refused(error))?;
        if start[..read].starts_with(&GZIP) {
            return Err(self.refused(
                "this is an archive, and no database. An archive of the volume is unpacked into it, also while the service \
                 runs: docker run --rm -v medicine-data:/data -v $(pwd):/backup alpine sh -c \"cd /data && tar xzf \
                 /backup/medicine-db-backup.tar.gz\"",
            ));
        }
        match read {
            0 => Err(self.refused("it is empty")),
            _ if start == *b"SQLite format 3\0" => Ok(()),
            _ => Err(self.refused("it is not a SQLite database")),
        }
    }

    /// Checks it, and brings its log into it.
    async fn make_whole(&self) -> Result<(), Trouble> {
        check(&self.path)
            .await
            .map_err(|reason| self.refused(format!("it is damaged: {reason}")))?;
        let text = |error: sqlx::Error| self.refused(error);
        let options = SqliteConnectOptions::new().filename(&self.path);
        let options = options.journal_mode(sqlx::sqlite::SqliteJournalMode::Delete);
        let connection = options.disable_statement_logging().connect().await;
        connection.map_err(text)?.close().await.map_err(text)
    }

    async fn bring_up_to_date(&self) -> Result<(), Trouble> {
        self.contents().await?;
        let url = format!("sqlite://{}", self.path.display());
        let engine = Engine::new::<Migrator>();
        let upgraded = engine
            .upgrade(&url, &Target::Head, &Options::default())
            .await;
        upgraded.map_err(|error| Trouble {
            code: format!("restore-{}", error.code()).into(),
            title: format!("Nothing was restored: {}: {error}", self.name).into(),
            detail: format!("The database is as it was. {}", error.next_step()),
        })?;
        // The engine leaves it with a log of its own, which an attached database must not have.
        self.make_whole().await
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let path = beside(&self.path, suffix);
            if path.exists()
                && let Err(error) = fs::remove_file(&path)
            {
                tracing::debug!(%error, "removing a private copy");
            }
        }
    }
}

/// Where it is, nothing for standard input, and what to call it.
fn find(database: &Path, what: &str) -> Result<(Option<PathBuf>, String), Trouble> {
    if what == "-" {
        return Ok((None, "standard input".to_owned()));
    }
    if let Ok(number) = what.parse::<u32>() {
        let list = copies::of(database).list().unwrap_or_default();
        let found = list.into_iter().find(|copy| copy.number == number);
        return match found {
            Some(copy) => Ok((Some(copy.path), format!("copy {number}"))),
            None => Err(failed(format!("there is no copy {number}"))),
        };
    }
    let path = PathBuf::from(what);
    if path.is_file() {
        Ok((Some(path), what.to_owned()))
    } else {
        Err(failed(format!("there is no file {what}")))
    }
}

/// Removes what a killed restore has left.
fn remove_left_behind(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(PREFIX)
            && let Ok(file) = File::open(&path)
            && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
