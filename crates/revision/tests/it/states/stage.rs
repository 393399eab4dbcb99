//! A database in some state, and the notebook's command line on it, with what varies from run to run taken out.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use revision::{Engine, Target};
use sea_orm::{
    ConnectionTrait as _, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
};
use sea_orm_migration::MigratorTrait;

use crate::support::{
    SqliteFile, execute, impatient, notebook, picture, postgres, postgres_like, text,
};

pub(crate) struct Stage {
    pub(crate) url: String,
    pub(crate) program: &'static str,
    file: Option<SqliteFile>,
    /// Whether the commands are run by somebody who may not read the file.
    is_stranger: bool,
}

impl Stage {
    pub(crate) fn sqlite() -> Self {
        let file = SqliteFile::new();
        Self {
            url: file.url(),
            program: "full",
            file: Some(file),
            is_stranger: false,
        }
    }

    pub(crate) async fn postgres() -> Self {
        Self {
            url: postgres().await,
            program: "full",
            file: None,
            is_stranger: false,
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self.file {
            Some(_) => "sqlite",
            None => "postgres",
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.file.as_ref().expect("it is a file").path()
    }

    pub(crate) async fn at<M: MigratorTrait>(&self) {
        Engine::new::<M>()
            .upgrade(&self.url, &Target::Head, &impatient())
            .await
            .expect("the fixture migrates");
    }

    pub(crate) async fn copy(&self) -> Self {
        let (url, file) = match &self.file {
            Some(file) => {
                let copy = SqliteFile::new();
                if file.path().exists() {
                    fs::copy(file.path(), copy.path()).expect("the file is copied");
                }
                (copy.url(), Some(copy))
            }
            None => (postgres_like(&self.url).await, None),
        };
        Self {
            url,
            file,
            program: self.program,
            is_stranger: self.is_stranger,
        }
    }

    pub(crate) async fn picture(&self) -> String {
        match &self.file {
            Some(file) if !file.path().exists() => "no file".to_owned(),
            _ => picture(&self.url).await,
        }
    }

    /// The command as it was typed, its exit code, and what it said.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let mut command = notebook(&self.url, arguments);
        if self.is_stranger {
            command = self.by_a_stranger(&command);
        }
        let output = command
            .env("NOTEBOOK", self.program)
            .output()
            .expect("the notebook runs");
        let code = output.status.code().expect("it is not killed");
        let said = self.without_what_varies(&text(&output));
        format!("$ migration {}\n[{code}]\n{said}\n", arguments.join(" "))
    }

    fn without_what_varies(&self, said: &str) -> String {
        let said = match &self.file {
            Some(file) => said.replace(&file.path().display().to_string(), "notes.db"),
            None => said.to_owned(),
        };
        let mut lines: Vec<String> = Vec::new();
        for line in said.lines() {
            let line = between(line, "locked by ", "; waited", "somebody");
            let line = between(&line, "; waited ", " s for it", "0.0");
            let line = between(&line, "Waiting for ", ", ", "somebody");
            let line = between(&line, "applied: ", "UTC", "a time ");
            let is_step = line.starts_with("+ ") || line.starts_with("- ");
            let line = match line.find(" (") {
                Some(at) if is_step && !line.contains("written down") => line[..at].to_owned(),
                _ => line,
            };
            lines.push(line);
        }
        lines.join("\n") + "\n"
    }

    /// What marks the connection that holds a lock.
    pub(crate) fn guest_of_a_lock(&self) -> &'static str {
        match self.file {
            Some(_) => "",
            None => "&application_name=somebody",
        }
    }

    pub(crate) async fn lock(&self, transaction: &DatabaseTransaction) {
        if self.file.is_none() {
            let lock = "SELECT pg_advisory_lock(x'72657669'::int, hashtext(current_database() || '.' || current_schema()))";
            transaction.execute_unprepared(lock).await.expect("a lock");
        }
    }

    /// From now on the commands are run by somebody to whom the database does not belong.
    pub(crate) async fn become_a_stranger(&mut self) {
        let Some(file) = &self.file else {
            // A role belongs to the whole server, and may be there already.
            let sql = "DO $$ BEGIN CREATE ROLE stranger LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$";
            execute(&self.url, sql).await;
            self.url = self.url.replace("user=postgres", "user=stranger");
            return;
        };
        let path = file.path();
        let directory = path.parent().expect("it is in a directory");
        fs::copy(env!("CARGO_BIN_EXE_notebook"), directory.join("notebook")).expect("a copy");
        let mode = |path: &std::path::Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
        };
        mode(directory, 0o755);
        // Root may read everything; somebody else may not read what is nobody's.
        mode(&path, if is_root() { 0o600 } else { 0o000 });
        self.is_stranger = true;
    }

    fn by_a_stranger(&self, command: &Command) -> Command {
        let program = self.path().with_file_name("notebook");
        let mut stranger = if is_root() {
            let mut stranger = Command::new("setpriv");
            stranger.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
            stranger.arg(program);
            stranger
        } else {
            Command::new(program)
        };
        stranger.args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => stranger.env(name, value),
                None => stranger.env_remove(name),
            };
        }
        stranger
    }
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// A transaction that holds SQLite's one write lock from its beginning; PostgreSQL has no such thing.
pub(crate) fn immediate() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}

fn between(line: &str, start: &str, end: &str, with: &str) -> String {
    let Some((before, rest)) = line.split_once(start) else {
        return line.to_owned();
    };
    match rest.split_once(end) {
        Some((_, after)) => format!("{before}{start}{with}{end}{after}"),
        None => line.to_owned(),
    }
}
