//! Exit codes: what a script can tell apart without reading.

use crate::error::Error;

/// Done, or nothing to do.
pub const FINE: u8 = 0;
/// A migration, the database or its server failed.
pub const FAILED: u8 = 1;
/// The command line could not be understood (clap's own code).
pub const USAGE: u8 = 2;
/// Migrations are pending, and the command was asked to say so.
pub const PENDING: u8 = 3;
/// A revision was named that is not known here, or the database has one whose file is missing.
pub const UNKNOWN_REVISION: u8 = 4;
/// A migration was edited after it was applied.
pub const EDITED: u8 = 5;
/// The schema was changed by something else than a migration.
pub const DRIFT: u8 = 6;
/// The database is locked by somebody else.
pub const LOCKED: u8 = 7;
/// The command was not carried out because it could do harm or cannot work here.
pub const REFUSED: u8 = 8;

/// The program's entities are ahead of its migrations.
pub const ENTITIES_AHEAD: u8 = 9;
/// The database was written by a newer version of the program.
pub const NEWER: u8 = 10;

/// Something must be decided that no schema tells: what was renamed, what fills a column.
pub const UNDECIDED: u8 = 11;

/// The exit code of an error.
pub fn code(error: &Error) -> u8 {
    match error {
        Error::Locked { .. } => LOCKED,
        Error::Newer { .. } => NEWER,
        Error::UnknownRevision { .. } | Error::NoSuchRevision { .. } | Error::Ambiguous { .. } => {
            UNKNOWN_REVISION
        }
        Error::TooFar { .. }
        | Error::WrongWay { .. }
        | Error::OutOfOrder { .. }
        | Error::Duplicate { .. }
        | Error::Orphaned { .. }
        | Error::Refused { .. }
        | Error::Unproven { .. }
        | Error::Guarded { .. }
        | Error::NotDry { .. }
        | Error::NoSpace { .. }
        | Error::Snapshot { .. } => REFUSED,
        Error::Undecided { .. } => UNDECIDED,
        Error::Later { error, .. } => code(error),
        Error::Failed { .. }
        | Error::Stopped { .. }
        | Error::Connect { .. }
        | Error::Database { .. }
        | Error::InDoubt { .. } => FAILED,
    }
}
