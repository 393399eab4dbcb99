//! `medicine-tracker restore`: an earlier state takes the place of the present one, also while the service runs.
//!
//! What comes in is first made into a private copy, checked, and brought to the newest revision. It then goes in as one
//! transaction of the live database, so that no file is swapped and nobody has to stop: whoever reads sees the one
//! state or the other, and who writes waits for a moment. The state before is copied inside that transaction, so every
//! acknowledged write is either in that copy or comes after. Only where there is no sound database are the files
//! swapped; what was there is then in `quarantine/`.

mod incoming;
mod replay;

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use domain::Clock;

use self::incoming::Incoming;
use crate::backup::sqlite_file;
use crate::config::Config;
use crate::problem::Trouble;
use crate::volume::copies;
use crate::volume::inspect::{check, writable};
use crate::volume::notice::command;
use crate::volume::prepare::quarantine;

/// Restores the copy of a number, a file, or for `-` what comes on standard input.
///
/// # Errors
///
/// Why the database is still as it was, and what to do.
pub async fn restore(config: &Config, what: &str, clock: &dyn Clock) -> Result<String, Trouble> {
    let database = sqlite_file(config)?;
    writable(database)?;
    let incoming = Incoming::receive(database, what).await?;
    let held = incoming.contents().await?;
    let told = if is_sound(database).await {
        let number = replay::replay(database, incoming.path()).await?;
        format!(
            "The state before is kept as copy {number}; to go back to it: {}",
            command(&format!("restore {number}"))
        )
    } else {
        let aside =
            swap(database, incoming.path(), clock).map_err(|error| failed(error.to_string()))?;
        match aside {
            Some(aside) => format!(
                "What was there is at {}; nothing was deleted.",
                aside.display()
            ),
            None => "There was no database before.".to_owned(),
        }
    };
    Ok(format!(
        "Restored: {held}. A running service goes on with them by itself.\n{told}"
    ))
}

/// Whether there is a database that a transaction can be made on.
async fn is_sound(database: &Path) -> bool {
    let is_there = fs::metadata(database).is_ok_and(|found| found.len() > 0);
    is_there && check(database).await.is_ok()
}

/// Puts a file in the place of what is there.
///
/// At every moment there is a database under the name, so that no service ever begins with an empty one: what was there
/// gets a second name in `quarantine/` first. A log is taken away last; beside the new file it is one that does not
/// belong to it, which every start recognises.
fn swap(database: &Path, incoming: &Path, clock: &dyn Clock) -> std::io::Result<Option<PathBuf>> {
    let directory = incoming.parent().unwrap_or(Path::new("."));
    let owner = fs::metadata(directory)?;
    let mut room = None;
    let mut kept = Vec::new();
    for suffix in ["", "-wal", "-shm"] {
        let mut from = database.as_os_str().to_owned();
        from.push(suffix);
        let from = PathBuf::from(from);
        if from.exists() {
            let room = match &room {
                Some(room) => room,
                None => room.insert(quarantine(database, clock.now())?),
            };
            let to = room.join(from.file_name().unwrap_or_default());
            // Some file systems know no second name.
            fs::hard_link(&from, &to).or_else(|_| fs::rename(&from, &to))?;
            kept.push((from, to));
        }
    }
    if let Some(room) = &room {
        File::open(room)?.sync_all()?;
    }
    if rustix::process::geteuid().is_root() {
        chown(incoming, Some(owner.uid()), Some(owner.gid()))?;
    }
    File::open(incoming)?.sync_all()?;
    fs::rename(incoming, database)?;
    for (from, to) in kept {
        // Another one is of a service that has begun on the new file.
        if from != database && same_file(&from, &to) {
            fs::remove_file(from)?;
        }
    }
    File::open(directory)?.sync_all()?;
    // The copies from before a restore are retired here as well.
    copies::retire(&copies::of(database))?;
    Ok(room)
}

fn same_file(a: &Path, b: &Path) -> bool {
    let inode = |path| fs::metadata(path).map(|found: fs::Metadata| found.ino());
    matches!((inode(a), inode(b)), (Ok(a), Ok(b)) if a == b)
}

fn failed(reason: impl Into<String>) -> Trouble {
    let reason = reason.into();
    Trouble {
        code: "restore-failed".into(),
        title: format!("Nothing was restored: {reason}").into(),
        detail: format!(
            "The database is as it was. To see what there is to restore: {}",
            command("snapshots")
        ),
    }
}
