//! The engine: a program's migrations, run safely on a database.

use std::fmt;

use sea_orm::DynIden;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::error::Error;
use crate::location::Location;
use crate::options::Options;
use crate::report::{Direction, Report, Status};
use crate::run::Job;
use crate::target::Target;
use crate::{postgres, sqlite};

/// The migrations of one program, ready to be run on any database.
///
/// Every call opens a connection of its own from the URL and closes it: `sqlite://notes.db`,
/// `sqlite:///data/notes.db?mode=rwc`, `postgres://user@host/database`. Dropping the future of a running call rolls
/// its transaction back.
pub struct Engine {
    migrations: Vec<Box<dyn MigrationTrait>>,
    names: Vec<String>,
    table: DynIden,
}

impl Engine {
    /// Takes the migrations of `M`, in the order in which it lists them.
    pub fn new<M: MigratorTrait>() -> Self {
        let migrations = M::migrations();
        let names = migrations
            .iter()
            .map(|migration| migration.name().to_owned())
            .collect();
        Self {
            migrations,
            names,
            table: M::migration_table_name(),
        }
    }

    /// The names of all migrations, oldest first.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads where the database stands; writes nothing, not even the version table.
    ///
    /// A SQLite file that is not there counts as an empty database, and is still not there afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] and [`Error::Database`] when it cannot be read, [`Error::Duplicate`] when the program
    /// lists two migrations of one name. Unknown revisions are no error here: they are in the [`Status`].
    pub async fn status(&self, url: &str) -> Result<Status, Error> {
        self.refuse_duplicates()?;
        // No direction is taken: the job only lends its way of reading.
        let job = self.job(Direction::Up);
        match url.parse()? {
            Location::Sqlite(file) => sqlite::status(&job, &file).await,
            Location::Postgres(options) => postgres::status(&job, &options).await,
        }
    }

    /// Applies what is pending up to `target`; creates a SQLite file that is not there.
    ///
    /// # Errors
    ///
    /// Any [`Error`]. Unless its [`unchanged`](Error::unchanged) says otherwise, the database is as it was.
    pub async fn upgrade(
        &self,
        url: &str,
        target: &Target,
        options: &Options,
    ) -> Result<Report, Error> {
        self.run(Direction::Up, url, target, options).await
    }

    /// Undoes what is applied after `target`, newest first.
    ///
    /// # Errors
    ///
    /// Any [`Error`]. Unless its [`unchanged`](Error::unchanged) says otherwise, the database is as it was.
    pub async fn downgrade(
        &self,
        url: &str,
        target: &Target,
        options: &Options,
    ) -> Result<Report, Error> {
        self.run(Direction::Down, url, target, options).await
    }

    async fn run(
        &self,
        direction: Direction,
        url: &str,
        target: &Target,
        options: &Options,
    ) -> Result<Report, Error> {
        self.refuse_duplicates()?;
        let job = self.job(direction);
        match url.parse()? {
            Location::Sqlite(file) => sqlite::run(&job, &file, target, options).await,
            Location::Postgres(at) => postgres::run(&job, &at, target, options).await,
        }
    }

    fn job(&self, direction: Direction) -> Job<'_> {
        Job {
            migrations: &self.migrations,
            names: &self.names,
            table: &self.table,
            direction,
        }
    }

    fn refuse_duplicates(&self) -> Result<(), Error> {
        for (index, name) in self.names.iter().enumerate() {
            if self.names[..index].contains(name) {
                return Err(Error::Duplicate { name: name.clone() });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
