//! The same tables and as many revisions as a project of Alembic.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::program::{CHANGED, TABLES, is_rebuilt, name_chars, parent, table_name};

/// Installs the Alembic that it compares, and says with which interpreter to start it.
const INSTALLER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/compare-alembic");

/// A project as `alembic init` makes it, with a database that is up to date, and models that are ahead of it.
pub(crate) struct Alembic {
    python: PathBuf,
    directory: PathBuf,
}

impl Alembic {
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        let python = match std::env::var_os("ALEMBIC_PYTHON") {
            Some(python) => python.into(),
            None => install(directory)?,
        };
        let directory = directory.join("project");
        fs::create_dir(&directory)?;
        let project = Self { python, directory };
        project.run(&["init", "migrations"])?;
        project.replace(
            "alembic.ini",
            &[("driver://user:pass@localhost/dbname", "sqlite:///data.db")],
        )?;
        project.replace(
            "migrations/env.py",
            &[
                (
                    "target_metadata = None",
                    "import models\ntarget_metadata = models.metadata",
                ),
                (
                    "connection=connection, target",
                    "connection=connection, render_as_batch=True, target",
                ),
            ],
        )?;
        let mut models = "from sqlalchemy import *\n\nmetadata = MetaData()\n".to_owned();
        for table in 0..TABLES {
            models.push_str(&model(table));
        }
        fs::write(project.directory.join("models.py"), models)?;
        let (mut number, mut parent) = (0, "None".to_owned());
        for changes in [create, add_columns, index, alter] {
            for table in 0..TABLES {
                let text = revision(number, &parent, &changes(table));
                parent = format!("\"r{number:03}\"");
                let file = format!("migrations/versions/r{number:03}_change.py");
                fs::write(project.directory.join(file), text)?;
                number += 1;
            }
        }
        project.run(&["upgrade", "head"])?;
        Ok(project)
    }

    /// How long `alembic revision --autogenerate` takes; the file that it writes is taken away again.
    pub(crate) fn autogenerate(&self) -> io::Result<Duration> {
        let started = Instant::now();
        let output = self.run(&[
            "revision",
            "--autogenerate",
            "--rev-id",
            "found",
            "-m",
            "found",
        ])?;
        let elapsed = started.elapsed();
        fs::remove_file(self.directory.join("migrations/versions/found_found.py"))?;
        let errors = String::from_utf8_lossy(&output.stderr);
        let found: Vec<&str> = errors
            .lines()
            .filter(|line| line.contains("Detected"))
            .collect();
        let table = table_name(CHANGED);
        match found[..] {
            [one] if one.contains("Detected type change") && one.contains(&table) => Ok(elapsed),
            _ => Err(io::Error::other(format!("Alembic finds {found:?}"))),
        }
    }

    fn run(&self, words: &[&str]) -> io::Result<Output> {
        let mut command = Command::new(&self.python);
        let command = command.args(["-m", "alembic"]).args(words);
        succeed(command.current_dir(&self.directory))
    }

    fn replace(&self, file: &str, changes: &[(&str, &str)]) -> io::Result<()> {
        let path = self.directory.join(file);
        let mut text = fs::read_to_string(&path)?;
        for (before, after) in changes {
            if !text.contains(before) {
                let reason = format!("{file} of alembic init does not have {before:?} any more");
                return Err(io::Error::other(reason));
            }
            text = text.replace(before, after);
        }
        fs::write(path, text)
    }
}

fn install(directory: &Path) -> io::Result<PathBuf> {
    let mut command = Command::new(INSTALLER);
    let output = succeed(command.arg("--install").arg(directory))?;
    let python = String::from_utf8_lossy(&output.stdout);
    Ok(PathBuf::from(python.trim()))
}

fn succeed(command: &mut Command) -> io::Result<Output> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(output);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{command:?} fails: {errors}")))
}

/// A table as the models declare it.
fn model(table: usize) -> String {
    let name = table_name(table);
    let last = if is_rebuilt(table) {
        r#"Column("stock", Integer, nullable=False)"#.to_owned()
    } else {
        format!(r#"Column("stock", Integer), {DONE}"#)
    };
    format!(
        "Table(\"{name}\", metadata, {}, Column(\"note\", Text), {last}, Index(\"idx-{name}-name\", \"name\"))\n",
        columns(table, 20)
    )
}

const DONE: &str = r#"Column("done", Boolean, nullable=False, server_default=false())"#;

/// The columns that a table has from the beginning.
fn columns(table: usize, name_chars: u32) -> String {
    let mut columns = format!(
        "Column(\"id\", Integer, primary_key=True), Column(\"name\", String({name_chars}), nullable=False), \
         Column(\"position\", Integer, nullable=False), Column(\"created_at\", DateTime(timezone=True), nullable=False)"
    );
    if let Some(parent) = parent(table) {
        let key = format!(
            "ForeignKey(\"{}.id\", ondelete=\"CASCADE\")",
            table_name(parent)
        );
        write!(
            columns,
            ", Column(\"parent_id\", Integer, {key}, nullable=False)"
        )
        .expect("writing to a String does not fail");
    }
    columns
}

fn revision(number: usize, parent: &str, change: &str) -> String {
    format!(
        "from alembic import op\nfrom sqlalchemy import *\n\nrevision = \"r{number:03}\"\ndown_revision = {parent}\n\n\n\
         def upgrade():\n    {change}\n\n\ndef downgrade():\n    raise NotImplementedError\n"
    )
}

fn create(table: usize) -> String {
    let columns = columns(table, name_chars(table));
    format!("op.create_table(\"{}\", {columns})", table_name(table))
}

fn add_columns(table: usize) -> String {
    in_batch(
        table,
        "batch.add_column(Column(\"note\", Text)); batch.add_column(Column(\"stock\", Integer))",
    )
}

fn index(table: usize) -> String {
    let name = table_name(table);
    format!("op.create_index(\"idx-{name}-name\", \"{name}\", [\"name\"])")
}

fn alter(table: usize) -> String {
    if is_rebuilt(table) {
        let change = r#"batch.alter_column("stock", existing_type=Integer, nullable=False)"#;
        in_batch(table, change)
    } else {
        in_batch(table, &format!("batch.add_column({DONE})"))
    }
}

fn in_batch(table: usize, changes: &str) -> String {
    let table = table_name(table);
    format!("with op.batch_alter_table(\"{table}\") as batch: {changes}")
}
