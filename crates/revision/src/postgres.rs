//! Migrating a PostgreSQL database: a session lock, and one transaction where the server allows it.

mod session;

use sea_orm::{DatabaseTransaction, TransactionTrait as _};
use sqlx::postgres::PgConnectOptions;

use crate::error::{Error, connection_lost, database_code, reason};
use crate::options::{Options, Transactions};
use crate::report::{Report, Status, Step};
use crate::run::{Batch, Job, after};
use crate::target::Target;
use session::Session;

/// Reads where the database stands; writes nothing and takes no lock.
pub(crate) async fn status(job: &Job<'_>, at: &PgConnectOptions) -> Result<Status, Error> {
    let session = Session::open(at, &Options::default()).await?;
    let state = job.state(session.connection()).await;
    session.close().await;
    Ok(state
        .map_err(Error::database("Reading the revisions"))?
        .status())
}

/// Takes the database to `target`.
pub(crate) async fn run(
    job: &Job<'_>,
    at: &PgConnectOptions,
    target: &Target,
    options: &Options,
) -> Result<Report, Error> {
    let session = Session::open(at, options).await?;
    let result = match session.lock(options.lock_timeout).await {
        Ok(()) => migrate(&session, job, target, options).await,
        Err(error) => Err(error),
    };
    // The lock belongs to the session and ends with it.
    session.close().await;
    result
}

async fn migrate(
    session: &Session,
    job: &Job<'_>,
    target: &Target,
    options: &Options,
) -> Result<Report, Error> {
    let state = job
        .state(session.connection())
        .await
        .map_err(Error::database("Reading the revisions"))?;
    let todo = state.plan(job.direction, target, options.out_of_order)?;
    let mut report = Report::nothing(job.direction);
    report.from = state.current_name();
    report.to.clone_from(&report.from);
    for batch in job.batches(&todo, options.transactions) {
        match run_batch(session, job, &batch).await {
            Ok(steps) => report.steps.extend(steps),
            Err(error) if batch.indices.len() > 1 && uses_new_enum_value(&error) => {
                // All of the batch is rolled back: it is run again with a COMMIT after each migration.
                tracing::info!(
                    "a value added to an enum is used: each migration commits by itself"
                );
                for single in job.batches(&batch.indices, Transactions::PerMigration) {
                    let steps = run_batch(session, job, &single).await;
                    report
                        .steps
                        .extend(steps.map_err(|error| after(&report.steps, error))?);
                }
            }
            Err(error) => return Err(after(&report.steps, error)),
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

async fn run_batch(session: &Session, job: &Job<'_>, batch: &Batch) -> Result<Vec<Step>, Error> {
    session.insist_on_the_locked_connection().await?;
    if let (true, [index]) = (batch.alone, &batch.indices[..]) {
        return Ok(vec![job.run_alone(session.connection(), *index).await?]);
    }
    let transaction = session
        .connection()
        .begin()
        .await
        .map_err(Error::database("BEGIN"))?;
    let result = job.run(&transaction, &batch.indices).await;
    let steps = match result {
        Ok(steps) => steps,
        Err(error) => {
            // The next transaction on this connection must not begin inside this one.
            roll_back(transaction).await;
            return Err(error);
        }
    };
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
    Ok(steps)
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
