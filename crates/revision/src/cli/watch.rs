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
    running: Option<Running>,
    /// The lines of a dry run.
    script: Vec<String>,
}

/// The migration that is running.
struct Running {
    name: String,
    /// Its place among those of the command, from 1, and how many those are.
    position: usize,
    total: usize,
    since: Instant,
    copying: Option<Copying>,
}

/// A table that is being copied.
struct Copying {
    table: String,
    done: u64,
    rows: u64,
    since: Instant,
}

impl Running {
    /// One line that says how far it is.
    fn line(&self, now: Instant) -> String {
        let Self {
            name,
            position,
            total,
            ..
        } = self;
        let seconds = now.duration_since(self.since).as_secs();
        match &self.copying {
            None => format!("[{position}/{total}] {name} {seconds} s"),
            Some(copying) => format!("[{position}/{total}] {name}: {}", copying.line(now)),
        }
    }
}

impl Copying {
    fn line(&self, now: Instant) -> String {
        let Self {
            table, done, rows, ..
        } = self;
        let elapsed = now.duration_since(self.since).as_millis();
        let left = u128::from(rows.saturating_sub(*done));
        match (elapsed * left).checked_div(u128::from(*done)) {
            Some(left_ms) => {
                let seconds = left_ms.div_ceil(1000);
                format!("{table}, {done} of {rows} rows, {seconds} s left")
            }
            None => format!("{table}, {rows} rows"),
        }
    }
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

    /// Runs a command to its end. After SIGTERM or SIGINT it may take `grace` longer, and then its transaction is
    /// rolled back.
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
                known.script.push(format!("-- {migration}"));
                known.running = Some(Running {
                    name: (*migration).to_owned(),
                    position: *position,
                    total: *total,
                    since: Instant::now(),
                    copying: None,
                });
            }
            Event::Again => {
                let begin = known
                    .script
                    .iter()
                    .rposition(|line| line.starts_with("-- "));
                known.script.truncate(begin.map_or(0, |begin| begin + 1));
            }
            Event::Copying { table, done, rows } => {
                if let Some(running) = &mut known.running {
                    let since = match &running.copying {
                        Some(before) if before.table == *table => before.since,
                        _ => Instant::now(),
                    };
                    running.copying = (done < rows).then(|| Copying {
                        table: (*table).to_owned(),
                        done: *done,
                        rows: *rows,
                        since,
                    });
                }
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
                    Some(running) => format!("\r\x1b[K{}", running.line(Instant::now())),
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Copying, Running};

    #[test]
    fn the_progress_line_says_how_long_it_still_takes() {
        let since = Instant::now();
        let mut running = Running {
            name: "m1".to_owned(),
            position: 1,
            total: 2,
            since,
            copying: None,
        };
        let now = since + Duration::from_secs(3);
        assert_eq!(running.line(now), "[1/2] m1 3 s");
        running.copying = Some(Copying {
            table: "note".to_owned(),
            done: 300_000,
            rows: 1_000_000,
            since,
        });
        assert_eq!(
            running.line(now),
            "[1/2] m1: note, 300000 of 1000000 rows, 7 s left"
        );
    }
}
