//! The crate that the migrations are written in.

use std::path::{Path, PathBuf};

use super::answer::Failure;
use crate::error::Error;

/// A directory with `src/lib.rs` in it.
pub(super) struct Source {
    src: PathBuf,
}

impl Source {
    /// The one that is asked for; else that of the program that Cargo runs; else `migration`, or where we are.
    pub(super) fn find(asked: Option<&Path>) -> Result<Self, Failure> {
        let by_cargo = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let candidates = match asked {
            Some(asked) => vec![asked.to_owned()],
            None => by_cargo
                .into_iter()
                .chain(["migration".into(), ".".into()])
                .collect(),
        };
        let mut candidates = candidates
            .into_iter()
            .map(|directory| directory.join("src"));
        match candidates.find(|src| src.join("lib.rs").is_file()) {
            Some(src) => Ok(Self { src }),
            None => Err(Failure::Engine(Error::Refused {
                reason: "The source of the migrations is not here.".to_owned(),
                advice:
                    "Run it where they are written, or name that crate: --migration-dir DIRECTORY"
                        .to_owned(),
            })),
        }
    }

    pub(super) fn lib(&self) -> PathBuf {
        self.src.join("lib.rs")
    }

    /// Where a migration of this name is, or would be.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.src.join(format!("{name}.rs"))
    }

    pub(super) fn file_of(&self, name: &str) -> Option<PathBuf> {
        let path = self.path_of(name);
        path.is_file().then_some(path)
    }
}
