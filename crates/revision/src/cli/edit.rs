//! `edit`: a migration in the editor.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::Program;
use super::answer::{Answer, Failure};
use super::source::Source;
use crate::error::Error;
use crate::target::Target;

impl Program {
    pub(super) async fn edit(
        &self,
        target: &Target,
        directory: Option<&Path>,
    ) -> Result<Answer, Failure> {
        let refuse = |reason: String, advice: &str| {
            Failure::Engine(Error::Refused {
                reason,
                advice: advice.to_owned(),
            })
        };
        let source = Source::find(directory)?;
        let name = self.engine.locate(&self.url, target).await?;
        let name = name.ok_or_else(|| {
            refuse(
                "There is no migration before the first one.".to_owned(),
                "Name one.",
            )
        })?;
        let path = source.file_of(&name).ok_or_else(|| {
            refuse(
                format!("There is no file {}.", source.path_of(&name).display()),
                "Name the crate that has it: --migration-dir DIRECTORY",
            )
        })?;
        let editor = ["VISUAL", "EDITOR"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
            .unwrap_or_else(|| "vi".to_owned());
        // An editor may bring arguments of its own, as in `code --wait`.
        let status = Command::new("sh")
            .args(["-c", "exec $0 \"$1\"", &editor])
            .arg(&path)
            .status();
        match status {
            Ok(status) if status.success() => Ok(Answer::fine(
                format!("{}\n", path.display()),
                json!({"path": path}),
            )),
            Ok(status) => Err(refuse(
                format!("{editor} ended with {status}."),
                "Set EDITOR to the one you use.",
            )),
            Err(error) => Err(refuse(
                format!("{editor} cannot be started: {error}"),
                "Set EDITOR to the one you use.",
            )),
        }
    }
}
