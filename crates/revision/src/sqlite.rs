//! Migrating a SQLite file: one connection, `foreign_keys` off before `BEGIN IMMEDIATE`, and one transaction.

mod busy;
mod foreign_keys;
mod holder;
mod session;

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use crate::error::Error;
use crate::location::SqliteFile;
use crate::options::{Options, Transactions};
use crate::report::{Direction, Report, Status, Step};
use crate::resolve::State;
use crate::run::{Job, after};
use crate::snapshot;
use crate::target::Target;
use session::Session;

/// Reads where the file stands, and leaves it and everything beside it as it is.
pub(crate) async fn status(job: &Job<'_>, file: &SqliteFile) -> Result<Status, Error> {
    if !file.path.exists() {
        return Ok(State::empty(job.names).status());
    }
    let session = Session::open_for_reading(file).await?;
    let state = job.state(session.connection()).await;
    session.close().await;
    Ok(state
        .map_err(|error| session::explain(file, "Reading the revisions", error))?
        .status())
}

/// Takes the file to `target`.
pub(crate) async fn run(
    job: &Job<'_>,
    file: &SqliteFile,
    target: &Target,
    options: &Options,
) -> Result<Report, Error> {
    let create = job.direction == Direction::Up;
    if create && !file.path.exists() {
        // What would be refused, or comes to nothing, does not leave an empty file behind.
        let state = State::empty(job.names);
        if state
            .plan(job.direction, target, options.out_of_order)?
            .is_empty()
        {
            return Ok(Report::nothing(job.direction));
        }
    }
    let session = Session::open_for_writing(file, create, options.lock_timeout).await?;
    let result = migrate(&session, job, target, options).await;
    // Closing waits for a rollback, and lets SQLite put the log away.
    session.close().await;
    result
}

async fn migrate(
    session: &Session,
    job: &Job<'_>,
    target: &Target,
    options: &Options,
) -> Result<Report, Error> {
    let mut report = Report::nothing(job.direction);
    let mut plan = None;
    let mut wal_was_tried = false;
    loop {
        let transaction = session.lock().await?;
        let state = job
            .state(&transaction)
            .await
            .map_err(|error| session.explain("Reading the revisions", error))?;
        if plan.is_none() {
            report.from = state.current_name();
        }
        let mut todo = job.todo(&mut plan, &state, target, options)?;
        if todo.is_empty() {
            report.to = state.current_name();
            return Ok(report);
        }
        if let Some(&alone) = todo.iter().find(|index| job.is_alone(**index)) {
            return Err(no_transaction(&job.names[alone]));
        }
        if !wal_was_tried && !session.is_wal(&transaction).await? {
            // The journal mode cannot be changed inside a transaction. What was read is read again.
            drop(transaction);
            session.enter_wal().await?;
            (wal_was_tried, plan) = (true, None);
            continue;
        }
        if let (Some(directory), None) = (&options.snapshot_dir, &report.snapshot)
            && holds_data(&transaction, job).await?
        {
            report.snapshot =
                Some(snapshot::take(session.file(), directory, options.spare_bytes).await?);
        }
        let is_last = options.transactions == Transactions::One || todo.len() == 1;
        if !is_last {
            todo.truncate(1);
        }
        let result = apply(transaction, job, &todo).await;
        let (steps, to) = match result {
            Ok(done) => done,
            Err(error) => {
                if let (Some(path), true) = (&report.snapshot, report.steps.is_empty()) {
                    // A service tries again and again, and would fill the disk with copies of what is still there.
                    snapshot::discard_after(&error, path);
                }
                return Err(after(&report.steps, error));
            }
        };
        report.steps.extend(steps);
        if is_last {
            report.to = to;
            return Ok(report);
        }
    }
}

/// Runs migrations in a transaction that holds the lock, and commits it; says what is current then.
async fn apply(
    transaction: DatabaseTransaction,
    job: &Job<'_>,
    indices: &[usize],
) -> Result<(Vec<Step>, Option<String>), Error> {
    let before = foreign_keys::violations(&transaction).await?;
    let steps = job.run(&transaction, indices).await?;
    foreign_keys::refuse_new(&transaction, &before).await?;
    let state = job
        .state(&transaction)
        .await
        .map_err(Error::database("Reading the revisions"))?;
    let to = state.current_name();
    transaction
        .commit()
        .await
        .map_err(Error::database("COMMIT"))?;
    Ok((steps, to))
}

/// Whether there is anything in the database that a person would miss.
async fn holds_data(connection: &impl ConnectionTrait, job: &Job<'_>) -> Result<bool, Error> {
    let statement = sea_orm::Statement::from_sql_and_values(
        sea_orm::DbBackend::Sqlite,
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name <> ? AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' LIMIT 1",
        [job.table.to_string().into()],
    );
    let row = connection
        .query_one_raw(statement)
        .await
        .map_err(Error::database("Reading the schema"))?;
    Ok(row.is_some())
}

fn no_transaction(name: &str) -> Error {
    Error::Refused {
        reason: format!("Migration {name} asks to run outside a transaction (use_transaction is Some(false)), which would leave a SQLite database unprotected."),
        advice: "Let its use_transaction return None on SQLite; foreign keys are already off while it runs.".to_owned(),
    }
}
