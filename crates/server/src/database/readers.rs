//! The connections that read: each sees the state of one moment, whatever is written meanwhile.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::DatabaseConnection;
use tokio::sync::Semaphore;

use super::PATIENCE;
use super::failure::Error;
use super::session::Session;

/// The connections to SQLite that nobody uses at the moment.
#[derive(Debug)]
pub(super) struct Readers {
    /// The one that was used last is taken first: its pages are in the processor's cache.
    free: Mutex<Vec<Session>>,
    /// One for each that is free.
    permits: Semaphore,
    count: u32,
}

/// A session that reads; dropping it ends the look.
#[derive(Debug)]
pub struct Reading {
    session: Option<Session>,
    home: Option<Arc<Readers>>,
    /// Whether a transaction keeps the moment.
    keeps: bool,
}

impl Readers {
    pub(super) fn new(sessions: Vec<Session>) -> Self {
        Self {
            permits: Semaphore::new(sessions.len()),
            count: u32::try_from(sessions.len()).expect("they are few"),
            free: Mutex::new(sessions),
        }
    }

    /// Takes a connection and begins to look.
    pub(super) async fn look(readers: &Arc<Self>) -> Result<Reading, Error> {
        let mut reading = Self::glance(readers).await?;
        reading.steer("BEGIN")?;
        reading.keeps = true;
        Ok(reading)
    }

    /// Takes a connection.
    pub(super) async fn glance(readers: &Arc<Self>) -> Result<Reading, Error> {
        let permit = match readers.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => tokio::time::timeout(PATIENCE, readers.permits.acquire())
                .await
                .map_err(|_| Error::Busy)?
                .map_err(|_| Error::Closed)?,
        };
        permit.forget();
        Ok(Reading {
            session: Some(readers.take()),
            home: Some(Arc::clone(readers)),
            keeps: false,
        })
    }

    /// Takes every connection, once nobody uses any, for good.
    pub(super) async fn take_all(&self) -> Vec<Session> {
        if let Ok(permits) = self.permits.acquire_many(self.count).await {
            permits.forget();
        }
        self.permits.close();
        std::mem::take(&mut *self.lock())
    }

    fn take(&self) -> Session {
        let session = self.lock().pop();
        session.expect("there is a connection for each permit")
    }

    fn give_back(&self, session: Session) {
        self.lock().push(session);
        self.permits.add_permits(1);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    pub(super) fn of_pool(pool: DatabaseConnection) -> Self {
        Self {
            session: Some(Session::of_pool(pool)),
            home: None,
            keeps: false,
        }
    }

    fn steer(&mut self, sql: &'static str) -> rusqlite::Result<()> {
        match self.sqlite() {
            Some(connection) => connection.steer(sql),
            None => Ok(()),
        }
    }
}

impl Deref for Reading {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session.as_ref().expect("it is there until the drop")
    }
}

impl DerefMut for Reading {
    fn deref_mut(&mut self) -> &mut Session {
        self.session.as_mut().expect("it is there until the drop")
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some(home) = self.home.take() else {
            return;
        };
        if self.keeps
            && let Err(error) = self.steer("ROLLBACK")
        {
            tracing::warn!(%error, "a look at the data could not be ended");
        }
        if let Some(session) = self.session.take() {
            home.give_back(session);
        }
    }
}
