//! `revision`: a new, empty migration, written and registered.

mod name;
mod register;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::Program;
use super::answer::{Answer, Failure};
use super::source::Source;
use crate::error::Error;
use crate::render::{self, Migration};

impl Program {
    pub(super) fn revision(
        &self,
        message: &str,
        rev_id: Option<&str>,
        directory: Option<&Path>,
    ) -> Result<Answer, Failure> {
        let source = Source::find(directory)?;
        let names = self.engine.names();
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = match rev_id {
            Some(id) => name::with_id(id, &message, names)?,
            None => name::with_time(now(), &message, names)?,
        };
        let path = source.path_of(&name);
        let refuse = |reason: String| {
            Failure::Engine(Error::Refused {
                reason,
                advice: "Put that right and run the command again.".to_owned(),
            })
        };
        let lib = source.lib();
        let old = fs::read_to_string(&lib)
            .map_err(|error| refuse(format!("{} cannot be read: {error}", lib.display())))?;
        let new = register::add(&old, &name)
            .map_err(|reason| refuse(format!("{}: {reason}", lib.display())))?;

        let text = render::migration(&Migration {
            message: &message,
            revises: names.last().map(String::as_str),
            up: &[],
            down: &[],
            notes: &[],
        });
        create(&path, &text)
            .map_err(|error| refuse(format!("{} cannot be written: {error}", path.display())))?;
        let done = format(&path).and_then(|()| {
            replace(&lib, &new)
                .map_err(|error| format!("{} cannot be written: {error}", lib.display()))
        });
        if let Err(reason) = done {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(%error, path = %path.display(), "removing the new migration");
            }
            return Err(refuse(reason));
        }
        Ok(Answer::fine(
            format!("{}\nRegistered in {}.\n", path.display(), lib.display()),
            json!({"revision": name, "path": path, "registered_in": lib}),
        ))
    }
}

/// In seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the name of a new migration is the one thing here that is about today"
)]
fn now() -> i64 {
    chrono::Utc::now().timestamp()
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

/// The template is as rustfmt writes it, unless the project has rules of its own.
fn format(path: &Path) -> Result<(), String> {
    match Command::new("rustfmt")
        .args(["--edition", "2024"])
        .arg(path)
        .output()
    {
        Ok(output) if !output.status.success() => Err(format!(
            "rustfmt does not take the new file: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("rustfmt cannot be started: {error}"))
        }
        _ => Ok(()),
    }
}
