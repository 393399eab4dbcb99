//! What every handler is given: the phase the service is in and, once it serves, the store.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use chrono_tz::Tz;
use domain::Clock;
use tokio::sync::watch;

use crate::database::Database;
use crate::problem::{Error, Trouble};
use crate::volume::Volume;

/// The service from the first connection to the last; clones share one state.
#[derive(Clone, Debug)]
pub struct App {
    phase: Arc<watch::Receiver<Phase>>,
}

/// What the service is doing.
#[derive(Clone, Debug)]
pub enum Phase {
    /// It has been started and has not finished looking at its database.
    Starting,
    /// Something keeps it from serving; it goes on trying.
    Troubled(Trouble),
    /// The schema is up to date and requests are answered.
    Serving(Store),
}

/// The data and the time, for one handler; clones are one.
#[derive(Clone, Debug)]
pub struct Store(Arc<Stored>);

/// What a store is made of.
#[derive(Debug)]
pub struct Stored {
    pub database: Database,
    pub clock: Arc<dyn Clock>,
    pub time_zone: Tz,
    /// The newest revision of the schema.
    pub revision: Arc<str>,
    /// The files of a SQLite database.
    pub volume: Option<Arc<Volume>>,
}

impl App {
    /// An application that follows a phase which somebody else brings about.
    pub fn new(phase: watch::Receiver<Phase>) -> Self {
        Self {
            phase: Arc::new(phase),
        }
    }

    /// The store, or why there is none.
    pub fn store(&self) -> Result<Store, Trouble> {
        match &*self.phase.borrow() {
            Phase::Serving(store) => Ok(store.clone()),
            Phase::Troubled(trouble) => Err(trouble.clone()),
            Phase::Starting => Err(Trouble {
                code: "starting".into(),
                title: "The service is starting".into(),
                detail: "It is looking at its database; try again in a moment.".into(),
            }),
        }
    }
}

impl From<Stored> for Store {
    fn from(stored: Stored) -> Self {
        Self(Arc::new(stored))
    }
}

impl Deref for Store {
    type Target = Stored;

    fn deref(&self) -> &Stored {
        &self.0
    }
}

impl Stored {
    /// The present instant, in whole microseconds as the databases keep them.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6)
    }

    /// Today in the configured zone.
    pub fn today(&self) -> NaiveDate {
        domain::today(&*self.clock, self.time_zone)
    }
}

impl FromRequestParts<App> for Store {
    type Rejection = Error;

    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, Error> {
        Ok(app.store()?)
    }
}
