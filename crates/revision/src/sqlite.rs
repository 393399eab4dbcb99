//! Migrating a SQLite file: one connection, `foreign_keys` off before `BEGIN IMMEDIATE`, and one transaction.

mod busy;
mod foreign_keys;
mod holder;
mod session;
mod solitude;

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

use crate::error::Error;
use crate::event::Event;
use crate::location::SqliteFile;
use crate::options::Transactions;
use crate::plan::{Batch, Plan};
use crate::report::{Report, Step};
use crate::resolve::State;
use crate::run::{Job, Place, after};
use crate::{memory, snapshot, tape};
pub(crate) use session::{Session, explain};
use solitude::Solitude;

/// Does to the file what the job was asked for.
pub(crate) async fn run(job: &mut Job<'_>, file: &SqliteFile) -> Result<Report, Error> {
    let exists = file.path.exists();
    // What would be refused, or comes to nothing, does not leave an empty file behind.
    if !exists && job.creates() && job.plan(&State::empty(job.names))?.is_empty() {
        return Ok(Report::default());
    }
    let _solitude = if job.may_run_alone() && !job.options.dry_run {
        Some(Solitude::of(file, job.options).await?)
    } else {
        None
    };
    let session = if job.options.dry_run && !exists && job.creates() {
        Session::in_memory(file, job.options).await?
    } else {
        Session::open_for_writing(file, job.creates(), job.options).await?
    };
    let result = migrate(&session, job).await;
    // Closing waits for a rollback, and lets SQLite put the log away.
    session.close().await;
    result
}

async fn migrate(session: &Session<'_>, job: &mut Job<'_>) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut plan: Option<Plan> = None;
    let mut wal_was_tried = job.options.dry_run;
    loop {
        let transaction = session.lock().await?;
        let state = job
            .state(&transaction)
            .await
            .map_err(|error| session.explain("Reading the revisions", error))?;
        let plan = if let Some(plan) = &mut plan {
            // The lock was given up, and somebody else may have done a part.
            if plan.keeps_what_is_there()
                && let Err(error) = state.refuse_unknown()
            {
                return Err(after(&report.steps, error));
            }
            plan.catch_up(&state);
            plan
        } else {
            report.from = state.current_name();
            let first = job.plan(&state)?;
            job.checksums = job.checksums(&first, DbBackend::Sqlite).await?;
            plan.insert(first)
        };
        if plan.is_empty() {
            report.to = state.current_name();
            return Ok(report);
        }
        if !wal_was_tried && !session.is_wal(&transaction).await? {
            // The journal mode cannot be changed inside a transaction. What was read is read again.
            drop(transaction);
            session.enter_wal().await?;
            wal_was_tried = true;
            *plan = job.plan(&state)?;
            continue;
        }
        if report.snapshot.is_none()
            && !job.options.dry_run
            && holds_data(&transaction, job).await?
        {
            report.snapshot = snapshot::take(session.file(), job.options).await?;
        }
        let batch = if job.options.dry_run {
            plan.batch(Transactions::One, |_| false)
        } else {
            plan.batch(job.options.transactions, |step| job.is_alone(step))
        };
        let result = if batch.alone {
            // The directory is locked instead.
            drop(transaction);
            let steps = job
                .run(Place::Connection(session.connection()), plan, batch.len)
                .await;
            job.options.observer.notify(&Event::Committed);
            steps
        } else if job.options.dry_run {
            rehearse(transaction, job, plan, batch).await
        } else {
            apply(transaction, job, plan, batch).await
        };
        match result {
            Ok(steps) => report.steps.extend(steps),
            Err(error) => {
                if let (Some(path), true) = (&report.snapshot, report.steps.is_empty()) {
                    // A service tries again and again, and would fill the disk with copies of what is still there.
                    snapshot::discard_after(&error, path);
                }
                return Err(after(&report.steps, error));
            }
        }
        plan.advance(batch);
        if job.options.dry_run {
            report.to.clone_from(&report.from);
            return Ok(report);
        }
    }
}

/// Runs migrations in a transaction that holds the lock, and commits it.
async fn apply(
    transaction: DatabaseTransaction,
    job: &Job<'_>,
    plan: &Plan,
    batch: Batch,
) -> Result<Vec<Step>, Error> {
    let before = foreign_keys::Violations::read(&transaction).await?;
    let steps = job
        .run(Place::Transaction(&transaction), plan, batch.len)
        .await?;
    before.refuse_new(&transaction).await?;
    job.options.observer.notify(&Event::Commit);
    transaction
        .commit()
        .await
        .map_err(Error::database("COMMIT"))?;
    job.options.observer.notify(&Event::Committed);
    Ok(steps)
}

/// Runs migrations as [`apply`] does, tells their statements, and takes everything back.
async fn rehearse(
    transaction: DatabaseTransaction,
    job: &Job<'_>,
    plan: &Plan,
    batch: Batch,
) -> Result<Vec<Step>, Error> {
    let transaction = Arc::new(transaction);
    let before = foreign_keys::Violations::read(&*transaction).await?;
    let steps = {
        let stage = tape::rehearsal(Arc::clone(&transaction), &job.options.observer)?;
        job.run(Place::Stage(&stage, &transaction), plan, batch.len)
            .await
    };
    let steps = match steps {
        Ok(steps) => before.refuse_new(&*transaction).await.map(|()| steps),
        Err(error) => Err(error),
    };
    tape::take_back(transaction).await;
    steps
}

/// Whether there is anything in the database that a person would miss.
async fn holds_data(connection: &impl ConnectionTrait, job: &Job<'_>) -> Result<bool, Error> {
    let statement = sea_orm::Statement::from_sql_and_values(
        DbBackend::Sqlite,
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name NOT IN (?, ?) AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' LIMIT 1",
        [job.table.to_string().into(), memory::TABLE.into()],
    );
    let row = connection
        .query_one_raw(statement)
        .await
        .map_err(Error::database("Reading the schema"))?;
    Ok(row.is_some())
}
