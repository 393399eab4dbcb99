//! A connection for looking: it leaves no trace in the database, nor beside it.

use sea_orm::{DatabaseConnection, DbErr};

use crate::error::Error;
use crate::location::{Location, SqliteFile};
use crate::options::Options;
use crate::{postgres, sqlite};

/// An open database that is only read.
pub(crate) enum Reader<'a> {
    Sqlite(Box<sqlite::Session<'a>>, Box<SqliteFile>),
    Postgres(postgres::Session),
}

impl<'a> Reader<'a> {
    /// Opens the database; nothing when it is a SQLite file that is not there.
    pub(crate) async fn open(
        location: Location,
        options: &'a Options,
    ) -> Result<Option<Self>, Error> {
        match location {
            Location::Sqlite(file) if !file.path.exists() => Ok(None),
            Location::Sqlite(file) => {
                let session = sqlite::Session::open_for_reading(&file, options).await?;
                Ok(Some(Self::Sqlite(Box::new(session), file)))
            }
            Location::Postgres(at) => {
                let session = postgres::Session::open(&at, options).await?;
                Ok(Some(Self::Postgres(session)))
            }
        }
    }

    pub(crate) fn connection(&self) -> &DatabaseConnection {
        match self {
            Self::Sqlite(session, _) => session.connection(),
            Self::Postgres(session) => session.connection(),
        }
    }

    pub(crate) fn explain(&self, doing: &'static str, error: DbErr) -> Error {
        match self {
            Self::Sqlite(_, file) => sqlite::explain(file, doing, error),
            Self::Postgres(_) => Error::database(doing)(error),
        }
    }

    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(session, _) => session.close().await,
            Self::Postgres(session) => session.close().await,
        }
    }
}
