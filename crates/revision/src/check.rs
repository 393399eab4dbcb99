//! Whether a database, its history and the program belong together, and where they do not.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, TransactionTrait as _};
use sea_orm_migration::{MigrationTrait, SchemaManager};

use crate::engine::Engine;
use crate::error::Error;
use crate::memory::{self, Checksums, Memory, replay};
use crate::options::Options;
use crate::reader::Reader;
use crate::report::Status;
use crate::resolve::State;
use crate::schema::{Difference, Schema};
use crate::tape::Scratch;
use crate::versions;

/// What [`Engine::check`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// What is applied, pending, and unknown to the program.
    pub status: Status,
    /// Applied migrations that issue other statements now than when they were applied.
    pub edited: Vec<String>,
    /// Applied migrations of which nothing is remembered to compare with: SeaORM's own tool applied them, or an older
    /// version.
    pub unremembered: Vec<String>,
    /// Whether the schema is not the one that the migrations left; nothing where that is not remembered.
    pub drifted: Option<bool>,
    /// What all the migrations lack of what the program's entities declare, operation by operation: a migration has
    /// been forgotten.
    pub ahead: Vec<String>,
    /// In what it differs; empty where that cannot be found out, for example because migrations were edited.
    pub differences: Vec<Difference>,
}

impl Check {
    /// Whether there is nothing to do and nothing to worry about.
    pub fn is_fine(&self) -> bool {
        self.status.is_up_to_date()
            && self.edited.is_empty()
            && self.drifted != Some(true)
            && self.ahead.is_empty()
    }
}

pub(crate) async fn check(engine: &Engine, url: &str) -> Result<Check, Error> {
    let ahead = engine.ahead().await?;
    let options = Options::default();
    let Some(reader) = Reader::open(url.parse()?, &options).await? else {
        return Ok(Check {
            status: State::empty(engine.names()).status(),
            ahead,
            ..Check::default()
        });
    };
    let result = look(engine, &reader).await;
    reader.close().await;
    Ok(Check { ahead, ..result? })
}

async fn look(engine: &Engine, reader: &Reader<'_>) -> Result<Check, Error> {
    let connection = reader.connection();
    let recorded = versions::recorded(connection, &engine.table).await;
    let recorded = recorded.map_err(|error| reader.explain("Reading the revisions", error))?;
    let state = State::new(engine.names(), &recorded);
    let memory = memory::read(connection).await;
    let memory = memory.map_err(|error| reader.explain("Reading what is remembered", error))?;
    let mut check = Check {
        status: state.status(),
        ..Check::default()
    };
    compare_checksums(engine, &state, &memory, connection, &mut check).await?;

    if let Some(latest) = left_by_the_last(&memory, &recorded) {
        let schema = memory::schema(connection, &engine.table).await;
        let schema = schema.map_err(|error| reader.explain("Reading the schema", error))?;
        let drifted = schema.fingerprint() != latest;
        check.drifted = Some(drifted);
        if drifted && check.status.unknown.is_empty() && check.edited.is_empty() {
            check.differences = differences(engine, &state, connection, &schema).await;
        }
    }
    Ok(check)
}

/// The fingerprint of the schema as this engine left it; nothing when somebody else has migrated since.
fn left_by_the_last<'a>(memory: &'a [Memory], recorded: &BTreeSet<String>) -> Option<&'a str> {
    let latest = memory.first()?;
    let is_remembered = |version: &String| memory.iter().any(|memory| memory.version == *version);
    let undone = memory
        .iter()
        .any(|memory| !recorded.contains(&memory.version));
    let done = recorded
        .iter()
        .any(|version| *version > latest.version && !is_remembered(version));
    if undone || done {
        return None;
    }
    latest.fingerprint.as_deref()
}

async fn compare_checksums(
    engine: &Engine,
    state: &State<'_>,
    memory: &[Memory],
    connection: &DatabaseConnection,
    check: &mut Check,
) -> Result<(), Error> {
    let len = state.current().map_or(0, |current| current + 1);
    let backend = connection.get_database_backend();
    let checksums = Checksums::of(&engine.migrations, len, backend).await?;
    for index in (0..len).filter(|index| state.is_applied(*index)) {
        let name = &engine.names()[index];
        let mut known = memory.iter();
        let known = known.find(|memory| memory.version == *name);
        match (
            known.and_then(|memory| memory.checksum.as_deref()),
            checksums.get(index),
        ) {
            (Some(then), Some(now)) if then == now => {}
            (Some(_), Some(_)) => check.edited.push(name.clone()),
            _ => check.unremembered.push(name.clone()),
        }
    }
    Ok(())
}

/// Compares with what the applied migrations make of an empty database.
async fn differences(
    engine: &Engine,
    state: &State<'_>,
    connection: &DatabaseConnection,
    found: &Schema,
) -> Vec<Difference> {
    let applied: Vec<&dyn MigrationTrait> = (state.all().into_iter())
        .filter(|index| state.is_applied(*index))
        .map(|index| &*engine.migrations[index])
        .collect();
    match expected(engine, &applied, connection).await {
        Ok(expected) => found.differences(&expected),
        Err(error) => {
            tracing::info!(%error, "what differs cannot be found out");
            Vec::new()
        }
    }
}

async fn expected(
    engine: &Engine,
    applied: &[&dyn MigrationTrait],
    connection: &DatabaseConnection,
) -> Result<Schema, Error> {
    let failed = |error| Error::database("Replaying the migrations")(error);
    if connection.get_database_backend() == DbBackend::Sqlite {
        let scratch = Scratch::new().await?;
        let manager = SchemaManager::new(scratch.connection());
        replay(applied, &manager).await.map_err(failed)?;
        let schema = memory::schema(scratch.connection(), &engine.table).await;
        return schema.map_err(failed);
    }
    // A schema that nobody else ever sees: the transaction is rolled back.
    let transaction = connection.begin().await.map_err(failed)?;
    let result = async {
        transaction
            .execute_unprepared(
                "CREATE SCHEMA revision_check; SET LOCAL search_path = revision_check",
            )
            .await?;
        replay(applied, &SchemaManager::new(&transaction)).await?;
        memory::schema(&transaction, &engine.table).await
    };
    let result = result.await.map_err(failed);
    transaction.rollback().await.map_err(failed)?;
    result
}
