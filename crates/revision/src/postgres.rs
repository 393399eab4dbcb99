//! Migrating a PostgreSQL database: a session lock, and one transaction where the server allows it.

mod indexes;
mod session;

use std::sync::Arc;

use sea_orm::{DatabaseTransaction, DbBackend, TransactionTrait as _};
use sqlx::postgres::PgConnectOptions;

use crate::error::{Error, connection_lost, database_code, reason};
use crate::event::Event;
use crate::options::Transactions;
use crate::plan::{Batch, Plan};
use crate::report::{Report, Step};
use crate::run::{Job, Place, after};
use crate::tape;
pub(crate) use session::Session;

/// Does to the database what the job was asked for.
pub(crate) async fn run(job: &mut Job<'_>, at: &PgConnectOptions) -> Result<Report, Error> {
    let session = Session::open(at, job.options).await?;
    let result = match session.lock(job.options).await {
        Ok(()) => migrate(&session, job).await,
        Err(error) => Err(error),
    };
    session.unlock().await;
    session.close().await;
    result
}

async fn migrate(session: &Session, job: &mut Job<'_>) -> Result<Report, Error> {
    let state = job
        .state(session.connection())
        .await
        .map_err(Error::database("Reading the revisions"))?;
    let mut plan = job.plan(&state)?;
    job.checksums = job.checksums(&plan, DbBackend::Postgres).await?;
    let mut report = Report {
        from: state.current_name(),
        to: state.current_name(),
        ..Report::default()
    };
    let mut transactions = job.options.transactions;
    while !plan.is_empty() {
        let batch = plan.batch(transactions, |step| job.is_alone(step));
        match run_batch(session, job, &plan, batch).await {
            Ok(steps) => {
                report.steps.extend(steps);
                plan.advance(batch);
            }
            Err(error) if batch.len > 1 && !plan.wipe && uses_new_enum_value(&error) => {
                // All of the batch is rolled back: it is run again with a COMMIT after each migration.
                tracing::info!(
                    "a value added to an enum is used: each migration commits by itself"
                );
                transactions = Transactions::PerMigration;
            }
            Err(error) => return Err(after(&report.steps, error)),
        }
        if job.options.dry_run {
            return Ok(report);
        }
    }
    if !report.steps.is_empty() {
        let state = job
            .state(session.connection())
            .await
            .map_err(Error::database("Reading the revisions"))?;
        report.to = state.current_name();
    }
    Ok(report)
}

async fn run_batch(
    session: &Session,
    job: &Job<'_>,
    plan: &Plan,
    batch: Batch,
) -> Result<Vec<Step>, Error> {
    session.insist_on_the_locked_connection().await?;
    if batch.alone {
        indexes::refuse_invalid(session.connection()).await?;
        let steps = job
            .run(Place::Connection(session.connection()), plan, batch.len)
            .await?;
        job.options.observer.notify(&Event::Committed);
        return Ok(steps);
    }
    job.options.observer.notify(&Event::Begin);
    let transaction = session
        .connection()
        .begin()
        .await
        .map_err(Error::database("BEGIN"))?;
    let result = match session::insist_on_being_alone(&transaction, job, plan).await {
        Ok(()) if job.options.dry_run => return rehearse(transaction, job, plan, batch).await,
        Ok(()) => {
            job.run(Place::Transaction(&transaction), plan, batch.len)
                .await
        }
        Err(error) => Err(error),
    };
    let steps = match result {
        Ok(steps) => steps,
        Err(error) => {
            // The next transaction on this connection must not begin inside this one.
            roll_back(transaction).await;
            return Err(error);
        }
    };
    job.options.observer.notify(&Event::Commit);
    transaction.commit().await.map_err(|source| {
        let reason = reason(&source);
        let lost = connection_lost(&source);
        let source = Box::new(source);
        if lost {
            Error::InDoubt { reason, source }
        } else {
            Error::Database {
                doing: "COMMIT",
                reason,
                source,
            }
        }
    })?;
    job.options.observer.notify(&Event::Committed);
    Ok(steps)
}

/// Runs migrations, tells their statements, and takes everything back.
async fn rehearse(
    transaction: DatabaseTransaction,
    job: &Job<'_>,
    plan: &Plan,
    batch: Batch,
) -> Result<Vec<Step>, Error> {
    let transaction = Arc::new(transaction);
    let steps = {
        let stage = tape::rehearsal(Arc::clone(&transaction), &job.options.observer)?;
        job.run(Place::Stage(&stage, &transaction), plan, batch.len)
            .await
    };
    tape::take_back(transaction).await;
    steps
}

async fn roll_back(transaction: DatabaseTransaction) {
    if let Err(error) = transaction.rollback().await {
        tracing::warn!(%error, "rolling back; the server does it when the connection ends");
    }
}

/// `unsafe_new_enum_value_usage`: a value that `ALTER TYPE … ADD VALUE` added in this same transaction.
fn uses_new_enum_value(error: &Error) -> bool {
    matches!(error, Error::Failed { source, .. } if database_code(source).as_deref() == Some("55P04"))
}
