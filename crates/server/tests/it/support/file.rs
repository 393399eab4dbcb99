//! A SQLite file seen from outside: read and written behind the service's back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use migration::Migrator;
use revision::{Engine, Options, Target};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;

/// What SQLite may have put beside a database.
const COMPANIONS: [&str; 3] = ["", "-wal", "-shm"];

pub(crate) fn url(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

/// Brings a file, which need not be there, to a target.
pub(crate) async fn upgrade(file: &Path, target: &str) {
    let Ok(target) = target.parse::<Target>();
    Engine::new::<Migrator>()
        .upgrade(&url(file), &target, &Options::default())
        .await
        .expect("the database migrates");
}

/// The first column of every row, as text.
pub(crate) async fn select(file: &Path, sql: &str) -> Vec<String> {
    let mut connection = open(file).await;
    let rows = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(&mut connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.expect("the connection closes");
    rows
}

pub(crate) async fn execute(file: &Path, sql: &str) {
    let mut connection = open(file).await;
    sqlx::query(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.expect("the connection closes");
}

async fn open(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(file)
        .connect()
        .await
        .expect("the database opens")
}

/// Schema and recorded revisions, as text.
pub(crate) async fn schema(file: &Path) -> Vec<String> {
    let mut lines = select(
        file,
        "SELECT concat_ws(' ', type, name, tbl_name, sql) FROM sqlite_schema ORDER BY type, name",
    )
    .await;
    if lines.iter().any(|line| line.contains("seaql_migrations")) {
        lines.extend(
            select(
                file,
                "SELECT version FROM seaql_migrations ORDER BY version",
            )
            .await,
        );
    }
    lines
}

/// A copy of a database and of what is beside it, so that looking at it changes nothing.
pub(crate) fn copy(file: &Path) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let name = file.file_name().expect("a file has a name");
    let to = directory.path().join(name);
    copy_to(file, &to);
    (directory, to)
}

/// Puts a database, with what is beside it, at another place.
pub(crate) fn copy_to(file: &Path, to: &Path) {
    for companion in &COMPANIONS[..2] {
        // The shared memory is made anew by whoever opens the copy.
        let from = beside(file, companion);
        if from.exists() {
            std::fs::copy(from, beside(to, companion)).expect("the file can be copied");
        }
    }
}

/// Every byte of a database and of what is beside it, but for the empty file that a service locks.
pub(crate) fn bytes(file: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let directory = file.parent().expect("a file is in a directory");
    let entries = std::fs::read_dir(directory).expect("the directory can be read");
    let files = entries.map(|entry| {
        let path = entry.expect("the directory can be read").path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        (path, bytes)
    });
    files
        .filter(|(path, _)| path.extension().is_none_or(|it| it != "db-lock"))
        .collect()
}

fn beside(file: &Path, companion: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(companion);
    PathBuf::from(name)
}
