//! A throw-away database of either kind, and what a test wants to know about it.

mod cluster;
pub(crate) mod compile;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use revision::{Engine, Options};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};
use sea_orm_migration::MigratorTrait;
use tempfile::TempDir;

pub(crate) use cluster::postgres;

/// A SQLite file that does not exist yet, in a directory of its own.
pub(crate) struct SqliteFile {
    directory: TempDir,
}

impl SqliteFile {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("notes.db")
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }

    /// Everything that lies in the directory, with its bytes.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let entries = fs::read_dir(self.directory.path()).expect("the directory is there");
        let mut files: Vec<_> = entries
            .map(|entry| {
                let entry = entry.expect("an entry");
                (
                    entry.file_name().to_string_lossy().into_owned(),
                    fs::read(entry.path()).unwrap_or_default(),
                )
            })
            .collect();
        files.sort();
        files
    }

    pub(crate) async fn at<M: MigratorTrait>(self) -> Self {
        Engine::new::<M>()
            .upgrade(&self.url(), &revision::Target::Head, &impatient())
            .await
            .expect("the fixture migrates");
        self
    }
}

/// The URL of a database whose role may create no other one.
pub(crate) async fn confined() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let role = format!("confined_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let url = postgres().await;
    execute(&url, &format!("CREATE ROLE {role} LOGIN")).await;
    let name = url.trim_start_matches("postgres:///");
    let name = name.split('?').next().unwrap_or(name);
    execute(&url, &format!("GRANT CREATE ON DATABASE {name} TO {role}")).await;
    url.replace("user=postgres", &format!("user={role}"))
}

/// The URL of a copy of another PostgreSQL database, to which nobody may be connected.
pub(crate) async fn postgres_like(url: &str) -> String {
    let name = url.trim_start_matches("postgres:///");
    cluster::create(name.split('?').next().unwrap_or(name)).await
}

/// Options of a test that does not want to wait long for a lock that nobody gives up.
pub(crate) fn impatient() -> Options {
    Options {
        lock_timeout: Duration::from_secs(20),
        allow_data_loss: true,
        ..Options::default()
    }
}

pub(crate) async fn open(url: &str) -> DatabaseConnection {
    Database::connect(url).await.expect("the database opens")
}

pub(crate) async fn execute(url: &str, sql: &str) {
    let connection = open(url).await;
    connection.execute_unprepared(sql).await.expect(sql);
    connection.close().await.expect("the database closes");
}

/// The first column of every row, as text.
pub(crate) async fn select(url: &str, sql: &str) -> Vec<String> {
    let connection = open(url).await;
    let backend = connection.get_database_backend();
    let rows = connection
        .query_all_raw(Statement::from_string(backend, sql))
        .await
        .expect(sql);
    connection.close().await.expect("the database closes");
    rows.iter()
        .map(|row| row.try_get_by_index(0).expect("text"))
        .collect()
}

/// The whole of a SQLite database as text: every object of the schema, every row of every table.
pub(crate) async fn dump(url: &str) -> String {
    let connection = open(url).await;
    let all = async |sql: String| -> Vec<String> {
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        let rows = connection
            .query_all_raw(statement)
            .await
            .expect("the dump reads");
        rows.iter()
            .map(|row| row.try_get_by_index(0).expect("text"))
            .collect()
    };
    let mut lines =
        all("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY type, name".to_owned()).await;
    for table in
        all("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name".to_owned()).await
    {
        let columns = all(format!(
            "SELECT 'quote(\"' || name || '\")' FROM pragma_table_xinfo('{table}')"
        ))
        .await;
        let row = columns.join(" || ',' || ");
        let rows = all(format!(
            "SELECT '{table}: ' || {row} FROM \"{table}\" ORDER BY 1"
        ))
        .await;
        lines.extend(rows);
    }
    connection.close().await.expect("the database closes");
    lines.join("\n")
}

/// Whether the long form of the tests is asked for: `REVISION_FULL=1`.
pub(crate) fn is_full_form() -> bool {
    std::env::var("REVISION_FULL").is_ok_and(|value| value == "1")
}

/// Everything in a database, as text: its schema and all rows, but for the time at which a migration was applied.
pub(crate) async fn picture(url: &str) -> String {
    let connection = open(url).await;
    let schema = revision::schema::read(&connection, &[])
        .await
        .expect("the schema can be read");
    let mut lines = vec![format!("{schema:#?}")];
    let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    for table in schema.tables.values() {
        let columns = table.columns.iter().map(|column| column.name.as_str());
        let columns: Vec<String> = columns
            .filter(|column| *column != "applied_at")
            .map(|column| format!("coalesce(CAST({} AS text), 'NULL')", quote(column)))
            .collect();
        let row = columns.join(" || ',' || ");
        let sql = format!("SELECT {row} FROM {} ORDER BY 1", quote(&table.name));
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        for row in connection.query_all_raw(statement).await.expect("rows") {
            let row: String = row.try_get_by_index(0).expect("text");
            lines.push(format!("{}: {row}", table.name));
        }
    }
    connection.close().await.expect("the database closes");
    lines.join("\n")
}

/// The notebook's command line on a database.
pub(crate) fn notebook(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notebook"));
    command
        .env_remove("NOTEBOOK")
        .env_remove("NOTEBOOK_DIE_AT")
        .env_remove("NOTEBOOK_ENGINE")
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("MIGRATION_DIR")
        .env("REVISION_PROGRAM", "migration");
    command.env("DATABASE_URL", url).args(arguments);
    command
}

pub(crate) fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
