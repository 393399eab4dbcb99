//! What both databases share: reading the state, and running one migration with its version row.

use std::time::Instant;

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, DynIden};
use sea_orm_migration::{MigrationTrait, SchemaManager};

use crate::error::{Error, reason};
use crate::options::{Options, Transactions};
use crate::report::{Direction, Step};
use crate::resolve::State;
use crate::target::Target;
use crate::versions;

/// The migrations of a program, and which way they are to be run.
pub(crate) struct Job<'a> {
    pub(crate) migrations: &'a [Box<dyn MigrationTrait>],
    pub(crate) names: &'a [String],
    pub(crate) table: &'a DynIden,
    pub(crate) direction: Direction,
}

/// Migrations that are run together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Their indices, in the order in which they are run.
    pub(crate) indices: Vec<usize>,
    /// Whether it is one migration that declares that it cannot run in a transaction.
    pub(crate) alone: bool,
}

impl<'a> Job<'a> {
    pub(crate) async fn state(
        &self,
        connection: &impl ConnectionTrait,
    ) -> Result<State<'a>, DbErr> {
        let recorded = versions::recorded(connection, self.table).await?;
        Ok(State::new(self.names, &recorded))
    }

    /// What is left to do: at first the plan for the target, later what the plan still lacks.
    ///
    /// The state is read again whenever the lock was given up, and somebody else may have done a part.
    pub(crate) fn todo(
        &self,
        plan: &mut Option<Vec<usize>>,
        state: &State,
        target: &Target,
        options: &Options,
    ) -> Result<Vec<usize>, Error> {
        let Some(plan) = plan else {
            let todo = state.plan(self.direction, target, options.out_of_order)?;
            *plan = Some(todo.clone());
            return Ok(todo);
        };
        state.refuse_unknown()?;
        let done = self.direction == Direction::Up;
        Ok(plan
            .iter()
            .copied()
            .filter(|index| state.is_applied(*index) != done)
            .collect())
    }

    pub(crate) fn is_alone(&self, index: usize) -> bool {
        self.migrations[index].use_transaction() == Some(false)
    }

    /// Divides what is to be done into transactions.
    pub(crate) fn batches(&self, todo: &[usize], transactions: Transactions) -> Vec<Batch> {
        let mut batches: Vec<Batch> = Vec::new();
        for &index in todo {
            let alone = self.is_alone(index);
            match batches.last_mut() {
                Some(last) if transactions == Transactions::One && !alone && !last.alone => {
                    last.indices.push(index);
                }
                _ => batches.push(Batch {
                    indices: vec![index],
                    alone,
                }),
            }
        }
        batches
    }

    /// Runs a batch inside a transaction that the caller commits.
    pub(crate) async fn run(
        &self,
        transaction: &DatabaseTransaction,
        indices: &[usize],
    ) -> Result<Vec<Step>, Error> {
        self.install(transaction).await?;
        let mut steps = Vec::with_capacity(indices.len());
        for &index in indices {
            let manager = SchemaManager::new(transaction);
            steps.push(self.step(&manager, index, false).await?);
            self.note(transaction, index).await?;
        }
        Ok(steps)
    }

    /// Runs one migration outside any transaction; its version row follows when it is through.
    pub(crate) async fn run_alone(
        &self,
        connection: &DatabaseConnection,
        index: usize,
    ) -> Result<Step, Error> {
        self.install(connection).await?;
        let manager = SchemaManager::new(connection);
        let step = self.step(&manager, index, true).await?;
        self.note(connection, index).await?;
        Ok(step)
    }

    async fn step(
        &self,
        manager: &SchemaManager<'_>,
        index: usize,
        alone: bool,
    ) -> Result<Step, Error> {
        let name = &self.names[index];
        tracing::info!(migration = name, "running {}", self.direction);
        let started = Instant::now();
        let migration = &self.migrations[index];
        let result = match self.direction {
            Direction::Up => migration.up(manager).await,
            Direction::Down => migration.down(manager).await,
        };
        result.map_err(|source| Error::Failed {
            migration: name.clone(),
            reason: reason(&source),
            committed: Vec::new(),
            partial: alone,
            source: Box::new(source),
        })?;
        Ok(Step {
            name: name.clone(),
            elapsed: started.elapsed(),
        })
    }

    async fn install(&self, connection: &impl ConnectionTrait) -> Result<(), Error> {
        let doing = "Creating the version table";
        versions::install(connection, self.table)
            .await
            .map_err(Error::database(doing))
    }

    async fn note(&self, connection: &impl ConnectionTrait, index: usize) -> Result<(), Error> {
        let name = &self.names[index];
        let result = match self.direction {
            Direction::Up => versions::record(connection, self.table, name).await,
            Direction::Down => versions::forget(connection, self.table, name).await,
        };
        result.map_err(Error::database("Writing the version"))
    }
}

/// Tells an error of a later transaction what the earlier ones have committed.
pub(crate) fn after(steps: &[Step], mut error: Error) -> Error {
    if let Error::Failed { committed, .. } = &mut error {
        *committed = steps.iter().map(|step| step.name.clone()).collect();
    }
    error
}
