//! What a service has promised at a moment: the writes that it has acknowledged, and the copies that it has made.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::file::{copy, select};
use crate::volume::script::{Script, UNKNOWN, state};

/// How many writes of each writer are there.
pub(super) type Writes = BTreeMap<String, u64>;

#[derive(Clone, Debug, Default)]
pub(super) struct Promise {
    /// What was acknowledged. The next write of each may be there or not.
    pub(super) writes: Writes,
    /// What may be there instead, all of it, while a restore is under way.
    pub(super) may_be: Option<Writes>,
    /// States of which there are copies.
    pub(super) kept: Vec<Writes>,
}

/// What a power cut has done to a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Kept,
    /// Something acknowledged is not there.
    Lost(String),
    /// SQLite or the script finds it unsound.
    Malformed(String),
}

impl Promise {
    /// What one writer has been promised.
    pub(super) fn of(script: &Script) -> Self {
        let mut promise = Self::default();
        promise.writes.insert(script.name.clone(), script.done);
        promise
    }

    /// Compares with a database and the copies beside it. As long as nothing was acknowledged there may be neither.
    pub(super) async fn judge(&self, database: &Path) -> Verdict {
        let copies = self.judge_copies(database).await;
        if copies != Verdict::Kept {
            return copies;
        }
        let mut verdict = Verdict::Kept;
        for writes in [Some(&self.writes), self.may_be.as_ref()]
            .into_iter()
            .flatten()
        {
            verdict = compare(database, writes).await;
            if verdict == Verdict::Kept {
                break;
            }
        }
        verdict
    }

    /// What bears the name of a copy is whole, and every copy that was promised is there.
    async fn judge_copies(&self, database: &Path) -> Verdict {
        let snapshots = database.with_file_name("snapshots");
        let mut copies = Vec::new();
        for entry in fs::read_dir(snapshots).into_iter().flatten() {
            let path = entry.expect("it can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !name.starts_with('.') {
                copies.push(path);
            }
        }
        let mut missing: Vec<_> = self.kept.iter().collect();
        for copy_path in copies {
            if let Some(wrong) = unsound(&copy_path).await {
                return Verdict::Malformed(format!("{}: {wrong}", copy_path.display()));
            }
            let mut still_missing = Vec::new();
            for writes in missing {
                if compare(&copy_path, writes).await != Verdict::Kept {
                    still_missing.push(writes);
                }
            }
            missing = still_missing;
        }
        match missing.first() {
            None => Verdict::Kept,
            Some(writes) => Verdict::Lost(format!("there is no copy with {writes:?}")),
        }
    }
}

async fn compare(database: &Path, writes: &Writes) -> Verdict {
    for (writer, acknowledged) in writes {
        match state(database, writer).await {
            Err(wrong) if wrong == UNKNOWN => {
                return Verdict::Lost(format!("nothing of {writer} is there"));
            }
            Err(wrong) => return Verdict::Malformed(wrong),
            Ok(there) if (*acknowledged..=acknowledged + 1).contains(&there) => {}
            Ok(there) => {
                return Verdict::Lost(format!(
                    "{acknowledged} of {writer} were acknowledged, {there} are there"
                ));
            }
        }
    }
    Verdict::Kept
}

async fn unsound(database: &Path) -> Option<String> {
    let (_copy, file) = copy(database);
    let verdict = tokio::spawn(async move { select(&file, "PRAGMA integrity_check(1)").await });
    match verdict.await {
        Ok(verdict) if verdict == ["ok"] => None,
        Ok(verdict) => Some(format!("{verdict:?}")),
        Err(error) => Some(format!("SQLite refuses it: {error}")),
    }
}
