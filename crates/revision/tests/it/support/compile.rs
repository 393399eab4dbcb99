//! Migrations as files: written, compiled, and run beside the operations that they were written from.
//!
//! In goes a list of [`Case`]s: a name, the SQL that makes a database before it (for each kind of database that it is
//! for), and the operations of `up` and `down`. Out come the [`Failure`]s by name; none is what one wants. A case fails
//! when its file
//!
//! - is changed by rustfmt a second time,
//! - does not compile, or has a warning of clippy under the workspace's lints,
//! - has other statements than the operations, as a script and so without a server, or
//! - makes of the same database anything else than the operations do, rows included, by its `up` or its `down`.
//!
//! The last two are tried for those that are to be run. All files are compiled as one crate beside the workspace, with
//! its lock file, its lints, its profile and its target directory, so that only the crate itself is built where the
//! tests have been.

mod program;
mod project;
mod runner;

use std::fs;
use std::path::Path;

use revision::operation::Operation;
use revision::render::{self, Migration};
use sea_orm::{DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{SqliteFile, execute, picture, postgres};
use program::Program;
use project::Project;
use runner::Job;

/// A migration, as operations and as the file that was written for them.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Of the characters `a-z`, `0-9` and `_`; no two may have the same.
    pub(crate) name: String,
    /// The SQL before it on SQLite; it is not run on SQLite without.
    pub(crate) sqlite: Option<String>,
    /// The SQL before it on PostgreSQL; it is not run on PostgreSQL without.
    pub(crate) postgres: Option<String>,
    pub(crate) up: Vec<Operation>,
    pub(crate) down: Vec<Operation>,
    /// The text of its file, before rustfmt.
    pub(crate) file: String,
    /// Whether it is built and run as well; that costs more than to look at it.
    pub(crate) is_run: bool,
}

/// What is wrong with a case.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) name: String,
    pub(crate) what: String,
}

impl Case {
    /// A migration that is written, and run nowhere yet.
    pub(crate) fn new(name: String, migration: &Migration<'_>) -> Self {
        Self {
            name,
            sqlite: None,
            postgres: None,
            up: migration.up.to_vec(),
            down: migration.down.to_vec(),
            file: render::migration(migration),
            is_run: true,
        }
    }

    fn module(&self) -> String {
        format!("m1_{}", self.name)
    }

    fn setup(&self, backend: DbBackend) -> Option<&str> {
        match backend {
            DbBackend::Postgres => self.postgres.as_deref(),
            _ => self.sqlite.as_deref(),
        }
    }
}

/// What is wrong with each case; `suite` names the crate, and no two that run at the same time may have the same.
pub(crate) async fn failures(suite: &str, cases: &[Case]) -> Vec<Failure> {
    let files: Vec<(String, String)> = cases
        .iter()
        .map(|case| (case.module(), case.file.clone()))
        .collect();
    let project = Project::new(suite, &files, &main(cases));
    project.write("src/runner.rs", include_str!("compile/runner.rs"));
    project.write("src/serve.rs", include_str!("compile/serve.rs"));
    let mut failures = project.unstable();
    failures.extend(project.refused());
    if !failures.is_empty() {
        return failures;
    }
    let program = project.build();
    for backend in [DbBackend::Sqlite, DbBackend::Postgres] {
        let cases: Vec<&Case> = cases
            .iter()
            .filter(|case| case.is_run && case.setup(backend).is_some())
            .collect();
        failures.extend(differing(&program, backend, &cases).await);
    }
    failures
}

/// The program over all the cases: it answers each line of its input with a line. What is not run is there for clippy.
fn main(cases: &[Case]) -> String {
    let (mut modules, mut entries) = (String::new(), String::new());
    for case in cases {
        let module = case.module();
        let only = if case.is_run { "" } else { "#[cfg(clippy)]\n" };
        modules.extend([only, "mod ", &module, ";\n"]);
        entries.extend([
            only,
            "(\"",
            &module,
            "\", || Box::new(",
            &module,
            "::Migration)),\n",
        ]);
    }
    format!(
        "//! Migrations that were written.\n\nmod runner;\nmod serve;\n{modules}\n\
         const MIGRATIONS: &[serve::Entry] = &[\n{entries}];\n\n\
         fn main() {{\n    serve::serve(MIGRATIONS);\n}}\n"
    )
}

/// The operations, run as a migration.
struct Operations {
    name: String,
    up: Vec<Operation>,
    down: Vec<Operation>,
}

impl MigrationName for Operations {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Operations {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for operation in &self.up {
            operation.run(manager).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for operation in &self.down {
            operation.run(manager).await?;
        }
        Ok(())
    }
}

/// What the files do otherwise than their operations on one kind of database.
async fn differing(program: &Path, backend: DbBackend, cases: &[&Case]) -> Vec<Failure> {
    let mut program = Program::start(program);
    let databases = [Place::new(backend).await, Place::new(backend).await];
    let mut failures = Vec::new();
    for case in cases {
        if let Err(what) = compare(&mut program, backend, case, &databases).await {
            failures.push(Failure {
                name: case.name.clone(),
                what: format!("{backend:?}: {what}"),
            });
        }
        for database in &databases {
            database.empty().await;
        }
    }
    failures
}

/// Does the same by the operations and by the file, each in a database of its own.
async fn compare(
    program: &mut Program,
    backend: DbBackend,
    case: &Case,
    [ours, theirs]: &[Place; 2],
) -> Result<(), String> {
    for command in ["script-up", "script-down", "upgrade", "downgrade"] {
        let job = |place: &Place| Job {
            command: command.to_owned(),
            module: case.module(),
            url: place.url.clone(),
            setup: case.setup(backend).unwrap_or_default().to_owned(),
        };
        let operations = Operations {
            name: case.module(),
            up: case.up.clone(),
            down: case.down.clone(),
        };
        let expected = runner::answer(&job(ours), Box::new(operations)).await;
        let answer = program.ask(&job(theirs));
        if answer != expected {
            return Err(format!(
                "{command} of the operations: {expected}\nof the file: {answer}"
            ));
        }
        if !command.ends_with("grade") {
            continue;
        }
        if expected.starts_with("Err") {
            return Err(format!("{command}: {expected}"));
        }
        let (expected, made) = (picture(&ours.url).await, picture(&theirs.url).await);
        if made != expected {
            return Err(format!(
                "{command} of the operations makes {expected}\nof the file: {made}"
            ));
        }
    }
    Ok(())
}

/// A database that is empty again after each case.
struct Place {
    url: String,
    file: Option<SqliteFile>,
}

impl Place {
    async fn new(backend: DbBackend) -> Self {
        if backend == DbBackend::Postgres {
            return Self {
                url: postgres().await,
                file: None,
            };
        }
        let file = SqliteFile::new();
        Self {
            url: file.url(),
            file: Some(file),
        }
    }

    async fn empty(&self) {
        let Some(file) = &self.file else {
            let sql = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
            return execute(&self.url, sql).await;
        };
        for (name, _) in file.files() {
            fs::remove_file(file.path().with_file_name(name)).expect("it is ours");
        }
    }
}
