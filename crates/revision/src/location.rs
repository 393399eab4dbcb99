//! Where the database is: the URL, read once.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::error::Error;

/// A database that can be migrated.
pub(crate) enum Location {
    Sqlite(Box<SqliteFile>),
    Postgres(Box<PgConnectOptions>),
}

/// A SQLite database in a file.
#[derive(Clone)]
pub(crate) struct SqliteFile {
    pub(crate) options: SqliteConnectOptions,
    pub(crate) path: PathBuf,
}

impl SqliteFile {
    /// The file itself or one of its companions, such as `-wal`.
    pub(crate) fn companion(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    }

    /// The directory that the file is in.
    pub(crate) fn directory(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }
}

impl FromStr for Location {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => sqlite(url).map(Self::Sqlite),
            Some("postgres" | "postgresql") => postgres(url).map(Self::Postgres),
            _ => Err(Error::Connect {
                // What has no scheme may be anything, a password too: it is not repeated.
                database: "given by the URL".to_owned(),
                reason: "the URL must begin with sqlite: or postgres:".to_owned(),
            }),
        }
    }
}

fn sqlite(url: &str) -> Result<Box<SqliteFile>, Error> {
    let refuse = |reason: String| Error::Connect {
        database: url.to_owned(),
        reason,
    };
    let options: SqliteConnectOptions = url
        .parse()
        .map_err(|error: sqlx::Error| refuse(error.to_string()))?;
    let path = options.get_filename().to_owned();
    let in_memory = path.as_os_str().is_empty() || path.starts_with("file:") || {
        let (_, query) = url.split_once('?').unwrap_or_default();
        query.split('&').any(|pair| pair == "mode=memory")
    };
    // SQLx gives every in-memory database a name of its own that begins with `file:sqlx-in-memory-`.
    if in_memory || path.to_string_lossy().starts_with("file:") {
        return Err(refuse(
            "a database in memory is gone with its connection; name a file".to_owned(),
        ));
    }
    Ok(Box::new(SqliteFile { options, path }))
}

fn postgres(url: &str) -> Result<Box<PgConnectOptions>, Error> {
    url.parse()
        .map(Box::new)
        .map_err(|error: sqlx::Error| Error::Connect {
            database: "given by the URL".to_owned(),
            reason: error.to_string(),
        })
}

/// A PostgreSQL database in words, without its password.
pub(crate) fn describe(options: &PgConnectOptions) -> String {
    let database = options
        .get_database()
        .unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("{database} at {}", socket.display()),
        None => format!(
            "{database} at {}:{}",
            options.get_host(),
            options.get_port()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::Location;
    use crate::error::Error;

    fn path(url: &str) -> String {
        match url.parse() {
            Ok(Location::Sqlite(file)) => file.path.display().to_string(),
            Ok(Location::Postgres(_)) => "postgres".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_sqlite_url_names_a_file_with_or_without_a_mode() {
        assert_eq!(path("sqlite://notes.db"), "notes.db");
        assert_eq!(path("sqlite:notes.db"), "notes.db");
        assert_eq!(path("sqlite://notes.db?mode=rwc"), "notes.db");
        assert_eq!(path("sqlite:///data/notes.db"), "/data/notes.db");
    }

    #[test]
    fn a_database_in_memory_is_refused() {
        for url in [
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite://?mode=memory",
            "sqlite://x?mode=memory",
        ] {
            assert!(path(url).contains("gone with its connection"), "{url}");
        }
    }

    #[test]
    fn a_password_is_never_repeated() {
        for url in [
            "secret",
            "mysql://me:secret@host/db",
            "postgres://me:secret@host:port/db",
        ] {
            let error = url.parse::<Location>().err();
            assert!(matches!(&error, Some(Error::Connect { .. })), "{url}");
            assert!(!format!("{error:?}").contains("secret"), "{url}: {error:?}");
        }
    }
}
