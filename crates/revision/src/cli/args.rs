//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::options::{Options, Transactions};
use crate::target::Target;

/// Takes a database through the history of its schema.
#[derive(Debug, Parser)]
#[command(version, subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Args {
    /// The database: `sqlite://notes.db`, `postgres://user@host/database`
    #[arg(
        short = 'u',
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        global = true
    )]
    pub(super) database_url: Option<String>,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Apply what is pending, up to a revision
    Upgrade(UpgradeArgs),
    /// Undo what was applied, down to a revision
    Downgrade(DowngradeArgs),
    /// Show the revision that the database has
    Current {
        /// Exit with 3 when migrations are pending
        #[arg(long)]
        check_heads: bool,
    },
    /// List the revisions, newest first
    History,
}

#[derive(Debug, clap::Args)]
pub(super) struct UpgradeArgs {
    /// `head`, `+2`, or a revision: its name, or a part of it that no other has
    #[arg(default_value = "head", allow_negative_numbers = true)]
    pub(super) target: Target,
    /// Apply also what sorts before a revision that is already applied
    #[arg(long)]
    out_of_order: bool,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct DowngradeArgs {
    /// `-1`, `base`, or the revision that stays: its name, or a part of it that no other has
    #[arg(allow_negative_numbers = true)]
    pub(super) target: Target,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// Seconds to wait for another process
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    lock_timeout: u64,
    /// Copy a SQLite database that holds data into this directory first
    #[arg(long, value_name = "DIRECTORY")]
    snapshot_dir: Option<PathBuf>,
    /// One transaction for each migration instead of one for all
    #[arg(long)]
    transaction_per_migration: bool,
}

impl UpgradeArgs {
    pub(super) fn options(&self) -> Options {
        Options {
            out_of_order: self.out_of_order,
            ..self.run.options()
        }
    }
}

impl DowngradeArgs {
    pub(super) fn options(&self) -> Options {
        self.run.options()
    }
}

impl RunArgs {
    fn options(&self) -> Options {
        Options {
            lock_timeout: Duration::from_secs(self.lock_timeout),
            snapshot_dir: self.snapshot_dir.clone(),
            transactions: if self.transaction_per_migration {
                Transactions::PerMigration
            } else {
                Transactions::One
            },
            ..Options::default()
        }
    }
}
