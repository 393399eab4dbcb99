//! One throw-away PostgreSQL server for the whole test run, and one database in it for each test.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::execute;

/// Makes a cluster that answers on a socket in its own directory only, says where, and takes it away when standard
/// input ends: that is when the test process ends, however it does.
const SCRIPT: &str = r#"
set -e
dir=$(mktemp -d)
trap '"$0/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1; rm -rf "$dir"' EXIT
"$0/initdb" -D "$dir/data" -U postgres -A trust -N >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
options="-c listen_addresses= -c unix_socket_directories=$dir -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
"$0/pg_ctl" -D "$dir/data" -o "$options" -l "$dir/log" -w start >/dev/null || { cat "$dir/log" >&2; exit 1; }
echo "$dir"
cat >/dev/null
"#;

struct Cluster {
    directory: String,
    /// Keeps the script's standard input open.
    _script: Child,
}

/// The URL of a new, empty database.
pub(crate) async fn postgres() -> String {
    create("template1").await
}

/// The URL of a new copy of another database of this server.
pub(crate) async fn create(template: &str) -> String {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let directory = &CLUSTER.get_or_init(start).directory;
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let url = |database: &str| format!("postgres:///{database}?host={directory}&user=postgres");
    let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
    execute(&url("postgres"), &sql).await;
    url(&name)
}

fn start() -> Cluster {
    let programs = programs();
    // The server refuses to run as root.
    let mut command = if rustix::process::getuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "sh",
        ]);
        command.env("HOME", "/tmp");
        command
    } else {
        Command::new("sh")
    };
    let mut script = command
        .args(["-c", SCRIPT])
        .arg(&programs)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh and setpriv are there");
    let mut directory = String::new();
    let output = script.stdout.take().expect("standard output is a pipe");
    BufReader::new(output)
        .read_line(&mut directory)
        .expect("the script can be read");
    let directory = directory.trim().to_owned();
    assert!(
        !directory.is_empty(),
        "PostgreSQL did not start; what it said is above"
    );
    Cluster {
        directory,
        _script: script,
    }
}

fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let programs = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    let newest = programs
        .filter(|programs| programs.join("initdb").exists())
        .max();
    newest.expect("these tests need a PostgreSQL server: apt-get install -y postgresql")
}
