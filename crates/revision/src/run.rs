//! What both databases share: reading the state, and running migrations with their version rows.

use std::time::{Duration, Instant};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbBackend, DbErr,
    DynIden, TransactionTrait as _,
};
use sea_orm_migration::{MigrationTrait, SchemaManager};

use crate::error::{Error, reason};
use crate::event::Event;
use crate::guard;
use crate::memory::{Checksums, Memory};
use crate::options::Options;
use crate::plan::{Goal, Kind, Move, Plan};
use crate::report::{Direction, Step};
use crate::resolve::State;
use crate::{memory, versions, wipe};

/// The migrations of a program, and what is to be done with them.
pub(crate) struct Job<'a> {
    pub(crate) migrations: &'a [Box<dyn MigrationTrait>],
    pub(crate) names: &'a [String],
    pub(crate) table: &'a DynIden,
    pub(crate) goal: Goal<'a>,
    pub(crate) options: &'a Options,
    /// What is remembered of each migration that is applied.
    pub(crate) checksums: Checksums,
    /// Whether the schema after each is remembered too.
    pub(crate) reads_schema: bool,
}

/// Where migrations are run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// In a transaction that the caller commits.
    Transaction(&'a DatabaseTransaction),
    /// On a connection, each statement by itself.
    Connection(&'a DatabaseConnection),
    /// On a connection that tells each statement, and passes it on to a transaction that is rolled back.
    Stage(&'a DatabaseConnection, &'a DatabaseTransaction),
}

impl<'a> Place<'a> {
    pub(crate) fn executor(self) -> DatabaseExecutor<'a> {
        match self {
            Self::Transaction(transaction) => transaction.into(),
            Self::Connection(connection) | Self::Stage(connection, _) => connection.into(),
        }
    }

    /// What can be taken back in part; nothing where each statement stands by itself.
    fn transaction(self) -> Option<&'a DatabaseTransaction> {
        match self {
            Self::Transaction(transaction) | Self::Stage(_, transaction) => Some(transaction),
            Self::Connection(_) => None,
        }
    }
}

impl<'a> Job<'a> {
    pub(crate) async fn state(
        &self,
        connection: &impl ConnectionTrait,
    ) -> Result<State<'a>, DbErr> {
        let recorded = versions::recorded(connection, self.table).await?;
        Ok(State::new(self.names, &recorded))
    }

    /// What there is to do for a database in this state.
    ///
    /// # Errors
    ///
    /// Also when a dry run is asked for and cannot be rolled back.
    pub(crate) fn plan(&self, state: &State) -> Result<Plan, Error> {
        let plan = Plan::new(self.goal, state, self.options.out_of_order)?;
        match plan.moves.iter().find(|step| self.is_alone(step)) {
            Some(step) if self.options.dry_run => Err(Error::NotDry {
                migration: self.names[step.index].clone(),
            }),
            _ => Ok(plan),
        }
    }

    pub(crate) fn is_alone(&self, step: &Move) -> bool {
        step.kind == Kind::Run && self.migrations[step.index].use_transaction() == Some(false)
    }

    /// Whether it makes a SQLite file that is not there.
    pub(crate) fn creates(&self) -> bool {
        !matches!(self.goal, Goal::Downgrade(_))
    }

    /// Whether the program has a migration that cannot run in a transaction.
    pub(crate) fn may_run_alone(&self) -> bool {
        let mut each = self.migrations.iter();
        each.any(|migration| migration.use_transaction() == Some(false))
    }

    /// Finds out what will be remembered of the migrations that the plan applies.
    pub(crate) async fn checksums(
        &self,
        plan: &Plan,
        backend: DbBackend,
    ) -> Result<Checksums, Error> {
        let up = plan.moves.iter();
        let up = up.filter(|step| step.direction == Direction::Up);
        let len = up.map(|step| step.index + 1).max().unwrap_or(0);
        Checksums::of(self.migrations, len, backend).await
    }

    /// Runs the first `len` moves of a plan, with what has to be done before them.
    pub(crate) async fn run(
        &self,
        place: Place<'_>,
        plan: &Plan,
        len: usize,
    ) -> Result<Vec<Step>, Error> {
        self.prepare(place, plan).await?;
        self.steps(place, plan, len).await
    }

    /// Empties the database where that is asked for, and makes sure that the version table is there.
    pub(crate) async fn prepare(&self, place: Place<'_>, plan: &Plan) -> Result<(), Error> {
        let connection = place.executor();
        if plan.wipe {
            wipe::everything(&connection)
                .await
                .map_err(Error::database("Dropping what is there"))?;
        }
        self.options.observer.notify(&Event::Install);
        let doing = "Creating the version table";
        versions::install(&connection, self.table)
            .await
            .map_err(Error::database(doing))?;
        memory::install(&connection)
            .await
            .map_err(Error::database(doing))?;
        if self.reads_schema {
            self.forget_what_is_undone(&connection)
                .await
                .map_err(Error::database("Reading what is remembered"))?;
        }
        for name in &plan.purge {
            let result = versions::forget(&connection, self.table, name).await;
            result.map_err(Error::database("Removing a version"))?;
            let result = memory::forget(&connection, name).await;
            result.map_err(Error::database("Removing a version"))?;
        }
        Ok(())
    }

    /// SeaORM's own tool may have undone migrations, and knows nothing of what is remembered of them.
    async fn forget_what_is_undone(&self, connection: &DatabaseExecutor<'_>) -> Result<(), DbErr> {
        let recorded = versions::recorded(connection, self.table).await?;
        for memory in memory::read(connection).await? {
            if !recorded.contains(&memory.version) {
                memory::forget(connection, &memory.version).await?;
            }
        }
        Ok(())
    }

    /// Runs the first `len` moves of a plan, each with its rows.
    pub(crate) async fn steps(
        &self,
        place: Place<'_>,
        plan: &Plan,
        len: usize,
    ) -> Result<Vec<Step>, Error> {
        let mut steps = Vec::with_capacity(len);
        for (place_in_plan, step) in plan.moves[..len].iter().enumerate() {
            let name = &self.names[step.index];
            let mut done = Step {
                name: name.clone(),
                direction: step.direction,
                elapsed: Duration::ZERO,
            };
            if step.kind == Kind::Run {
                self.options.observer.notify(&Event::Starting {
                    migration: name,
                    direction: step.direction,
                    position: plan.done + place_in_plan + 1,
                    total: plan.total(),
                });
                done.elapsed = self.step(place, step).await?;
            }
            let is_last = place_in_plan + 1 == plan.moves.len();
            if self.is_alone(step) {
                // What was done by itself is at least written down as one.
                let doing = Error::database;
                let rows = place.executor().begin().await.map_err(doing("BEGIN"))?;
                self.note(Place::Transaction(&rows), step, is_last).await?;
                rows.commit().await.map_err(doing("COMMIT"))?;
            } else {
                self.note(place, step, is_last).await?;
            }
            if step.kind == Kind::Accept {
                continue;
            }
            tracing::info!(
                migration = name,
                elapsed_ms = done.elapsed.as_millis(),
                "{} done",
                step.direction
            );
            self.options.observer.notify(&Event::Done(&done));
            steps.push(done);
        }
        Ok(steps)
    }

    async fn step(&self, place: Place<'_>, step: &Move) -> Result<Duration, Error> {
        let name = &self.names[step.index];
        tracing::debug!(migration = name, "{} begins", step.direction);
        let started = Instant::now();
        let migration = &self.migrations[step.index];
        let manager = SchemaManager::new(place.executor());
        let scope = guard::Scope::new(self.options.allow_data_loss, &self.options.observer);
        let result = guard::run(place.transaction(), &scope, || match step.direction {
            Direction::Up => migration.up(&manager),
            Direction::Down => migration.down(&manager),
        });
        result.await.map_err(|source| match &scope.findings()[..] {
            [] => Error::Failed {
                migration: name.clone(),
                reason: reason(&source),
                partial: self.is_alone(step),
                source: Box::new(source),
            },
            findings => Error::Guarded {
                migration: name.clone(),
                findings: findings.to_vec(),
            },
        })?;
        Ok(started.elapsed())
    }

    /// Writes down that a migration is applied, or is not any more, and what the schema is now.
    async fn note(&self, place: Place<'_>, step: &Move, is_last: bool) -> Result<(), Error> {
        let name = &self.names[step.index];
        let connection = place.executor();
        let observer = &self.options.observer;
        observer.notify(&Event::Record { migration: name });
        let result = match step.direction {
            _ if step.kind == Kind::Accept => Ok(()),
            Direction::Up => versions::record(&connection, self.table, name).await,
            Direction::Down => versions::forget(&connection, self.table, name).await,
        };
        result.map_err(Error::database("Writing the version"))?;
        observer.notify(&Event::Remember { migration: name });
        let result = self.remember(&connection, step, is_last).await;
        result.map_err(Error::database("Writing what is remembered"))
    }

    /// Of the schema as it is now; nothing when it holds what the reader does not understand, which is no reason not
    /// to migrate.
    async fn fingerprint(
        &self,
        connection: &DatabaseExecutor<'_>,
    ) -> Result<Option<String>, DbErr> {
        let schema = if connection.get_database_backend() == DbBackend::Postgres {
            // There a query that fails would take the whole transaction with it.
            let inner = connection.begin().await?;
            let schema = memory::schema(&inner, self.table).await;
            inner.rollback().await?;
            schema
        } else {
            memory::schema(connection, self.table).await
        };
        match schema {
            Ok(schema) => Ok(Some(schema.fingerprint())),
            Err(error) => {
                tracing::warn!(%error, "the schema cannot be read, and so not be compared later");
                Ok(None)
            }
        }
    }

    async fn remember(
        &self,
        connection: &DatabaseExecutor<'_>,
        step: &Move,
        is_last: bool,
    ) -> Result<(), DbErr> {
        let name = &self.names[step.index];
        // Of what is only stamped nothing was made: the schema that is there is that of the last.
        let fingerprint = if self.reads_schema && (is_last || step.kind == Kind::Run) {
            self.fingerprint(connection).await?
        } else {
            None
        };
        match step.direction {
            Direction::Up => {
                let memory = Memory {
                    version: name.clone(),
                    checksum: self.checksums.get(step.index).map(str::to_owned),
                    fingerprint,
                };
                memory::keep(connection, &memory).await
            }
            Direction::Down => {
                memory::forget(connection, name).await?;
                if !self.reads_schema {
                    return Ok(());
                }
                match self.state(connection).await?.current_name() {
                    Some(current) => {
                        memory::keep_schema(connection, &current, fingerprint.as_deref()).await
                    }
                    None => Ok(()),
                }
            }
        }
    }
}

/// Tells an error of a later transaction what the earlier ones have committed.
pub(crate) fn after(steps: &[Step], error: Error) -> Error {
    if steps.is_empty() {
        return error;
    }
    Error::Later {
        committed: steps.iter().map(|step| step.name.clone()).collect(),
        error: Box::new(error),
    }
}
