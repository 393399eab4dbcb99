//! What a person is told of the files: a code, what happened, what was and was not changed, and what to type.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::files::{beside, directory};
use crate::problem::Trouble;

fn trouble(code: &'static str, title: String, detail: String) -> Trouble {
    Trouble {
        code: code.into(),
        title: title.into(),
        detail,
    }
}

/// A command of this program as it is typed on the machine that the service runs on.
pub fn command(arguments: &str) -> String {
    if Path::new("/.dockerenv").exists() {
        // Without -i it would not be given what is sent to it.
        let input = if arguments.contains(" < ") { "-i " } else { "" };
        format!("docker exec {input}medicine-tracker-backend medicine-tracker {arguments}")
    } else {
        format!("medicine-tracker {arguments}")
    }
}

pub(super) fn read_only(database: &Path) -> Trouble {
    trouble(
        "boot-read-only",
        format!(
            "The directory {} may not be written: it is mounted read-only",
            directory(database).display()
        ),
        format!(
            "The service keeps {} there and cannot work without writing. Nothing was changed. Mount it writable \
             (a volume without :ro at its end); the service goes on by itself.",
            database.display()
        ),
    )
}

pub(super) fn owner(path: &Path) -> Trouble {
    let owner = std::fs::metadata(path).map_or(0, |found| found.uid());
    let (us, group) = (
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    trouble(
        "boot-owner",
        format!(
            "{} may not be written: it belongs to user {owner}, and the service runs as user {us}",
            path.display()
        ),
        format!(
            "This happens when files are put there by root, as from an archive of an older service. Nothing was \
             changed, and the data is there. Give the files to the service, and it goes on by itself: \
             docker run --rm -v medicine-data:/data alpine chown -R {us}:{group} /data"
        ),
    )
}

pub(super) fn in_use(database: &Path) -> Trouble {
    let holder = std::fs::read_to_string(beside(database, "-lock")).unwrap_or_default();
    let holder = if holder.is_empty() {
        "it has just begun"
    } else {
        &holder
    };
    trouble(
        "boot-in-use",
        format!(
            "Another medicine-tracker is using {} ({holder})",
            database.display()
        ),
        "One database is served by one service at a time. Nothing was changed, and the other one goes on. Stop one of \
         the two; this one takes over by itself as soon as the other has ended."
            .to_owned(),
    )
}

pub(super) fn missing(database: &Path, copies: &str) -> Trouble {
    let log = beside(database, "-wal");
    trouble(
        "boot-missing",
        format!("{} is gone, but its log is still there", database.display()),
        format!(
            "The newest entries are in {}, which is of use only together with that file. Nothing was changed. Put the \
             file back where it was, or go back to a copy; to begin with nothing, move the log to another name. {copies}",
            log.display()
        ),
    )
}

pub(crate) fn damaged(database: &Path, reason: &str, copies: &str) -> Trouble {
    trouble(
        "boot-damaged",
        format!("{} is damaged: {reason}", database.display()),
        format!(
            "It may come from a backup that was made while something wrote, or from a failing disk. Nothing was changed, \
             and nothing is served from it. {copies}"
        ),
    )
}

pub fn clock(now: &str) -> Trouble {
    trouble(
        "boot-clock",
        format!("The clock of this machine says {now}, which cannot be"),
        "Every date that the service answers, and every stock that it reckons, would be wrong. Nothing was changed. Set \
         the clock, and the service goes on by itself: sudo timedatectl set-ntp true"
            .to_owned(),
    )
}

pub fn clock_behind(now: &str, last: &str) -> Trouble {
    trouble(
        "clock-behind",
        "The clock is behind the last entry".to_owned(),
        format!(
            "It says {now}, and the last entry is from {last}. Nothing was changed and the service works, but what it \
             says of today is wrong until the clock is right. Look at it: date"
        ),
    )
}

pub(super) fn replaced(database: &Path) -> Trouble {
    trouble(
        "database-replaced",
        format!(
            "{} was replaced while the service was running",
            database.display()
        ),
        "It looks like a restore. This request was not carried out, and nothing is written into the new file. What was \
         acknowledged before is being kept as a copy; the service then goes on with the new file by itself, within \
         seconds."
            .to_owned(),
    )
}

pub(super) fn log_set_aside(database: &Path, to: &Path, kept: Option<u32>) -> Trouble {
    trouble(
        "log-set-aside",
        format!(
            "A log that does not belong to {} was beside it",
            database.display()
        ),
        format!(
            "The file was restored from a backup, and the log was left from before that; together they would have been \
             a mixture. The restored file is served. The log was not deleted: it is at {}. {}",
            to.display(),
            way_back(kept)
        ),
    )
}

pub(super) fn restored(database: &Path, kept: Option<u32>) -> Trouble {
    trouble(
        "database-restored",
        format!("{} is not as the service left it", database.display()),
        format!(
            "It was restored from a backup, or changed by another program, since then. It is sound and it is served as it \
             is. {}",
            way_back(kept)
        ),
    )
}

pub(super) fn restored_over_log(database: &Path, kept: Option<u32>) -> Trouble {
    trouble(
        "database-restored",
        format!("{} was overwritten with an older state", database.display()),
        format!(
            "It is sound and it is served; the log that was beside it was set aside and not deleted. {}",
            way_back(kept)
        ),
    )
}

fn way_back(kept: Option<u32>) -> String {
    match kept {
        Some(number) => format!(
            "What was entered until then is kept as copy {number}; to go back to it: {}",
            command(&format!("restore {number}"))
        ),
        None => format!(
            "To see which copies of earlier states there are: {}",
            command("snapshots")
        ),
    }
}

pub(super) fn unseen(error: &dyn std::fmt::Display) -> Trouble {
    trouble(
        "backups-unseen",
        "The service cannot see who reads its files".to_owned(),
        format!(
            "The system refused it ({error}). Everything works, but an archive of the volume that is made while the \
             service runs may be torn; make backups with: {}",
            command("backup - > medicine.db")
        ),
    )
}

pub(super) fn no_copy(reason: &dyn std::fmt::Display) -> Trouble {
    trouble(
        "snapshot-skipped",
        "The daily copy could not be made".to_owned(),
        format!(
            "{reason}. The data itself is not touched, and the service works; it tries again every hour. If space is \
             short, free some on the volume."
        ),
    )
}
