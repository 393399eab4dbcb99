//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use super::answer::Failure;
use super::revision::RevisionArgs;
use crate::event::Observer;
use crate::options::{Options, Transactions};
use crate::target::Target;

/// Takes a database through the history of its schema.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 fine, 1 failed, 2 usage, 3 pending, 4 unknown revision, 5 edited, 6 drift, \
                  7 locked, 8 refused, 9 entities ahead, 10 database newer than this program, \
                  11 something must be decided."
)]
pub(super) struct Args {
    /// The database: `sqlite://notes.db`, `postgres://user@host/database`
    #[arg(
        short = 'u',
        long,
        visible_alias = "url",
        env = "DATABASE_URL",
        hide_env_values = true,
        global = true
    )]
    pub(super) database_url: Option<String>,
    /// A file that holds the location, which may have a password in it
    #[arg(long, env = "DATABASE_URL_FILE", global = true, value_name = "FILE")]
    pub(super) database_url_file: Option<String>,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

impl Args {
    /// The database that is meant; an empty variable counts as not set.
    pub(super) fn url(&self, default_url: &str) -> Result<String, Failure> {
        let given = |text: &&String| !text.is_empty();
        if let Some(url) = self.database_url.as_ref().filter(given) {
            return Ok(url.clone());
        }
        let Some(file) = self.database_url_file.as_ref().filter(given) else {
            return Ok(default_url.to_owned());
        };
        let text = std::fs::read_to_string(file).map_err(|error| {
            Failure::Usage(format!(
                "The file {file}, which is to say where the database is, cannot be read: {error}.\n\
                 Check --database-url-file and DATABASE_URL_FILE.\n"
            ))
        })?;
        Ok(text.trim().to_owned())
    }
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
        /// Say also when it was applied, and what is pending
        #[arg(short, long)]
        verbose: bool,
    },
    /// List the revisions, newest first
    History {
        /// Only from one revision to another: `a:b`, `:current`, `-3:`
        #[arg(short, long, value_name = "FROM:TO", allow_hyphen_values = true)]
        rev_range: Option<String>,
        /// Mark the current revision and what is pending; this needs the database
        #[arg(short, long)]
        indicate_current: bool,
        /// Say more of each
        #[arg(short, long)]
        verbose: bool,
    },
    /// Show the newest revision that this program has
    Heads,
    /// Show one revision
    Show {
        /// Its name, or a part of it that no other has; `head`, `current`
        #[arg(allow_hyphen_values = true)]
        revision: Target,
    },
    /// Write down that the database is at a revision, and run no migration
    Stamp {
        /// `head`, `base` or a revision
        revision: Target,
        /// Remove the revisions that this program does not know
        #[arg(long)]
        purge: bool,
        /// Seconds to wait for another process
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        lock_timeout: u64,
    },
    /// Look whether the database, its history and this program belong together
    Check,
    /// Write a new migration and register it; with --autogenerate by what the entities declare
    Revision(RevisionArgs),
    /// Open a migration in $VISUAL or $EDITOR
    Edit {
        /// Its name, or a part of it that no other has
        revision: Target,
        #[command(flatten)]
        directory: DirectoryArg,
    },
    /// Apply what is pending, or the next few (SeaORM's word)
    Up {
        /// How many; all unless given
        #[arg(short, long)]
        num: Option<u32>,
        #[command(flatten)]
        run: RunArgs,
    },
    /// Undo the last migration, or the last few (SeaORM's word)
    Down {
        /// How many
        #[arg(short, long, default_value_t = 1)]
        num: u32,
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        consent: Consent,
    },
    /// Say of each migration whether it is applied (SeaORM's word)
    Status,
    /// Drop everything in the database and apply everything again
    Fresh(Destructive),
    /// Undo everything and apply everything again
    Refresh(Destructive),
    /// Undo everything
    Reset(Destructive),
}

#[derive(Debug, clap::Args)]
pub(super) struct UpgradeArgs {
    /// `head`, `+2`, or a revision: its name, or a part of it that no other has; with --sql also `from:to`
    #[arg(default_value = "head", allow_negative_numbers = true)]
    pub(super) target: String,
    /// Apply also what sorts before a revision that is already applied
    #[arg(long)]
    out_of_order: bool,
    #[command(flatten)]
    pub(super) script: ScriptArgs,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct DowngradeArgs {
    /// `-1`, `base`, or the revision that stays: its name, or a part of it that no other has; with --sql `from:to`
    #[arg(allow_negative_numbers = true)]
    pub(super) target: String,
    #[command(flatten)]
    pub(super) script: ScriptArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    pub(super) consent: Consent,
}

#[derive(Debug, clap::Args)]
pub(super) struct Destructive {
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    pub(super) consent: Consent,
}

/// Whether rows may be lost.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Consent {
    /// Do not ask before all rows are lost
    #[arg(short, long)]
    pub(super) yes: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ScriptArgs {
    /// Print the script instead of running it; no database is needed
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) sql: bool,
    /// Run it, print each statement with its rows and its time, and roll back
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// Seconds to wait for another process
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    lock_timeout: u64,
    /// Copy a SQLite database that holds data into this directory first
    #[arg(long, value_name = "DIRECTORY")]
    snapshot_dir: Option<PathBuf>,
    /// One transaction for each migration instead of one for all
    #[arg(long)]
    transaction_per_migration: bool,
    /// Let a migration lose what is in a table or a column that it drops
    #[arg(long)]
    allow_data_loss: bool,
    /// Seconds that what is running may still take after SIGTERM
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub(super) grace: u64,
}

#[derive(Debug, clap::Args)]
pub(super) struct DirectoryArg {
    /// The crate that holds the migrations
    #[arg(short = 'd', long, env = "MIGRATION_DIR", value_name = "DIRECTORY")]
    pub(super) migration_dir: Option<PathBuf>,
}

impl UpgradeArgs {
    pub(super) fn options(&self, observer: Observer) -> Options {
        Options {
            out_of_order: self.out_of_order,
            dry_run: self.script.dry_run,
            ..self.run.options(observer)
        }
    }

    pub(super) fn grace(&self) -> Duration {
        self.run.grace()
    }
}

impl DowngradeArgs {
    pub(super) fn options(&self, observer: Observer) -> Options {
        Options {
            dry_run: self.script.dry_run,
            ..self.run.options(observer)
        }
    }

    pub(super) fn grace(&self) -> Duration {
        self.run.grace()
    }
}

impl Destructive {
    pub(super) fn options(&self, observer: Observer) -> Options {
        self.run.options(observer)
    }

    pub(super) fn grace(&self) -> Duration {
        self.run.grace()
    }
}

impl RunArgs {
    pub(super) fn options(&self, observer: Observer) -> Options {
        Options {
            lock_timeout: Duration::from_secs(self.lock_timeout),
            snapshot_dir: self.snapshot_dir.clone(),
            transactions: if self.transaction_per_migration {
                Transactions::PerMigration
            } else {
                Transactions::One
            },
            allow_data_loss: self.allow_data_loss,
            observer,
            ..Options::default()
        }
    }

    pub(super) fn grace(&self) -> Duration {
        Duration::from_secs(self.grace)
    }
}
