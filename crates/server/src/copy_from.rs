//! `medicine-tracker copy-from`: everything in one database, put into another that is empty, of either kind.
//!
//! The rows go through the entities, so that each database spells dates and numbers in its own way.

use entity::{doctor_vacation, drug, idempotency_key};
use migration::Migrator;
use revision::{Engine, Options, Target};
use sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait, IntoActiveModel, PaginatorTrait, Statement, TransactionTrait as _,
};

use crate::config::{Config, DatabaseLocation};
use crate::problem::Trouble;

/// Rows in one statement: PostgreSQL takes 65,535 values at most.
const AT_ONCE: usize = 500;

/// Puts everything in `source` into the configured database, in one transaction.
///
/// # Errors
///
/// Why nothing was copied, and what to do.
pub async fn copy_from(config: &Config, source: &DatabaseLocation) -> Result<String, Trouble> {
    if *source == config.database {
        return Err(failed("DATABASE_URL is the same database", ""));
    }
    let engine = Engine::new::<Migrator>();
    let revision = |error: revision::Error| failed(&error.to_string(), &error.next_step());
    let status = engine.status(&source.url()).await.map_err(revision)?;
    if !status.is_up_to_date() || status.applied.is_empty() {
        return Err(failed(
            &format!("{source:?} is not at this program's newest revision"),
            "Start the service on it once, stop it, and try again.",
        ));
    }
    let options = Options::default();
    let upgraded = engine
        .upgrade(&config.database.url(), &Target::Head, &options)
        .await;
    upgraded.map_err(revision)?;
    let text = |error: DbErr| failed(&error.to_string(), "Put the cause right and try again.");
    let from = Database::connect(source.url()).await.map_err(text)?;
    let to = Database::connect(config.database.url())
        .await
        .map_err(text)?;
    let copied = copy(&from, &to).await;
    for database in [from, to] {
        if let Err(error) = database.close().await {
            tracing::debug!(%error, "closing a database");
        }
    }
    match copied.map_err(text)? {
        Some(text) => Ok(text),
        None => Err(failed(
            &format!("{:?} holds rows already", config.database),
            "Only an empty database takes everything of another.",
        )),
    }
}

/// Nothing where there are rows already.
async fn copy(from: &DatabaseConnection, to: &DatabaseConnection) -> Result<Option<String>, DbErr> {
    let from = from.begin().await?;
    let to = to.begin().await?;
    let there = drug::Entity::find().count(&to).await?
        + doctor_vacation::Entity::find().count(&to).await?
        + idempotency_key::Entity::find().count(&to).await?;
    if there > 0 {
        return Ok(None);
    }
    let drugs = rows::<drug::Entity, drug::ActiveModel>(&from, &to).await?;
    let vacations =
        rows::<doctor_vacation::Entity, doctor_vacation::ActiveModel>(&from, &to).await?;
    rows::<idempotency_key::Entity, idempotency_key::ActiveModel>(&from, &to).await?;
    if to.get_database_backend() == DbBackend::Postgres {
        // The next ids come after those that were brought along.
        for table in ["drugs", "doctor_vacations"] {
            let sql = format!(
                "SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table} HAVING max(id) IS NOT NULL"
            );
            to.query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
                .await?;
        }
    }
    to.commit().await?;
    Ok(Some(format!(
        "Copied: {drugs} drugs, {vacations} vacations. The database that they came from is as it was."
    )))
}

async fn rows<E, A>(from: &DatabaseTransaction, to: &DatabaseTransaction) -> Result<usize, DbErr>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<A>,
    A: sea_orm::ActiveModelTrait<Entity = E>,
{
    let rows = E::find().all(from).await?;
    let count = rows.len();
    let mut rows = rows
        .into_iter()
        .map(|row| row.into_active_model().reset_all())
        .peekable();
    while rows.peek().is_some() {
        let some: Vec<A> = rows.by_ref().take(AT_ONCE).collect();
        E::insert_many(some).exec_without_returning(to).await?;
    }
    Ok(count)
}

fn failed(reason: &str, advice: &str) -> Trouble {
    Trouble {
        code: "copy-failed".into(),
        title: format!("Nothing was copied: {reason}").into(),
        detail: format!("Both databases are as they were. {advice}"),
    }
}
