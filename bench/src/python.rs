//! The virtual environment of the original: made once, and again when what it needs has changed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, say};

/// The Python of an environment that has everything which `requirements.txt` names.
pub(crate) fn environment(python: &Path, source: &Path, scratch: &Path) -> Result<PathBuf> {
    let requirements = source.join("requirements.txt");
    let wanted = std::fs::read(&requirements)?;
    let directory = scratch.join("venv");
    let (inside, installed) = (
        directory.join("bin/python"),
        directory.join("installed.txt"),
    );
    if std::fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(inside);
    }
    say("installing the packages of the original");
    run(Command::new(python)
        .args(["-m", "venv", "--clear"])
        .arg(&directory))?;
    run(Command::new(&inside)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ])
        .arg(&requirements))?;
    std::fs::write(installed, wanted)?;
    Ok(inside)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status();
    if status.as_ref().is_ok_and(std::process::ExitStatus::success) {
        return Ok(());
    }
    Err(format!(
        "the original needs Python 3.11 with venv and pip, and {command:?} failed. Nothing was measured. \
         Install them, name another Python with --python, or leave the original out: \
         --servers ours,limit,fixed"
    )
    .into())
}
