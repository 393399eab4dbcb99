//! Writing a migration and making it known: all of it, or nothing.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::register;
use crate::cli::source::Source;

/// A migration that is written and registered.
pub(super) struct Written {
    pub(super) path: PathBuf,
    pub(super) lib: PathBuf,
}

/// Writes the file, brings it into shape, and registers it.
///
/// # Errors
///
/// A sentence; then nothing is left behind.
pub(super) fn write(
    source: &Source,
    name: &str,
    text: &str,
    hooks: &[String],
) -> Result<Written, String> {
    let (path, lib) = (source.path_of(name), source.lib());
    let old = fs::read_to_string(&lib)
        .map_err(|error| format!("{} cannot be read: {error}", lib.display()))?;
    let new = register::add(&old, name).map_err(|reason| format!("{}: {reason}", lib.display()))?;
    create(&path, text)
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    let done = shape(&path, hooks).and_then(|()| {
        replace(&lib, &new).map_err(|error| format!("{} cannot be written: {error}", lib.display()))
    });
    if let Err(reason) = done {
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(%error, path = %path.display(), "removing the new migration");
        }
        return Err(reason);
    }
    Ok(Written { path, lib })
}

/// The text as it would be written.
///
/// # Errors
///
/// A sentence, when rustfmt does not take it.
pub(super) fn formatted(text: &str) -> Result<String, String> {
    let directory = std::env::temp_dir().join(format!("revision-{}", std::process::id()));
    let path = directory.join("migration.rs");
    let read = (|| {
        fs::create_dir_all(&directory)?;
        fs::write(&path, text)
    })()
    .map_err(|error| format!("{} cannot be written: {error}", path.display()))
    .and_then(|()| shape(&path, &[]))
    .and_then(|()| fs::read_to_string(&path).map_err(|error| error.to_string()));
    if let Err(error) = fs::remove_dir_all(&directory) {
        tracing::debug!(%error, "removing a temporary directory");
    }
    read
}

/// Writes a file that is not there yet.
fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if written.is_err() {
        fs::remove_file(path)?;
    }
    written
}

/// Puts a file in the place of another, so that there is always a whole one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("rs.tmp");
    let written = (|| {
        let mut file = File::create(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(fs::metadata(path)?.permissions())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    })();
    if written.is_err() {
        // It is not there when it could not be created.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// rustfmt first, where there is one, and then whatever the project wants.
fn shape(path: &Path, hooks: &[String]) -> Result<(), String> {
    let mut rustfmt = Command::new("rustfmt");
    match rustfmt.args(["--edition", "2024"]).arg(path).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(format!("rustfmt cannot be started: {error}")),
        Ok(output) => succeeded("rustfmt", &output)?,
    }
    for hook in hooks.iter().filter(|hook| !hook.trim().is_empty()) {
        // A hook may bring arguments of its own.
        let mut shell = Command::new("sh");
        let output = shell
            .args(["-c", &format!("{hook} \"$1\""), "sh"])
            .arg(path)
            .output();
        let output = output.map_err(|error| format!("{hook} cannot be started: {error}"))?;
        succeeded(hook, &output)?;
    }
    Ok(())
}

fn succeeded(program: &str, output: &Output) -> Result<(), String> {
    if output.status.success() {
        return Ok(());
    }
    let said = [&output.stdout[..], &output.stderr].concat();
    Err(format!(
        "{program} does not take the new file ({}): {}",
        output.status,
        String::from_utf8_lossy(&said).trim()
    ))
}
