//! How the service leaves its files: to others that have taken their place, or at its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use super::checkpoints::Moved;
use super::copies::PRE_RESTORE;
use super::files::Written;
use super::marker::{self, Marker};
use super::{TICK, Volume, copies, notice};

/// How long a stop waits for somebody who reads the files: longer than for one who has just gone.
const END_PATIENCE: Duration = Duration::from_millis(1200);

impl Volume {
    /// Keeps what was acknowledged into files that others have taken the place of, and waits until those are complete.
    /// Nothing is closed, for closing the last connection writes: the process must begin anew.
    pub async fn hand_over(self: Arc<Self>) {
        // Whoever still writes ends first, and nobody else begins.
        let writer = self.writer.lock().await;
        let mut side = self.side.lock().await;
        side.copy.settle().await;
        let expected = *self.expected.lock().expect("no thread panicked");
        let is_gone = match (Written::of(&self.database), expected.database) {
            (Some(now), Some(before)) => !now.is_same_file(&before),
            _ => true,
        };
        // What was overwritten in its own place is lost to the open connections as well.
        if is_gone {
            let copies = copies::of(&self.database);
            let taken = copies
                .take(&mut side.scribe, PRE_RESTORE, copies::SPARE_BYTES)
                .await;
            match taken {
                Ok(taken) => tracing::warn!(
                    number = taken.number,
                    "the state until the file was replaced is kept; to go back to it: {}",
                    notice::command(&format!("restore {}", taken.number))
                ),
                Err(error) => tracing::error!(%error, "the state until then could not be kept"),
            }
            if let Err(error) = copies::retire(&copies) {
                tracing::warn!(%error, "removing old copies");
            }
        }
        if self.is_disowned.load(Ordering::Acquire) {
            self.note(&side, false);
        }
        if let Some(visitors) = &self.visitors {
            visitors.settled().await;
        }
        drop((writer, side));
        std::mem::forget(self);
    }

    /// Puts the log away; answers whether the database may now be closed. Where it may not, it stays
    /// open until the process ends, for closing the last connection writes.
    pub async fn end(self: &Arc<Self>) -> bool {
        let is_put_away = self.put_away().await;
        if !is_put_away {
            std::mem::forget(Arc::clone(self));
        }
        is_put_away
    }

    async fn put_away(&self) -> bool {
        if self.still_ours().await.is_err() {
            tracing::warn!("the database was replaced; the next start will see to it");
            return false;
        }
        let patience = tokio::time::Instant::now() + END_PATIENCE;
        while self.is_visited() && tokio::time::Instant::now() < patience {
            tokio::time::sleep(TICK / 4).await;
        }
        match self.checkpoint(false).await {
            Ok(Moved::All) => {}
            Ok(Moved::Later) => {
                tracing::info!("somebody reads the files, so the log stays beside the database");
                return false;
            }
            Err(error) => {
                tracing::warn!(%error, "the log stays beside the database");
                return false;
            }
        }
        true
    }

    /// Notes how the service left its files, once every connection is closed.
    pub fn ended(&self) {
        self.names.forget_all();
        let Some(database) = Written::of(&self.database) else {
            return;
        };
        let marker = Marker {
            generation: None,
            database,
            log: None,
            moving: false,
            disowned: false,
        };
        match marker::forget_all(&self.database)
            .and_then(|()| marker.write(&self.database, &self.directory))
        {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "the note on the files could not be written"),
        }
    }

    /// Closes the connections beside the pools.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub async fn close(&self) -> Result<(), sqlx::Error> {
        let mut side = self.side.lock().await;
        let side = &mut *side;
        for connection in [&mut side.keeper, &mut side.scribe] {
            let memory = SqliteConnection::connect("sqlite::memory:").await?;
            std::mem::replace(connection, memory).close().await?;
        }
        Ok(())
    }
}
