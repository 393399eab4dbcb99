//! Looking on while a command runs: what it waits for, how far it is, and what a signal may interrupt.

use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use super::answer::tell;
use crate::error::Error;
use crate::event::{Event, Observer};

/// How often the progress line is drawn.
const FRAME: Duration = Duration::from_millis(200);

/// What is known of a running command.
#[derive(Clone, Default)]
pub(super) struct Watch(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    /// Whether a COMMIT is on its way, so that nobody can say what to stop would mean.
    committing: bool,
    committed: Vec<String>,
    /// Done, but not committed.
    done: Vec<String>,
    /// What is running: its name, its place, how many there are, and since when.
    running: Option<(String, usize, usize, Instant)>,
    /// The lines of a dry run.
    script: Vec<String>,
}

impl Watch {
    /// Tells the watch, and whoever else looks on.
    pub(super) fn observer(&self, other: &Observer) -> Observer {
        let (watch, other) = (self.clone(), other.clone());
        Observer::new(move |event| {
            watch.see(event);
            other.notify(event);
        })
    }

    /// The statements of a dry run, as lines.
    pub(super) fn script(&self) -> Vec<String> {
        std::mem::take(&mut self.known().script)
    }

    /// Runs a command to its end. After SIGTERM or SIGINT it may take `grace` longer, and then its transaction is rolled back.
    pub(super) async fn run<T>(
        &self,
        command: impl Future<Output = Result<T, Error>>,
        grace: Duration,
    ) -> Result<T, Error> {
        let failed = |error: io::Error| Error::Refused {
            reason: format!("Signals cannot be listened for: {error}"),
            advice: "Try again.".to_owned(),
        };
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let _line = Line::draw(self.clone());
        tokio::pin!(command);
        let signal = tokio::select! {
            result = &mut command => return result,
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        let stopped = tokio::time::timeout(grace, &mut command).await;
        if let Ok(result) = stopped {
            return result;
        }
        if self.known().committing {
            // What a COMMIT has done is known only when it answers.
            return command.await;
        }
        let committed = self.known().committed.clone();
        let error = Error::Stopped { signal };
        Err(if committed.is_empty() {
            error
        } else {
            Error::Later {
                committed,
                error: Box::new(error),
            }
        })
    }

    fn see(&self, event: &Event<'_>) {
        let mut known = self.known();
        match event {
            Event::Waiting { holder, waited } => {
                let holder = holder.unwrap_or("another process");
                tell(&format!(
                    "Waiting for {holder}, {} s so far …\n",
                    waited.as_secs()
                ));
            }
            Event::Starting {
                migration,
                position,
                total,
                ..
            } => {
                let now = Instant::now();
                known.script.push(format!("-- {migration}"));
                known.running = Some(((*migration).to_owned(), *position, *total, now));
            }
            Event::Statement { sql, rows, elapsed } => {
                let rows = match rows {
                    None => String::new(),
                    Some(1) => "1 row, ".to_owned(),
                    Some(rows) => format!("{rows} rows, "),
                };
                known.script.push(format!("{sql};  -- {rows}{elapsed:.1?}"));
            }
            Event::Done(step) => {
                known.running = None;
                known.done.push(step.name.clone());
            }
            Event::Commit => known.committing = true,
            Event::Committed => {
                known.committing = false;
                let done = std::mem::take(&mut known.done);
                known.committed.extend(done);
            }
            _ => {}
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line on the terminal that says what is running; it is gone when the command is.
struct Line(Option<tokio::task::JoinHandle<()>>);

impl Line {
    fn draw(watch: Watch) -> Self {
        if !io::stderr().is_terminal() {
            return Self(None);
        }
        Self(Some(tokio::spawn(async move {
            let mut frames = tokio::time::interval(FRAME);
            loop {
                frames.tick().await;
                let line = match &watch.known().running {
                    Some((name, position, total, since)) => format!(
                        "\r\x1b[K[{position}/{total}] {name} {:.0} s",
                        since.elapsed().as_secs_f64()
                    ),
                    None => "\r\x1b[K".to_owned(),
                };
                tell(&line);
            }
        })))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
            tell("\r\x1b[K");
        }
    }
}
