//! Waiting for a lock: up to a deadline, and saying so now and then.

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::event::{Event, Observer};

/// How often it is said that the waiting goes on.
const REMINDER: Duration = Duration::from_secs(10);

/// A time that may be spent on waiting; it begins when it is made.
pub(crate) struct Patience<'a> {
    since: Instant,
    limit: Duration,
    told: Option<Instant>,
    observer: &'a Observer,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(limit: Duration, observer: &'a Observer) -> Self {
        Self {
            since: Instant::now(),
            limit,
            told: None,
            observer,
        }
    }

    /// Pauses before the next attempt.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when the time is over.
    pub(crate) async fn wait(
        &mut self,
        holder: Option<String>,
        pause: Duration,
    ) -> Result<(), Error> {
        let waited = self.since.elapsed();
        if waited >= self.limit {
            return Err(Error::Locked { holder, waited });
        }
        if self.told.is_none_or(|told| told.elapsed() >= REMINDER) {
            self.told = Some(Instant::now());
            tracing::info!(holder, "waiting for the database");
            self.observer.notify(&Event::Waiting {
                holder: holder.as_deref(),
                waited,
            });
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
