//! The command line of a project's migrations, in Alembic's words.
//!
//! ```no_run
//! # struct Migrator;
//! # impl sea_orm_migration::MigratorTrait for Migrator {
//! #     fn migrations() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> { Vec::new() }
//! # }
//! fn main() -> std::process::ExitCode {
//!     revision::cli::main::<Migrator>("sqlite://notes.db")
//! }
//! ```
//!
//! Answers go to standard output, errors to standard error; the exit codes are those of [`exit`].
//!
//! `REVISION_PROGRAM` is what the program calls itself when it says what to type next, for example
//! `cargo migration`; its file's name unless that is set.

mod answer;
mod args;
mod change;
mod check;
mod consent;
mod edit;
pub mod exit;
mod read;
mod revision;
mod source;
mod watch;

use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use sea_orm_migration::MigratorTrait;

use crate::declared::Declared;
use crate::engine::Engine;
use crate::event::Observer;
use answer::{Answer, Failure};
use args::{Args, Command};

/// Runs the command line with the arguments of the process, over the migrations of `M`.
///
/// The database is the one of `--database-url` or `DATABASE_URL`, else the one that the file of
/// `--database-url-file` or `DATABASE_URL_FILE` holds, else `default_url`.
pub fn main<M: MigratorTrait>(default_url: &str) -> ExitCode {
    main_declaring::<M>(default_url, Declared::new())
}

/// As [`main`], and `check` compares the migrations with the program's entities as well.
pub fn main_declaring<M: MigratorTrait>(default_url: &str, declared: Declared) -> ExitCode {
    run(
        default_url,
        Engine::new::<M>().declaring(declared),
        Observer::default(),
    )
}

/// As [`main`], and tells somebody what happens while it happens.
#[doc(hidden)]
pub fn main_observed<M: MigratorTrait>(default_url: &str, observer: Observer) -> ExitCode {
    run(default_url, Engine::new::<M>(), observer)
}

fn run(default_url: &str, engine: Engine, observer: Observer) -> ExitCode {
    let args = Args::parse();
    let name = program_name();
    let url = match args.url(default_url) {
        Ok(url) => url,
        Err(failure) => return answer::write(Err(failure), args.json, &name),
    };
    let Some(command) = args.command else {
        // SeaORM's own tool would apply everything now.
        let mut command = Args::command().bin_name(program_name());
        answer::tell(&command.render_help().to_string());
        return exit::USAGE.into();
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            answer::tell(&format!("The runtime could not be started: {error}\n"));
            return exit::FAILED.into();
        }
    };
    let program = Program {
        engine,
        url,
        name,
        json: args.json,
        observer,
    };
    let result = runtime.block_on(program.run(command));
    // What a signal interrupted may not be waited for.
    runtime.shutdown_background();
    answer::write(result, program.json, &program.name)
}

/// Everything that a command needs.
struct Program {
    engine: Engine,
    url: String,
    name: String,
    json: bool,
    observer: Observer,
}

impl Program {
    async fn run(&self, command: Command) -> Result<Answer, Failure> {
        match command {
            Command::Upgrade(args) => self.upgrade(args).await,
            Command::Downgrade(args) => self.downgrade(args).await,
            Command::Current {
                check_heads,
                verbose,
            } => self.current(check_heads, verbose).await,
            Command::History {
                rev_range,
                indicate_current,
                verbose,
            } => {
                self.history(rev_range.as_deref(), indicate_current, verbose)
                    .await
            }
            Command::Heads => Ok(self.heads()),
            Command::Show { revision } => self.show(&revision).await,
            Command::Stamp {
                revision,
                purge,
                lock_timeout,
            } => self.stamp(&revision, purge, lock_timeout).await,
            Command::Check => self.check().await,
            Command::Revision(args) => self.revision(&args).await,
            Command::Edit {
                revision,
                directory,
            } => {
                self.edit(&revision, directory.migration_dir.as_deref())
                    .await
            }
            Command::Up { num, run } => self.up(num, run).await,
            Command::Down { num, run, consent } => self.down(num, run, consent).await,
            Command::Status => self.status().await,
            command @ (Command::Fresh(_) | Command::Refresh(_) | Command::Reset(_)) => {
                self.destroy(command).await
            }
        }
    }
}

fn program_name() -> String {
    std::env::var("REVISION_PROGRAM")
        .ok()
        .filter(|name| !name.is_empty())
        .or_else(|| {
            let path = std::env::args_os().next()?;
            let name = Path::new(&path).file_name()?;
            Some(name.to_string_lossy().into_owned())
        })
        .unwrap_or_else(|| "migration".to_owned())
}
