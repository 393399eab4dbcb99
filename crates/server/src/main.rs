//! The bin `medicine-tracker`: `serve` (the default), `healthcheck`, `openapi`, `backup`, `restore`, `snapshots`,
//! `copy-from`, `doctor`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use domain::SystemClock;
use migration::Migrator;
use revision::Engine;
use server::config::{Config, DatabaseLocation};
use server::state::{App, Phase, Store};
use server::{backup, boot, copy_from, doctor, healthcheck, listener, logging, restore, router};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Keeps a household's drugs, and tells when each runs out and by when to order it.
///
/// It is configured by environment variables; .env.example lists them.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Migrate the database, then serve (the default)
    Serve,
    /// Ask the service on this machine whether it is ready; exit 0 if it is
    Healthcheck,
    /// Print the description of the API
    Openapi,
    /// Make one whole, checked file of the database, also while the service runs
    Backup {
        /// Where to; `-` is standard output, and without it the copy goes beside the database
        file: Option<PathBuf>,
    },
    /// Go back to an earlier state, also while the service runs; the present one is kept as a copy
    Restore {
        /// The number of a copy, a file, or `-` for standard input
        what: String,
    },
    /// List the copies beside the database
    Snapshots,
    /// Put everything in another database into the one of `DATABASE_URL`, which must be empty, as when going to
    /// PostgreSQL
    CopyFrom {
        /// Where it is, as `sqlite:///data/medicine.db`; the service on it must be stopped
        source: DatabaseLocation,
    },
    /// Say what is wrong with the service and its files, if anything is; changes nothing
    Doctor,
}

/// The configuration is wrong (`EX_CONFIG` of sysexits.h).
const EXIT_CONFIG: u8 = 78;

/// How long the whole stop may take: less than the 8 s that are promised.
const STOP: Duration = Duration::from_secs(7);
/// What of it the database has to close in any case: a request that nobody waits for any more may still hold a
/// connection.
const CLOSE_GRACE: Duration = Duration::from_secs(2);
/// How long a migration that runs may take to end once the service has been told to stop.
const MIGRATION_GRACE: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> ExitCode {
    let command = Cli::parse().command.unwrap_or(Command::Serve);
    if matches!(command, Command::Openapi) {
        let document = router::document()
            .to_pretty_json()
            .expect("the description is plain JSON");
        return say(std::io::stdout(), &document, ExitCode::SUCCESS);
    }
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(errors) => {
            return say(
                std::io::stderr(),
                &errors.to_string(),
                ExitCode::from(EXIT_CONFIG),
            );
        }
    };
    if matches!(command, Command::Healthcheck) {
        return match healthcheck::check(&config).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => say(std::io::stderr(), &error.to_string(), ExitCode::FAILURE),
        };
    }
    if !matches!(command, Command::Serve) {
        return one_task(&config, command).await;
    }
    logging::init(&config.log);
    let code = match serve(config).await {
        Ok(()) => 0,
        Err(error) => {
            tracing::error!("{error}");
            1
        }
    };
    // A connection that is still open must not be closed by unwinding: that would write.
    std::process::exit(code)
}

/// Does what was asked for, says what came of it and exits.
async fn one_task(config: &Config, command: Command) -> ExitCode {
    let result = match command {
        Command::Backup { file } => backup::backup(config, file.as_deref()).await,
        Command::Restore { what } => restore::restore(config, &what, &SystemClock).await,
        Command::Snapshots => backup::snapshots(config).await,
        Command::CopyFrom { source } => copy_from::copy_from(config, &source).await,
        _ => doctor::examine(config, Engine::new::<Migrator>().names()).await,
    };
    match result {
        Ok(text) if text.is_empty() => ExitCode::SUCCESS,
        Ok(text) => say(std::io::stdout(), &text, ExitCode::SUCCESS),
        Err(trouble) => {
            let text = format!("{}  {}\n{}", trouble.code, trouble.title, trouble.detail);
            say(std::io::stderr(), &text, ExitCode::FAILURE)
        }
    }
}

async fn serve(config: Config) -> Result<(), String> {
    let stop = stop_signal().map_err(|error| format!("signals cannot be received: {error}"))?;
    let address = SocketAddr::new(config.host, config.port);
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("HOST and PORT: cannot listen on {address}: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    tracing::info!(
        %address,
        version = env!("CARGO_PKG_VERSION"),
        database = ?config.database,
        time_zone = %config.time_zone,
        "listening"
    );

    let (phase, phases) = watch::channel(Phase::Starting);
    let mut boot = tokio::spawn(boot::bring_up(config, Arc::new(SystemClock), phase));
    let told = Arc::new(OnceLock::new());
    let stop = {
        let told = Arc::clone(&told);
        async move {
            stop.await;
            told.get_or_init(Instant::now);
        }
    };
    let serving = listener::serve(listener, router::service(App::new(phases.clone())), stop);
    tokio::select! {
        () = serving => {}
        // Other files have taken the place of those that are open.
        ended = &mut boot => {
            ended.map_err(|error| error.to_string())?;
            return Err(begin_anew(address));
        }
    }

    if !matches!(&*phases.borrow(), Phase::Serving(_))
        && tokio::time::timeout(MIGRATION_GRACE, &mut boot)
            .await
            .is_ok()
    {
        tracing::info!("stopped");
        return Ok(());
    }
    // What is not committed is rolled back with the connection.
    boot.abort();
    let phase = phases.borrow().clone();
    if let Phase::Serving(store) = phase {
        // What is not committed is rolled back, and what is committed is on disk already.
        let left = STOP.saturating_sub(told.get_or_init(Instant::now).elapsed());
        if tokio::time::timeout(left.max(CLOSE_GRACE), close(store))
            .await
            .is_err()
        {
            tracing::warn!("the database was busy and is left to its log");
        }
    }
    tracing::info!("stopped");
    Ok(())
}

/// Closes the database, unless closing would write where it must not.
async fn close(store: Store) {
    let Some(volume) = &store.volume else {
        if let Err(error) = store.database.close().await {
            tracing::warn!(%error, "the database was not closed cleanly");
        }
        return;
    };
    if !volume.end().await {
        return;
    }
    let closed = match volume.close().await {
        Ok(()) => store
            .database
            .close()
            .await
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match closed {
        Ok(()) => volume.ended(),
        Err(error) => tracing::warn!(error, "the database was not closed cleanly"),
    }
}

/// Replaces this process by a new one at the same address; the system closes the old files without writing.
///
/// Comes back only if that fails, and says why.
fn begin_anew(address: SocketAddr) -> String {
    use std::os::unix::process::CommandExt as _;
    tracing::info!("beginning anew on the new files");
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return format!("the program cannot be started again: {error}"),
    };
    let error = std::process::Command::new(program)
        .args(std::env::args_os().skip(1))
        .env("PORT", address.port().to_string())
        .exec();
    format!("the program cannot be started again: {error}")
}

/// Done when the process is told to stop.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Prints to a stream and exits; where nobody reads there is nobody to tell.
fn say(mut stream: impl Write, text: &str, code: ExitCode) -> ExitCode {
    match writeln!(stream, "{text}") {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}
