//! The engine: a program's migrations, run safely on a database.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sea_orm::DynIden;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::check::{self, Check};
use crate::declared::Declared;
use crate::error::Error;
use crate::location::Location;
use crate::memory::Checksums;
use crate::options::Options;
use crate::plan::Goal;
use crate::reader::Reader;
use crate::report::{Direction, Report, Status};
use crate::resolve::State;
use crate::run::Job;
use crate::target::Target;
use crate::{inventory, postgres, script, sqlite, versions};

/// The migrations of one program, ready to be run on any database.
///
/// Every call opens a connection of its own from the URL and closes it: `sqlite://notes.db`,
/// `sqlite:///data/notes.db?mode=rwc`, `postgres://user@host/database`. Dropping the future of a running call rolls
/// its transaction back.
pub struct Engine {
    pub(crate) migrations: Vec<Box<dyn MigrationTrait>>,
    names: Vec<String>,
    pub(crate) table: DynIden,
    pub(crate) declared: Declared,
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
            declared: Declared::new(),
        }
    }

    /// Takes the program's entities, so that [`check`](Self::check) sees where they are ahead of the migrations.
    #[must_use]
    pub fn declaring(self, declared: Declared) -> Self {
        Self { declared, ..self }
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
        let recorded = self.recorded(url).await?;
        Ok(State::new(&self.names, &recorded).status())
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
        self.run(Goal::Upgrade(target), url, options).await
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
        self.run(Goal::Downgrade(target), url, options).await
    }

    /// Undoes everything and applies everything again: every row is lost.
    ///
    /// # Errors
    ///
    /// Any [`Error`]. Unless its [`unchanged`](Error::unchanged) says otherwise, the database is as it was.
    pub async fn refresh(&self, url: &str, options: &Options) -> Result<Report, Error> {
        self.run(Goal::Refresh, url, options).await
    }

    /// Drops everything in the database, also what no migration made, and applies everything: every row is lost.
    ///
    /// # Errors
    ///
    /// Any [`Error`]. Unless its [`unchanged`](Error::unchanged) says otherwise, the database is as it was.
    pub async fn fresh(&self, url: &str, options: &Options) -> Result<Report, Error> {
        self.run(Goal::Fresh, url, options).await
    }

    /// Writes the version rows as if the database were at `target`, and runs no migration.
    ///
    /// With `purge` the versions that the program does not know are removed.
    ///
    /// # Errors
    ///
    /// Any [`Error`]. Unless its [`unchanged`](Error::unchanged) says otherwise, the database is as it was.
    pub async fn stamp(
        &self,
        url: &str,
        target: &Target,
        purge: bool,
        options: &Options,
    ) -> Result<Report, Error> {
        self.run(Goal::Stamp { target, purge }, url, options).await
    }

    /// Looks whether the database, its history and the program belong together; writes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] and [`Error::Database`] when it cannot be read. What it finds is no error: it is in the
    /// [`Check`].
    pub async fn check(&self, url: &str) -> Result<Check, Error> {
        self.refuse_duplicates()?;
        check::check(self, url).await
    }

    /// Writes the statements that take a database from one point of the history to another, as a script with the
    /// version rows in it. Only the kind of database is taken from the URL: it need not be there.
    ///
    /// On SQLite the migrations are played to a database in memory. On PostgreSQL there is none, and a migration that
    /// reads gets the answers of an empty database.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when a migration cannot be played to an empty database; what a target can be wrong about.
    pub async fn script(
        &self,
        url: &str,
        direction: Direction,
        from: &Target,
        to: &Target,
        options: &Options,
    ) -> Result<String, Error> {
        self.refuse_duplicates()?;
        script::script(self, url, direction, from, to, options).await
    }

    /// The names of the migrations that an upgrade or a downgrade would run, in that order; writes nothing.
    ///
    /// # Errors
    ///
    /// As [`upgrade`](Self::upgrade), as far as they can be foreseen.
    pub async fn plan(
        &self,
        url: &str,
        direction: Direction,
        target: &Target,
    ) -> Result<Vec<String>, Error> {
        let recorded = self.recorded(url).await?;
        let indices = State::new(&self.names, &recorded).plan(direction, target, true)?;
        Ok(indices
            .into_iter()
            .map(|index| self.names[index].clone())
            .collect())
    }

    /// The migration that a target stands for; nothing for the place before the first one.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchRevision`], [`Error::Ambiguous`] and [`Error::TooFar`]; those of [`status`](Self::status) where
    /// the target depends on the database.
    pub async fn locate(&self, url: &str, target: &Target) -> Result<Option<String>, Error> {
        let recorded = if target.needs_database() {
            self.recorded(url).await?
        } else {
            BTreeSet::new()
        };
        let state = State::new(&self.names, &recorded);
        let index = state.position(target)?;
        Ok(index.map(|index| self.names[index].clone()))
    }

    /// When each applied migration was applied, in seconds since 1970; writes nothing.
    ///
    /// # Errors
    ///
    /// As [`status`](Self::status).
    pub async fn applied_at(&self, url: &str) -> Result<BTreeMap<String, i64>, Error> {
        let options = Options::default();
        let Some(reader) = Reader::open(url.parse()?, &options).await? else {
            return Ok(BTreeMap::new());
        };
        let times = versions::times(reader.connection(), &self.table).await;
        let times = times.map_err(|error| reader.explain("Reading the revisions", error));
        reader.close().await;
        times
    }

    /// The tables of the database that hold rows, each with their number, but for the migration tool's own; writes
    /// nothing.
    ///
    /// # Errors
    ///
    /// As [`status`](Self::status).
    pub async fn rows(&self, url: &str) -> Result<Vec<(String, u64)>, Error> {
        let options = Options::default();
        let Some(reader) = Reader::open(url.parse()?, &options).await? else {
            return Ok(Vec::new());
        };
        let rows = inventory::rows(reader.connection(), &self.table).await;
        let rows = rows.map_err(|error| reader.explain("Counting the rows", error));
        reader.close().await;
        rows
    }

    async fn recorded(&self, url: &str) -> Result<BTreeSet<String>, Error> {
        self.refuse_duplicates()?;
        let options = Options::default();
        let Some(reader) = Reader::open(url.parse()?, &options).await? else {
            return Ok(BTreeSet::new());
        };
        let recorded = versions::recorded(reader.connection(), &self.table).await;
        let recorded = recorded.map_err(|error| reader.explain("Reading the revisions", error));
        reader.close().await;
        recorded
    }

    async fn run(&self, goal: Goal<'_>, url: &str, options: &Options) -> Result<Report, Error> {
        self.refuse_duplicates()?;
        let mut job = Job {
            migrations: &self.migrations,
            names: &self.names,
            table: &self.table,
            goal,
            options,
            checksums: Checksums::default(),
            // What is only read would stand between the statements of a dry run.
            reads_schema: !options.dry_run,
        };
        match url.parse()? {
            Location::Sqlite(file) => sqlite::run(&mut job, &file).await,
            Location::Postgres(at) => postgres::run(&mut job, &at).await,
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
