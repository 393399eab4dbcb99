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
//! All files are compiled as one crate beside the workspace, with its lock file, its lints, its profile and its target
//! directory, so that only the crate itself is built where the tests have been.

mod runner;

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use revision::operation::Operation;
use revision::render::{self, Migration};
use sea_orm::{DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{SqliteFile, execute, picture, postgres};
use runner::Job;

/// A migration, as operations.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Of the characters `a-z`, `0-9` and `_`; no two may have the same.
    pub(crate) name: String,
    /// The SQL before it on SQLite; it is not for SQLite without.
    pub(crate) sqlite: Option<String>,
    /// The SQL before it on PostgreSQL; it is not for PostgreSQL without.
    pub(crate) postgres: Option<String>,
    pub(crate) up: Vec<Operation>,
    pub(crate) down: Vec<Operation>,
}

/// What is wrong with a case.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) name: String,
    pub(crate) what: String,
}

impl Case {
    /// The text of its file, before rustfmt.
    pub(crate) fn file(&self) -> String {
        render::migration(&Migration {
            message: &self.name.replace('_', " "),
            revises: Some("m0_setup"),
            up: &self.up,
            down: &self.down,
            notes: &[],
        })
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
        .map(|case| (case.module(), case.file()))
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
            .filter(|case| case.setup(backend).is_some())
            .collect();
        failures.extend(differing(&program, backend, &cases).await);
    }
    failures
}

/// What clippy, the compiler and rustfmt say of files, by module name; nothing is run.
pub(crate) fn warnings(suite: &str, files: &[(String, String)]) -> Vec<Failure> {
    let names = || files.iter().map(|(module, _)| module.as_str());
    let modules: Vec<String> = names().map(|module| format!("mod {module};\n")).collect();
    let uses: Vec<String> = names()
        .map(|module| format!("    let _ = {module}::Migration;\n"))
        .collect();
    let main = format!(
        "//! Files.\n\n{}\nfn main() {{\n{}}}\n",
        modules.concat(),
        uses.concat()
    );
    let project = Project::new(suite, files, &main);
    let mut failures = project.unstable();
    failures.extend(project.refused());
    failures
}

/// A crate of migrations.
struct Project {
    directory: PathBuf,
    name: String,
    modules: Vec<String>,
}

impl Project {
    fn new(suite: &str, files: &[(String, String)], main: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("rendered-{suite}"));
        let _ = fs::remove_dir_all(directory.join("src"));
        fs::create_dir_all(directory.join("src")).expect("the directory for tests is ours");
        let project = Self {
            directory,
            name: format!("rendered-{suite}"),
            modules: files.iter().map(|(module, _)| module.clone()).collect(),
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for file in ["Cargo.lock", "clippy.toml"] {
            fs::copy(root.join(file), project.directory.join(file)).expect(file);
        }
        let workspace =
            fs::read_to_string(root.join("Cargo.toml")).expect("the workspace is there");
        project.write("Cargo.toml", &manifest(&project.name, &workspace));
        project.write("src/main.rs", main);
        for (module, text) in files {
            project.write(&format!("src/{module}.rs"), text);
        }
        project
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.directory.join(path), text).expect(path);
    }

    /// The files that rustfmt does not leave as it has made them; all of them are formatted now.
    fn unstable(&self) -> Vec<Failure> {
        let format = |check: &[&str]| {
            let paths = self
                .modules
                .iter()
                .map(|module| self.directory.join(format!("src/{module}.rs")));
            let mut command = Command::new("rustfmt");
            command.args(["--edition", "2024"]).args(check).args(paths);
            command.output().expect("rustfmt is there")
        };
        let mut failures = self.told(&format(&[]), "rustfmt");
        failures.extend(self.told(&format(&["--check"]), "rustfmt, the second time"));
        failures
    }

    fn refused(&self) -> Vec<Failure> {
        let output = self.cargo(&["clippy", "--quiet", "--offline", "--", "-D", "warnings"]);
        self.told(&output, "clippy")
    }

    fn build(&self) -> PathBuf {
        let output = self.cargo(&["build", "--quiet", "--offline"]);
        assert!(output.status.success(), "{}", said(&output));
        Self::target().join("debug").join(&self.name)
    }

    fn cargo(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO"));
        // Build scripts look at what cargo has told the test of itself, and would run again each time.
        let told = std::env::vars_os().map(|(name, _)| name);
        for name in told.filter(|name| name.to_string_lossy().starts_with("CARGO_")) {
            if name != "CARGO_HOME" {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .current_dir(&self.directory)
            .env("CARGO_TARGET_DIR", Self::target())
            .output()
            .expect("cargo is there")
    }

    /// Where the running test was built.
    fn target() -> PathBuf {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
        directory.expect("it is in the target directory").to_owned()
    }

    /// A failure for each file that is spoken of.
    fn told(&self, output: &Output, who: &str) -> Vec<Failure> {
        if output.status.success() {
            return Vec::new();
        }
        let said = said(output);
        let spoken = |module: &&String| said.contains(&format!("src/{module}.rs"));
        let modules = self.modules.iter().filter(spoken);
        let mut failures: Vec<Failure> = modules
            .map(|module| Failure {
                name: module.trim_start_matches("m1_").to_owned(),
                what: format!("{who}: {said}"),
            })
            .collect();
        if failures.is_empty() {
            failures.push(Failure {
                name: self.name.clone(),
                what: format!("{who}: {said}"),
            });
        }
        failures
    }
}

/// Everything that the workspace says of how a crate is built and linted.
fn manifest(name: &str, workspace: &str) -> String {
    let section = |from: &str, to: &str| {
        let (_, rest) = workspace.split_once(from).expect(from);
        let section = rest.split_once(to).map_or(rest, |(section, _)| section);
        format!("{from}{section}")
    };
    let lints =
        section("[workspace.lints.rust]", "[profile.").replace("[workspace.lints", "[lints");
    let profile = section("[profile.dev]", "[profile.release]");
    let dependencies: String = ["async-trait", "sea-orm", "sea-orm-migration", "tokio"]
        .map(|name| section(&format!("\n{name} = "), "\n"))
        .concat();
    let revision = env!("CARGO_MANIFEST_DIR");
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n\
         [dependencies]\nrevision = {{ path = \"{revision}\" }}{dependencies}\n\n{lints}\n{profile}"
    )
}

/// The program over all the cases: it answers each line of its input with a line.
fn main(cases: &[Case]) -> String {
    let modules: Vec<String> = cases
        .iter()
        .map(|case| format!("mod {};\n", case.module()))
        .collect();
    let arm = |case: &Case| {
        format!(
            "        \"{0}\" => Box::new({0}::Migration),\n",
            case.module()
        )
    };
    let arms: Vec<String> = cases.iter().map(arm).collect();
    let (modules, arms) = (modules.concat(), arms.concat());
    format!(
        "//! Migrations that were written.\n\nmod runner;\nmod serve;\n{modules}\n\
         fn migration(name: &str) -> Box<dyn sea_orm_migration::MigrationTrait> {{\n    \
         match name {{\n{arms}        _ => unreachable!(\"there is no other\"),\n    }}\n}}\n\n\
         fn main() {{\n    serve::serve(migration);\n}}\n"
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

/// The program, as it runs.
struct Program {
    child: Child,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(path: &Path) -> Self {
        let mut child = Command::new(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let output = child.stdout.take().expect("standard output is a pipe");
        Self {
            child,
            answers: BufReader::new(output).lines(),
        }
    }

    fn ask(&mut self, job: &Job) -> String {
        let input = self.child.stdin.as_mut().expect("standard input is a pipe");
        input
            .write_all(line(job).as_bytes())
            .expect("the program reads");
        let answer = self.answers.next();
        let answer = answer.unwrap_or_else(|| panic!("{} ends the program", job.module));
        answer.expect("it writes text")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("it ends with its input");
    }
}

/// A job as the program reads it.
fn line(job: &Job) -> String {
    let setup = job.setup.replace('\n', runner::LINE_BREAK);
    format!("{}\t{}\t{}\t{setup}\n", job.command, job.module, job.url)
}

fn said(output: &Output) -> String {
    super::text(output)
}
