//! A server as a process: started, awaited, stopped.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::options::Kind;
use crate::program::Programs;
use crate::{Result, http};

/// What could be set where the benchmark is typed, and would make a server another one.
const FOREIGN: [&str; 5] = [
    "AUTO_MIGRATE",
    "DATABASE_URL_FILE",
    "HOST",
    "LOG_FORMAT",
    "RUST_LOG",
];
/// How long a server may take until it answers; a large file is looked through first.
const PATIENCE: Duration = Duration::from_mins(3);
const PAUSE: Duration = Duration::from_micros(500);

/// A server that answers.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) port: u16,
    /// From the start of the process to its first answer that it is ready.
    pub(crate) started_in: Duration,
    child: Child,
}

impl Server {
    /// Starts a server over a database, or `fixed` with the sizes of its bodies.
    pub(crate) fn start(
        kind: Kind,
        programs: &Programs,
        database: &Path,
        sizes: &[usize],
    ) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = command(kind, programs, database, sizes, port)?;
        // A day begins at the same moment for all.
        command.env("TZ", "UTC");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let begun = Instant::now();
        let child = command
            .spawn()
            .map_err(|error| format!("{command:?} could not be started: {error}"))?;
        let mut server = Self {
            kind,
            port,
            started_in: Duration::ZERO,
            child,
        };
        while !http::is_ready(port) {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("{command:?} ended before it was ready: {status}").into());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("{command:?} was not ready after {PATIENCE:?}").into());
            }
            std::thread::sleep(PAUSE);
        }
        server.started_in = begun.elapsed();
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to stop and waits until it has, so that it leaves a whole file.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM)?;
        }
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has been stopped is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(
    kind: Kind,
    programs: &Programs,
    database: &Path,
    sizes: &[usize],
    port: u16,
) -> Result<Command> {
    let port = port.to_string();
    let service = |binary: &Path, variables: &[(String, String)]| {
        let mut command = Command::new(binary);
        for name in FOREIGN {
            command.env_remove(name);
        }
        command
            .env("DATABASE_URL", format!("sqlite://{}", database.display()))
            .env("PORT", &port)
            .envs(variables.iter().map(|(name, value)| (name, value)));
        command
    };
    Ok(match kind {
        Kind::Ours => service(&programs.ours, &[]),
        Kind::Peer => service(&programs.peer, &programs.peer_env),
        Kind::Limit | Kind::LimitPlain => {
            let mut command = Command::new(&programs.limit);
            command.args(["--port", &port, "--database"]).arg(database);
            if kind == Kind::LimitPlain {
                command.arg("--no-group-commit");
            }
            command
        }
        Kind::Fixed => {
            let sizes: Vec<_> = sizes.iter().map(usize::to_string).collect();
            let mut command = Command::new(&programs.fixed);
            command.args(["--port", &port, "--sizes", &sizes.join(",")]);
            command
        }
        Kind::Original => {
            let (python, source) = programs.original.as_ref().ok_or("there is no original")?;
            let mut command = Command::new(python);
            command
                .current_dir(source)
                .env("DATABASE", database)
                // Compiled once, as where it is installed, and not into the working tree.
                .env("PYTHONPYCACHEPREFIX", programs.scratch.join("pycache"))
                .args([
                    "-m",
                    "uvicorn",
                    "main:app",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    &port,
                ]);
            command
        }
    })
}
