//! The program as its users start it.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use sea_orm_migration::MigratorTrait as _;

use crate::entities;
use crate::program::{CHANGED, Program, table_name};

/// Makes this process the migration program, and not the one that measures it.
const AS_PROGRAM: &str = "AUTOGENERATE_AS_PROGRAM";

/// Whether this process is to be the migration program.
pub(crate) fn is_program() -> bool {
    env::var_os(AS_PROGRAM).is_some()
}

/// The command line over the migrations and the entities.
pub(crate) fn main() -> ExitCode {
    revision::cli::main_declaring::<Program>("sqlite://program.db", entities::declared())
}

/// The crate that the migrations are written in.
pub(crate) struct Ours {
    directory: PathBuf,
    lib: String,
}

impl Ours {
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        let directory = directory.join("migration");
        fs::create_dir_all(directory.join("src"))?;
        let (mut modules, mut list) = (String::new(), String::new());
        for migration in Program::migrations() {
            let name = migration.name();
            writeln!(modules, "mod {name};").expect("writing to a String");
            writeln!(list, "            Box::new({name}::Migration),")
                .expect("writing to a String");
        }
        let lib = format!(
            "use sea_orm_migration::prelude::*;\n\n{modules}\npub struct Migrator;\n\nimpl MigratorTrait for Migrator {{\n    \
             fn migrations() -> Vec<Box<dyn MigrationTrait>> {{\n        vec![\n{list}        ]\n    }}\n}}\n"
        );
        Ok(Self { directory, lib })
    }

    /// How long `revision --autogenerate` takes; what it writes is taken away again.
    pub(crate) fn autogenerate(&self) -> io::Result<Duration> {
        let (source, lib) = (
            self.directory.join("src"),
            self.directory.join("src/lib.rs"),
        );
        fs::write(&lib, &self.lib)?;
        let mut command = Command::new(env::current_exe()?);
        command.env(AS_PROGRAM, "1").current_dir(&self.directory);
        command.args(["revision", "--autogenerate", "--rev-id", "m20990101_000000"]);
        command.args(["-m", "found", "--migration-dir", "."]);
        let started = Instant::now();
        let output = command.output()?;
        let elapsed = started.elapsed();
        let text = String::from_utf8_lossy(&output.stdout);
        let found = format!(
            "Found:\n  {}: set type of name to varchar(20)\nProved on SQLite",
            table_name(CHANGED)
        );
        if !output.status.success()
            || !text.starts_with(&found)
            || fs::read_to_string(&lib)? == self.lib
        {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("the program says {text}{errors}")));
        }
        fs::remove_file(source.join("m20990101_000000_found.rs"))?;
        Ok(elapsed)
    }
}
