//! Who holds the write lock of a SQLite file.
//!
//! SQLite does not tell, but its locks are POSIX locks on known bytes, and Linux lists those in `/proc/locks`.
//! Asking by `fcntl` would need a descriptor of the file, and closing that would drop every lock which this process
//! itself holds on it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::location::SqliteFile;

/// `RESERVED_BYTE` of a rollback-journal database: one after the pending byte at 1 GiB.
const RESERVED_BYTE: &str = "1073741825";
/// `WAL_WRITE_LOCK`, the first lock byte of the `-shm` file.
const WAL_WRITE_BYTE: &str = "120";

/// Names the process that writes, where it can be seen from here.
pub(super) fn holder(file: &SqliteFile) -> Option<String> {
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let pid = writer(&locks, inode(&file.companion("-shm")), WAL_WRITE_BYTE)
        .or_else(|| writer(&locks, inode(&file.path), RESERVED_BYTE))?;
    if pid == std::process::id() {
        return Some("another connection of this process".to_owned());
    }
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    // Arguments are left out: they may hold a password.
    let program = command.split(|byte| *byte == 0).next().unwrap_or_default();
    let program = String::from_utf8_lossy(program).into_owned();
    Some(match Path::new(&program).file_name() {
        Some(name) => format!("process {pid} ({})", name.to_string_lossy()),
        None => format!("process {pid}"),
    })
}

fn inode(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|metadata| metadata.ino())
}

/// Finds the writing lock on one byte of an inode. A line is
/// `1: POSIX  ADVISORY  WRITE 4711 08:01:131090 120 120`.
fn writer(locks: &str, inode: Option<u64>, byte: &str) -> Option<u32> {
    let inode = inode?.to_string();
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, "POSIX", "ADVISORY", "WRITE", pid, place, start, _] = fields[..] else {
            return None;
        };
        let found = place.rsplit(':').next() == Some(&inode) && start == byte;
        found.then(|| pid.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::{WAL_WRITE_BYTE, writer};

    const LOCKS: &str = "\
1: POSIX  ADVISORY  READ 7 08:01:55 120 120
2: FLOCK  ADVISORY  WRITE 8 08:01:55 0 EOF
3: POSIX  ADVISORY  WRITE 9 08:01:77 120 120
3: -> POSIX  ADVISORY  WRITE 10 08:01:55 120 120
4: POSIX  ADVISORY  WRITE 4711 08:01:55 120 120
";

    #[test]
    fn only_a_writing_lock_on_that_byte_of_that_file_counts() {
        assert_eq!(writer(LOCKS, Some(55), WAL_WRITE_BYTE), Some(4711));
        assert_eq!(writer(LOCKS, Some(56), WAL_WRITE_BYTE), None);
        assert_eq!(writer(LOCKS, None, WAL_WRITE_BYTE), None);
        assert_eq!(writer(LOCKS, Some(55), "121"), None);
    }
}
