//! What a command would do, as a script for `sqlite3` or `psql`; no database is needed to write it.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait as _, DbBackend};
use sea_orm_migration::SchemaManager;

use crate::engine::Engine;
use crate::error::Error;
use crate::location::Location;
use crate::memory::Checksums;
use crate::options::Options;
use crate::plan::{Goal, Plan};
use crate::report::Direction;
use crate::resolve::State;
use crate::run::{Job, Place};
use crate::tape::{self, Scratch};
use crate::target::Target;
use crate::versions;

/// Writes the script that takes a database from one point of the history to another.
pub(crate) async fn script(
    engine: &Engine,
    url: &str,
    direction: Direction,
    from: &Target,
    to: &Target,
    options: &Options,
) -> Result<String, Error> {
    let backend = match url.parse()? {
        Location::Sqlite(_) => DbBackend::Sqlite,
        Location::Postgres(_) => DbBackend::Postgres,
    };
    let base = State::empty(engine.names());
    let before = base.position(from)?;
    let names = before.map_or(&[][..], |last| &engine.names()[..=last]);
    let state = State::new(engine.names(), &names.iter().cloned().collect());
    let goal = match direction {
        Direction::Up => Goal::Upgrade(to),
        Direction::Down => Goal::Downgrade(to),
    };
    let mut job = Job {
        migrations: &engine.migrations,
        names: engine.names(),
        table: &engine.table,
        goal,
        options,
        checksums: Checksums::default(),
        // The player of PostgreSQL has no schema to read.
        reads_schema: backend == DbBackend::Sqlite,
    };
    let plan = Plan::new(goal, &state, false)?;
    job.checksums = Checksums::of(&engine.migrations, engine.names().len(), backend).await?;

    let scratch = match backend {
        DbBackend::Sqlite => Some(Scratch::new().await?),
        _ => None,
    };
    let (connection, recording) = tape::scratch(backend, scratch.as_ref());
    let place = Place::Connection(&connection);
    job.prepare(place, &Plan::default()).await?;
    let install = tape::take(&recording);
    for index in (0..names.len()).filter(|index| state.is_applied(*index)) {
        let migration = &engine.migrations[index];
        let result = migration.up(&SchemaManager::new(&connection)).await;
        result.map_err(|source| unplayable(&engine.names()[index], &source))?;
        let recorded = versions::record(&connection, &engine.table, &engine.names()[index]).await;
        recorded.map_err(Error::database("Writing the version"))?;
    }
    tape::take(&recording);
    let head = |text: &mut String| {
        let database = match backend {
            DbBackend::Sqlite => "SQLite; run it with: sqlite3 -bail DATABASE < SCRIPT",
            _ => "PostgreSQL; run it with: psql -v ON_ERROR_STOP=1 -f SCRIPT",
        };
        line(
            text,
            format_args!("-- {direction} {from} -> {to}, for {database}"),
        );
        if backend == DbBackend::Sqlite {
            text.push_str("PRAGMA foreign_keys = OFF;\n");
        }
    };
    let mut text = String::new();
    head(&mut text);
    write(&job, place, plan, &recording, install, &mut text).await?;
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "closing the scratch database");
    }
    Ok(text)
}

async fn write(
    job: &Job<'_>,
    place: Place<'_>,
    mut plan: Plan,
    recording: &tape::Recording,
    install: Vec<String>,
    text: &mut String,
) -> Result<(), Error> {
    let begin = match place.executor().get_database_backend() {
        DbBackend::Sqlite => "BEGIN IMMEDIATE",
        _ => "BEGIN",
    };
    let mut install = Some(install);
    while !plan.is_empty() {
        let batch = plan.batch(job.options.transactions, |step| job.is_alone(step));
        text.push('\n');
        if !batch.alone {
            line(text, format_args!("{begin};"));
        }
        for sql in install.take().unwrap_or_default() {
            statement(text, &sql);
        }
        for _ in 0..batch.len {
            let name = &job.names[plan.moves[0].index];
            line(text, format_args!("-- {name}"));
            let steps = job.steps(place, &plan, 1).await;
            steps.map_err(|error| match error {
                Error::Failed { source, .. } => unplayable(name, &source),
                other => other,
            })?;
            for sql in tape::take(recording) {
                match &*sql {
                    "SAVEPOINT migration_0" if batch.alone => line(text, format_args!("{begin};")),
                    "RELEASE SAVEPOINT migration_0" if batch.alone => text.push_str("COMMIT;\n"),
                    sql => statement(text, sql),
                }
            }
            plan.advance(crate::plan::Batch {
                len: 1,
                alone: batch.alone,
            });
        }
        if !batch.alone {
            text.push_str("COMMIT;\n");
        }
    }
    Ok(())
}

fn unplayable(name: &str, source: &sea_orm::DbErr) -> Error {
    Error::Refused {
        reason: format!(
            "Migration {name} cannot be written as a script, because it asks for what an empty database does not have: {}",
            crate::error::reason(source)
        ),
        advice: "See what it does to a real one, which stays as it is: upgrade --dry-run"
            .to_owned(),
    }
}

fn statement(text: &mut String, sql: &str) {
    line(text, format_args!("{};", sql.trim().trim_end_matches(';')));
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    writeln!(text, "{words}").expect("writing to a String does not fail");
}
