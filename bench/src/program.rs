//! The programs that are measured: built here, so that nothing old is.

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::NaiveDate;
use chrono_tz::Tz;
use domain::SystemClock;

use crate::options::{Kind, Options};
use crate::{Result, python, say};

/// What is measured is built as the benchmark itself is; only optimised programs tell anything.
pub(crate) const PROFILE: &str = if cfg!(debug_assertions) {
    "dev"
} else {
    "release"
};

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Programs {
    /// Where the databases go.
    pub(crate) scratch: PathBuf,
    pub(crate) products: PathBuf,
    pub(crate) today: NaiveDate,
    pub(crate) ours: PathBuf,
    pub(crate) peer: PathBuf,
    pub(crate) peer_env: Vec<(String, String)>,
    pub(crate) migration: PathBuf,
    pub(crate) limit: PathBuf,
    pub(crate) fixed: PathBuf,
    /// The Python of the original and the directory of its source.
    pub(crate) original: Option<(PathBuf, PathBuf)>,
}

impl Programs {
    pub(crate) fn build(options: &Options) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .ok_or("the workspace is gone")?;
        // This binary stands beside those that it builds.
        let binaries = std::env::current_exe()?
            .parent()
            .ok_or("the benchmark is in no directory")?
            .to_owned();
        if !options.no_build {
            // Apart, so that nothing that the benchmark asks of a dependency is built into the service.
            cargo(root, &["--package", "server", "--package", "migration"])?;
            cargo(root, &["--package", "bench", "--bins"])?;
        }
        let scratch = binaries.parent().unwrap_or(&binaries).join("bench");
        std::fs::create_dir_all(&scratch)?;
        let source = root.join("bench/original");
        let original = if options.servers.contains(&Kind::Original) {
            let python = python::environment(&options.python, &source, &scratch)?;
            Some((python, source))
        } else {
            None
        };
        let ours = binaries.join("medicine-tracker");
        Ok(Self {
            products: root.join("testdata/openfda_products.csv"),
            today: domain::today(&SystemClock, Tz::UTC),
            peer: options.peer_binary.clone().unwrap_or_else(|| ours.clone()),
            peer_env: options.peer_env.clone(),
            migration: binaries.join("migration"),
            limit: binaries.join("limit"),
            fixed: binaries.join("fixed"),
            ours,
            scratch,
            original,
        })
    }
}

fn cargo(root: &Path, what: &[&str]) -> Result<()> {
    say(&format!("building {}", what.join(" ")));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--quiet", "--profile", PROFILE])
        .args(what)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err("cargo could not build what is to be measured; it says above why".into())
    }
}
