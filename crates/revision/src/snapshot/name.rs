//! The name of a copy: the database's, a number, an instant, a reason.

use std::path::Path;

use super::Snapshot;

/// Reads `notes-0007-20260102T030405Z-pre-migrate.db`; nothing where it is no copy of this database.
pub(super) fn read(stem: &str, path: &Path) -> Option<Snapshot> {
    let name = path.file_name()?.to_str()?;
    let rest = name.strip_prefix(stem)?.strip_prefix('-')?;
    let rest = rest.strip_suffix(".db")?;
    let mut parts = rest.splitn(3, '-');
    let (number, taken_at, why) = (parts.next()?, parts.next()?, parts.next()?);
    let is_instant = taken_at.len() == 16 && taken_at.ends_with('Z') && !why.is_empty();
    is_instant.then_some(Snapshot {
        number: number.parse().ok()?,
        taken_at: taken_at.to_owned(),
        why: why.to_owned(),
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Option<(u32, String)> {
        let snapshot = read("notes", Path::new(name))?;
        Some((snapshot.number, snapshot.why))
    }

    #[test]
    fn a_name_says_number_and_reason_and_anything_else_is_no_copy() {
        let expected = Some((7, "pre-migrate".to_owned()));
        assert_eq!(of("notes-0007-20260102T030405Z-pre-migrate.db"), expected);
        let expected = Some((12345, "daily".to_owned()));
        assert_eq!(of("notes-12345-20260102T030405Z-daily.db"), expected);
        for name in [
            "notes.db",
            "notes-0000-mine.db",
            "notes-0007-20260102T030405Z-.db",
            "notes-0007-20260102T030405Z-daily.db-wal",
            ".tmp-notes-daily.db",
            "other-0007-20260102T030405Z-daily.db",
        ] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
