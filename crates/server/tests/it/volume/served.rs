//! A service on a volume of its own, with one writer, and the subcommands beside it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;

use super::script::{Script, state};
use crate::support::file::url;
use crate::support::process::{Client, Process, service};

/// What the writer is called.
pub(super) const WRITER: &str = "writer";

pub(super) struct Served {
    pub(super) directory: TempDir,
    pub(super) process: Process,
    pub(super) client: Client,
    pub(super) script: Script,
}

/// What a subcommand has said, and how it ended.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: Option<i32>,
    /// On standard output.
    pub(super) printed: Vec<u8>,
    /// On standard error.
    pub(super) complaint: String,
}

impl Served {
    /// A service that has acknowledged so many writes.
    pub(super) async fn after(writes: u64) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut process = Process::start(&url(&directory.path().join("medicine.db")));
        let mut client = process.ready().await;
        let mut script = Script::begin(WRITER, &mut client).await;
        script.steps(&mut client, writes).await;
        Self {
            directory,
            process,
            client,
            script,
        }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.directory.path().join("medicine.db")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// More writes.
    pub(super) async fn write(&mut self, writes: u64) {
        self.script.steps(&mut self.client, writes).await;
    }

    /// How many writes the file holds.
    pub(super) async fn state(&self) -> Result<u64, String> {
        state(&self.file(), WRITER).await
    }

    /// Starts the service again, once it has ended.
    pub(super) fn start(&mut self) {
        self.process = Process::start(&url(&self.file()));
    }

    /// Waits until it serves.
    pub(super) async fn ready(&mut self) {
        self.client = self.process.ready().await;
    }

    /// Runs a subcommand beside the service, with a file on its standard input where there is one.
    pub(super) fn ask(&self, arguments: &[&str], input: Option<&Path>) -> Said {
        let mut command = service(&url(&self.file()));
        command
            .env("PORT", self.process.address().port().to_string())
            .args(arguments)
            .stdin(input.map_or_else(Stdio::null, |path| {
                std::fs::File::open(path).expect("it is there").into()
            }));
        let output = command.output().expect("the program is there");
        Said {
            code: output.status.code(),
            printed: output.stdout,
            complaint: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs one that must do what it is told; answers what it prints.
    pub(super) fn told(&self, arguments: &[&str]) -> String {
        let said = self.ask(arguments, None);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        String::from_utf8(said.printed).expect("it is text")
    }
}

/// A path as it is typed.
pub(super) fn typed(path: &Path) -> &str {
    path.to_str().expect("the tests name their files so")
}
