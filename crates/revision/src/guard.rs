//! The guard: nothing that would lose or refuse data happens before it is counted, and losses only when permitted.
//!
//! The engine runs each migration by [`run`]. A change of a table as data knows by itself what it would do, and asks
//! [`judge`]. What a migration does by other means is seen by comparing the schema before with the one after, inside
//! the transaction; the rows are counted where they were, in a savepoint that is rolled back to. Outside of the engine,
//! as under SeaORM's own runner, losses are permitted, because nobody could be asked; what cannot succeed is still
//! refused with its counts.

mod finding;
mod gone;

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbErr};

use crate::event::{Event, Observer};
use crate::schema;
pub use finding::{Finding, Harm};
pub(crate) use finding::{list, next_step};
use gone::Gone;

tokio::task_local! {
    static SCOPE: Scope;
}

/// What a migration that is running may do, and what became of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    allow_data_loss: bool,
    observer: Observer,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    /// What stopped the migration.
    findings: Vec<Finding>,
    /// Columns that were dropped after they had been counted.
    counted: Vec<(String, String)>,
    /// Tables in which there is nothing that is not elsewhere.
    derived: Vec<String>,
}

/// A migration that is running.
type Running<'a> = Pin<Box<dyn Future<Output = Result<(), DbErr>> + Send + 'a>>;

/// Runs a migration; without permission it fails where it would lose data.
///
/// `transaction` is the one that it runs in; without one, only changes of tables as data are guarded. The migration is
/// started a second time when it dropped something that turned out to hold nothing.
///
/// # Errors
///
/// The migration's own error, or the guard's; then [`Scope::findings`] is not empty. The transaction must be rolled
/// back.
pub(crate) async fn run<'a>(
    transaction: Option<&DatabaseTransaction>,
    scope: &Scope,
    start: impl Fn() -> Running<'a> + Send + Sync,
) -> Result<(), DbErr> {
    let Some(transaction) = transaction.filter(|_| !scope.allow_data_loss) else {
        return SCOPE.scope(scope.clone(), start()).await;
    };
    let before = match schema::read(transaction, &[]).await {
        Ok(schema) => schema,
        Err(DbErr::Custom(reason)) => {
            // It is no reason not to migrate that nobody understands a table.
            tracing::warn!(reason, "the schema cannot be read, and so not be guarded");
            return SCOPE.scope(scope.clone(), start()).await;
        }
        Err(error) => return Err(error),
    };
    transaction
        .execute_unprepared("SAVEPOINT revision_guard")
        .await?;
    SCOPE.scope(scope.clone(), start()).await?;
    let after = schema::read(transaction, &[]).await?;
    let gone = {
        let mut seen = scope.seen();
        let counted = std::mem::take(&mut seen.counted);
        let derived = std::mem::take(&mut seen.derived);
        Gone::between(&before, &after, &counted, &derived)
    };
    if !gone.is_empty() {
        let kept = gone.kept_elsewhere(transaction, &before, &after).await?;
        transaction
            .execute_unprepared("ROLLBACK TO SAVEPOINT revision_guard")
            .await?;
        let findings = gone.count(transaction, &before, &kept).await?;
        SCOPE
            .scope(scope.clone(), async { judge(findings) })
            .await?;
        scope.observer.notify(&Event::Again);
        SCOPE.scope(scope.clone(), start()).await?;
    }
    transaction
        .execute_unprepared("RELEASE SAVEPOINT revision_guard")
        .await?;
    Ok(())
}

impl Scope {
    pub(crate) fn new(allow_data_loss: bool, observer: &Observer) -> Self {
        Self {
            allow_data_loss,
            observer: observer.clone(),
            seen: Arc::default(),
        }
    }

    /// Why the migration was stopped; empty when the guard has nothing to do with it.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        std::mem::take(&mut self.seen().findings)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the migration that is running may lose data.
pub(crate) fn allows_data_loss() -> bool {
    SCOPE
        .try_with(|scope| scope.allow_data_loss)
        .unwrap_or(true)
}

/// Who is told how far the copy of a table is.
pub(crate) fn observer() -> Option<Observer> {
    SCOPE.try_with(|scope| scope.observer.clone()).ok()
}

/// Notes that the values of a column were counted before it was dropped.
pub(crate) fn note_counted(table: &str, column: &str) {
    let note = |scope: &Scope| {
        scope
            .seen()
            .counted
            .push((table.to_owned(), column.to_owned()));
    };
    let _ = SCOPE.try_with(note);
}

/// Says inside a migration that a table which it drops holds nothing that cannot be made again from other tables, such
/// as sums that triggers keep: the guard counts no row of it as lost.
///
/// Outside of a migration that the engine runs, nothing is done.
pub fn derived(table: impl Into<String>) {
    let table = table.into();
    let _ = SCOPE.try_with(|scope| scope.seen().derived.push(table));
}

/// Stops the migration unless everything that was found is permitted.
pub(crate) fn judge(findings: Vec<Finding>) -> Result<(), DbErr> {
    let allowed = allows_data_loss();
    let findings: Vec<Finding> = findings
        .into_iter()
        .filter(|finding| !(allowed && finding.harm.is_loss()))
        .collect();
    if findings.is_empty() {
        return Ok(());
    }
    let text = list(&findings);
    let _ = SCOPE.try_with(|scope| scope.seen().findings.extend(findings));
    Err(DbErr::Custom(text))
}
