//! The files of a database, and how one is told from another that has taken its place.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use serde::{Deserialize, Serialize};

use super::copies::SPARE_BYTES;

/// What stays the same for the life of a file. An inode is used again for the next one, so the birth tells them apart
/// where the file system keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    inode: u64,
    /// Nanoseconds since 1970.
    born: Option<i64>,
}

/// A file as it was when the service last wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    #[serde(flatten)]
    identity: Identity,
    /// Nanoseconds since 1970.
    modified: i64,
}

impl Identity {
    /// Nothing where there is no such file.
    ///
    /// It is asked for without the file's times. Since Linux 6.13 the next write of a file whose times somebody has
    /// seen gives it new ones (multigrain timestamps), and an fsync brings those to the disk too: each commit took a
    /// quarter longer.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match statx(
            CWD,
            path,
            AtFlags::empty(),
            StatxFlags::INO | StatxFlags::BTIME,
        ) {
            Ok(found) => {
                let is_kept = found.stx_mask & StatxFlags::BTIME.bits() != 0;
                let born = is_kept.then_some(found.stx_btime);
                Some(Self {
                    inode: found.stx_ino,
                    born: born.map(|born| nanoseconds(born.tv_sec, born.tv_nsec.into())),
                })
            }
            // What keeps this call from being made keeps the library's from nothing: it has another.
            Err(_) => fs::metadata(path).ok().map(|found| Self::in_(&found)),
        }
    }

    fn in_(found: &fs::Metadata) -> Self {
        let born = found.created().ok();
        let born = born.and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        Self {
            inode: found.ino(),
            born: born.and_then(|born| born.as_nanos().try_into().ok()),
        }
    }
}

impl Written {
    /// Nothing where there is no such file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        Some(Self {
            identity: Identity::in_(&found),
            modified: nanoseconds(found.mtime(), found.mtime_nsec()),
        })
    }

    /// Whether both are one file, written or not.
    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

/// What SQLite or the service keeps beside a database, as `medicine.db-wal`.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The directory that a database is in.
pub(super) fn directory(database: &Path) -> &Path {
    match database.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Bytes in a file; none where it is not there.
pub(super) fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

/// Whether so many bytes fit beside a database, and some to spare.
pub(super) fn has_room(database: &Path, bytes: u64) -> bool {
    // A file system that does not tell is no reason to stop: a full disk fails safely.
    let disk = rustix::fs::statvfs(directory(database));
    disk.map_or(true, |disk| {
        disk.f_bavail.saturating_mul(disk.f_frsize) >= bytes.saturating_add(SPARE_BYTES)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_ask_know_the_same_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        assert_eq!(Identity::of(&path), None);
        fs::write(&path, "a").unwrap();
        let identity = Identity::of(&path).unwrap();
        assert_eq!(identity, Written::of(&path).unwrap().identity);
        fs::write(directory.path().join("b"), "a").unwrap();
        assert_ne!(identity, Identity::of(&directory.path().join("b")).unwrap());
    }
}
