//! What the engine answers.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Which way a database is taken through its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards the newest migration.
    Up,
    /// Towards the empty database.
    Down,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "upgrade",
            Self::Down => "downgrade",
        })
    }
}

/// Where a database stands, compared with what the program knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// What both know, oldest first.
    pub applied: Vec<String>,
    /// What only the program knows, oldest first.
    pub pending: Vec<String>,
    /// What only the database knows, sorted: it was written by another version of the program.
    pub unknown: Vec<String>,
    /// Those of [`pending`](Self::pending) that sort before an applied one.
    pub out_of_order: Vec<String>,
}

impl Status {
    /// The newest applied migration; nothing when the database is empty.
    pub fn current(&self) -> Option<&str> {
        self.applied.last().map(String::as_str)
    }

    /// Whether there is nothing to do and nothing to worry about.
    pub fn is_up_to_date(&self) -> bool {
        self.pending.is_empty() && self.unknown.is_empty()
    }
}

/// One migration that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The migration's name.
    pub name: String,
    /// Which way it was run.
    pub direction: Direction,
    /// How long its own statements took.
    pub elapsed: Duration,
}

/// What an upgrade or a downgrade did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was run, in the order in which it was run; empty when there was nothing to do.
    pub steps: Vec<Step>,
    /// The copy that was taken before, if one was.
    pub snapshot: Option<PathBuf>,
    /// The newest applied migration before; nothing when the database was empty.
    pub from: Option<String>,
    /// The newest applied migration now; nothing when the database is empty.
    pub to: Option<String>,
}
