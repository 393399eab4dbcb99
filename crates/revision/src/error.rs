//! What can go wrong, in words that a person can act on.

mod reason;

use std::path::PathBuf;
use std::time::Duration;

use sea_orm::DbErr;

pub(crate) use reason::{connection_lost, database_code, reason, words};

use crate::autogenerate::Question;
use crate::report::Direction;

/// Why a command did not do what it was asked for.
///
/// Its [`Display`](std::fmt::Display) says what happened, [`unchanged`](Self::unchanged) what became of the
/// database, and [`next_step`](Self::next_step) what to do. None of the three repeats a value from a row;
/// the driver's own error, which may, is the [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Somebody else migrated or wrote for longer than the lock timeout.
    #[error("The database is locked by {}; waited {:.1} s for it.", .holder.as_deref().unwrap_or("another process, which cannot be seen from here (it may be in another container)"), .waited.as_secs_f64())]
    Locked {
        /// Who holds it, where that can be found out.
        holder: Option<String>,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The database has revisions that sort after the newest one here: a newer program has used it.
    #[error("The database is newer than this program: it has {}, and this program knows nothing after {}.", list(.revisions), .known_head.as_deref().unwrap_or("the empty database"))]
    Newer {
        /// What the program does not know.
        revisions: Vec<String>,
        /// The newest migration that it knows.
        known_head: Option<String>,
    },
    /// The database has revisions that the program does not know, though it knows later ones.
    #[error("Can't locate revision identified by {}: the database has {}, this program does not.", list(.revisions), if .revisions.len() == 1 { "it" } else { "them" })]
    UnknownRevision {
        /// What the program does not know.
        revisions: Vec<String>,
        /// The newest migration that it knows.
        known_head: Option<String>,
    },
    /// No migration answers to what was typed.
    #[error("Can't locate revision identified by '{asked}'.")]
    NoSuchRevision {
        /// What was typed.
        asked: String,
    },
    /// More than one migration answers to what was typed.
    #[error("'{asked}' is not clear: it could be {}.", list(.candidates))]
    Ambiguous {
        /// What was typed.
        asked: String,
        /// Every migration that it could mean, oldest first.
        candidates: Vec<String>,
    },
    /// A relative target lies beyond the end of the history.
    #[error("{asked} goes too far: there {} that way.", migrations(*.available))]
    TooFar {
        /// What was typed.
        asked: String,
        /// How many migrations there are in that direction.
        available: usize,
    },
    /// An upgrade to something older, or a downgrade to something that is not applied.
    #[error("{target} is not something that {command} leads to.")]
    WrongWay {
        /// What was typed.
        target: String,
        /// Which way was asked for.
        command: Direction,
    },
    /// A pending migration sorts before one that is already applied.
    #[error("Out of order: {} {} not applied, but {applied}, which comes later, is.", list(.pending), if .pending.len() == 1 { "is" } else { "are" })]
    OutOfOrder {
        /// What would be run late, oldest first.
        pending: Vec<String>,
        /// The newest migration that is applied.
        applied: String,
    },
    /// The program lists two migrations of one name.
    #[error("Two migrations are called {name}.")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A migration's own statements failed.
    #[error("Migration {migration} failed: {reason}")]
    Failed {
        /// Which one.
        migration: String,
        /// Why, without values from rows.
        reason: String,
        /// Whether the failed migration ran outside any transaction, so that a part of it may have happened.
        partial: bool,
        /// The driver's error.
        source: Box<DbErr>,
    },
    /// Something went wrong after a part of the command had been committed.
    #[error("{error}")]
    Later {
        /// The migrations that are committed, because they ran in a transaction of their own.
        committed: Vec<String>,
        /// What went wrong then.
        #[source]
        error: Box<Error>,
    },
    /// After the migrations, rows point at parents that are not there, and did not before.
    #[error("The migrations would leave rows without a parent: {}.", places(.orphans))]
    Orphaned {
        /// Where they are.
        orphans: Vec<Orphans>,
    },
    /// A migration was found that does not lead to where it should: there is something that cannot be said.
    #[error("The difference cannot be written as a migration that is sure to work: {}.", .what.join("; "))]
    Unproven {
        /// What went wrong on the throw-away databases, or what is still another.
        what: Vec<String>,
    },
    /// A migration can be written only when somebody says what no schema tells.
    #[error("{}", .questions.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Undecided {
        /// What must be said.
        questions: Vec<Question>,
    },
    /// The command was not carried out because it could do harm or cannot work here.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
        /// What to do about it.
        advice: String,
    },
    /// A migration would lose data, or its new rules do not fit the data that is there.
    #[error("Migration {migration} was stopped: {}.", crate::guard::list(.findings))]
    Guarded {
        /// Which one.
        migration: String,
        /// What it would do, table by table, with the number of rows.
        findings: Vec<crate::Finding>,
    },
    /// What was tried cannot be rolled back, so a dry run does not try it.
    #[error(
        "Migration {migration} runs outside a transaction, so it cannot be tried and rolled back."
    )]
    NotDry {
        /// Which one.
        migration: String,
    },
    /// The command was stopped before it was done.
    #[error("Stopped by {signal} before it was done.")]
    Stopped {
        /// What stopped it.
        signal: &'static str,
    },
    /// There is too little space for a snapshot and the migration.
    #[error("Not enough space in {}: {} MiB free, {} MiB needed.", .path.display(), .free / MIB, .needed.div_ceil(MIB))]
    NoSpace {
        /// The directory that was looked at.
        path: PathBuf,
        /// Bytes that are free in it.
        free: u64,
        /// Bytes that should be.
        needed: u64,
    },
    /// The copy before the migration could not be made, or is not sound.
    #[error("No snapshot could be taken in {}: {reason}", .path.display())]
    Snapshot {
        /// The directory that it should go to.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The database could not be opened.
    #[error("Can't open the database {database}: {reason}")]
    Connect {
        /// The file, or the address without its password.
        database: String,
        /// Why.
        reason: String,
    },
    /// The database refused one of the engine's own statements.
    #[error("{doing} failed: {reason}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// Why, without values from rows.
        reason: String,
        /// The driver's error.
        source: Box<DbErr>,
    },
    /// The connection was lost while PostgreSQL committed; whether it did is not known.
    #[error("The connection was lost during COMMIT: {reason}")]
    InDoubt {
        /// Why, without values from rows.
        reason: String,
        /// The driver's error.
        source: Box<DbErr>,
    },
}

const NOTHING: &str = "Nothing was changed.";
const MIB: u64 = 1024 * 1024;

/// Rows of one table that point at a missing parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphans {
    /// The table of the rows.
    pub table: String,
    /// The table that they point at.
    pub parent: String,
    /// How many there are that there were not before.
    pub rows: u64,
}

impl Error {
    /// A word for this kind of error that stays the same between releases.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "locked",
            Self::Newer { .. } => "newer",
            Self::UnknownRevision { .. } => "unknown-revision",
            Self::NoSuchRevision { .. } => "no-such-revision",
            Self::Ambiguous { .. } => "ambiguous",
            Self::TooFar { .. } => "too-far",
            Self::WrongWay { .. } => "wrong-way",
            Self::OutOfOrder { .. } => "out-of-order",
            Self::Duplicate { .. } => "duplicate",
            Self::Failed { .. } => "failed",
            Self::Later { error, .. } => error.code(),
            Self::NotDry { .. } => "not-dry",
            Self::Stopped { .. } => "stopped",
            Self::Orphaned { .. } => "orphaned",
            Self::Refused { .. } => "refused",
            Self::Unproven { .. } => "unproven",
            Self::Undecided { .. } => "undecided",
            Self::Guarded { .. } => "data-loss",
            Self::NoSpace { .. } => "no-space",
            Self::Snapshot { .. } => "snapshot",
            Self::Connect { .. } => "connect",
            Self::Database { .. } => "database",
            Self::InDoubt { .. } => "in-doubt",
        }
    }

    /// What became of the database, as one sentence.
    pub fn unchanged(&self) -> String {
        match self {
            Self::Failed {
                migration,
                partial: true,
                ..
            } => {
                format!("{migration} runs outside a transaction: a part of it may have happened.")
            }
            Self::Later { committed, error } => {
                let rest = match error.unchanged() {
                    rest if rest == NOTHING => "Nothing else was changed.".to_owned(),
                    rest => rest,
                };
                format!("{} stayed committed. {rest}", list(committed))
            }
            Self::InDoubt { .. } => {
                "The migrations were applied as a whole or not at all.".to_owned()
            }
            _ => NOTHING.to_owned(),
        }
    }

    /// What to do now, as sentences with the command to type; the command is called `migration`.
    pub fn next_step(&self) -> String {
        self.next_step_for("migration")
    }

    /// What to do now, as sentences with the command to type, where the command has another name.
    pub fn next_step_for(&self, program: &str) -> String {
        match self {
            Self::Locked { .. } => "Wait until it is done, or stop it, and try again; --lock-timeout waits longer.".to_owned(),
            Self::Newer { .. } => {
                "Start the version of the program that wrote it, or restore the copy made before that upgrade.".to_owned()
            }
            Self::UnknownRevision { .. } => {
                format!(
                    "Bring back the missing migration, or start the version of the program that has it. \
                     What is known here: {program} history. \
                     Only if the schema is that of the newest migration all the same: {program} stamp head --purge"
                )
            }
            Self::NoSuchRevision { .. } => format!("What there is: {program} history"),
            Self::Ambiguous { .. } => "Type more of its name.".to_owned(),
            Self::TooFar { .. } => format!("Where the database is: {program} current"),
            Self::WrongWay { command: Direction::Up, target } => format!("Did you mean: {program} downgrade {target}"),
            Self::WrongWay { command: Direction::Down, target } => format!("Did you mean: {program} upgrade {target}"),
            Self::OutOfOrder { .. } => {
                format!(
                    "If they do not depend on each other: {program} upgrade head --out-of-order. \
                     Otherwise give the late one a newer date and name."
                )
            }
            Self::Duplicate { .. } => "Rename one of them; a name that is already applied somewhere must stay.".to_owned(),
            Self::Failed { partial: true, migration, .. } => {
                format!(
                    "Look at what it left behind, put it right, and run the command again; \
                     if all of it is there: {program} stamp {migration}"
                )
            }
            Self::Failed { .. } | Self::Orphaned { .. } => {
                "Correct the migration, or the data that it stumbles over, and run the command again; \
                 the previous version of the program still works with this database."
                    .to_owned()
            }
            Self::Later { error, .. } => error.next_step_for(program),
            Self::NotDry { migration } => {
                format!("Try those before it by naming the last one, and read what it would do: {program} upgrade {migration} --sql")
            }
            Self::Refused { advice, .. } => advice.clone(),
            Self::Undecided { questions } => {
                let ways = questions.iter().map(|question| question.ways().join("\n  or "));
                format!("Run it again with:\n     {}", ways.collect::<Vec<_>>().join("\n and "))
            }
            Self::Unproven { .. } => {
                format!("Write this one by hand: {program} revision -m \"…\". What can be said is in docs/migrations.md.")
            }
            Self::Guarded { findings, .. } => crate::guard::next_step(findings),
            Self::Stopped { .. } => "Run the command again; --grace gives what is running more time.".to_owned(),
            Self::NoSpace { .. } => "Free some space and try again.".to_owned(),
            Self::Snapshot { .. } => {
                "Check the directory and the database (PRAGMA integrity_check), and try again.".to_owned()
            }
            Self::Connect { .. } => "Check DATABASE_URL, and that the database is there and may be read and written.".to_owned(),
            Self::Database { .. } => "Put the cause right and run the command again.".to_owned(),
            Self::InDoubt { .. } => format!("See which: {program} current"),
        }
    }

    pub(crate) fn database(doing: &'static str) -> impl FnOnce(DbErr) -> Self {
        move |source| Self::Database {
            doing,
            reason: reason(&source),
            source: Box::new(source),
        }
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [name] => format!("'{name}'"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|name| format!("'{name}'")).collect();
            format!("{} and '{last}'", first.join(", "))
        }
    }
}

fn migrations(count: usize) -> String {
    match count {
        0 => "is no migration".to_owned(),
        1 => "is 1 migration".to_owned(),
        _ => format!("are {count} migrations"),
    }
}

fn places(orphans: &[Orphans]) -> String {
    let each: Vec<String> = orphans
        .iter()
        .map(
            |Orphans {
                 table,
                 parent,
                 rows,
             }| format!("{rows} in {table} that point at {parent}"),
        )
        .collect();
    each.join(", ")
}
