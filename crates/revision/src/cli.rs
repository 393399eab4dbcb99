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

mod args;
pub mod exit;
mod show;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser as _;
use sea_orm_migration::MigratorTrait;

use crate::engine::Engine;
use crate::error::Error;
use args::{Args, Command};

/// Runs the command line with the arguments of the process, over the migrations of `M`.
///
/// The database is the one of `--database-url`, else of `DATABASE_URL`, else `default_url`.
pub fn main<M: MigratorTrait>(default_url: &str) -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            return report(
                &format!("The runtime could not be started: {error}\n"),
                exit::FAILED,
            );
        }
    };
    let engine = Engine::new::<M>();
    let url = args.database_url.as_deref().unwrap_or(default_url);
    match runtime.block_on(run(&engine, url, args.command)) {
        Ok((text, code)) => match io::stdout().write_all(text.as_bytes()) {
            Ok(()) => code.into(),
            // Whoever reads the answer, `head` for example, may have seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => code.into(),
            Err(error) => report(
                &format!("The answer could not be written: {error}\n"),
                exit::FAILED,
            ),
        },
        Err(error) => report(&show::error(&error), exit::code(&error)),
    }
}

async fn run(engine: &Engine, url: &str, command: Command) -> Result<(String, u8), Error> {
    match command {
        Command::Upgrade(args) => {
            let report = engine.upgrade(url, &args.target, &args.options()).await?;
            Ok((show::report(&report), exit::FINE))
        }
        Command::Downgrade(args) => {
            let report = engine.downgrade(url, &args.target, &args.options()).await?;
            Ok((show::report(&report), exit::FINE))
        }
        Command::Current { check_heads } => {
            let status = engine.status(url).await?;
            let pending = check_heads && !status.pending.is_empty();
            Ok((
                show::current(&status, check_heads),
                if pending { exit::PENDING } else { exit::FINE },
            ))
        }
        Command::History => {
            let status = engine.status(url).await?;
            Ok((show::history(engine.names(), &status), exit::FINE))
        }
    }
}

fn report(text: &str, code: u8) -> ExitCode {
    // When even standard error is gone, the exit code is all that is left to say it with.
    let _ = io::stderr().write_all(text.as_bytes());
    code.into()
}
