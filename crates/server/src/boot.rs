//! From the start of the process to the first answer: migrate, check, open, serve.
//!
//! Trouble that a person must solve does not end the process: a container that crashes in a loop cannot
//! even be entered. The service stays up, says at every route what happened and what to type, and goes
//! on trying, so that it recovers when the cause is gone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::Clock;
use migration::Migrator;
use revision::{Engine, Options, Target};
use sea_orm::{DbErr, EntityTrait as _, QueryOrder as _, QuerySelect as _};
use tokio::sync::watch;

use crate::config::{Config, DatabaseLocation};
use crate::database::failure::Failure;
use crate::database::{self, Database};
use crate::problem::Trouble;
use crate::state::{Phase, Stored};
use crate::volume::inspect::with_offer;
use crate::volume::prepare::prepare;
use crate::volume::visitors::Visitors;
use crate::volume::{self, StartError, Volume, notice};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// No clock that is right says less: the first of January 2025, in seconds since 1970.
const EARLIEST: i64 = 1_735_689_600;

/// Tries until the service can serve, tells everybody through `phase`, and then looks after the files.
///
/// It comes back when others have taken their place and are complete: the process must then begin anew, without closing
/// the database.
pub async fn bring_up(config: Config, clock: Arc<dyn Clock>, phase: watch::Sender<Phase>) {
    let mut pause = FIRST_PAUSE;
    let mut told: Option<Trouble> = None;
    let visitors = match &config.database {
        DatabaseLocation::Sqlite(path) => {
            Visitors::watch(path, volume::copies::of(path).directory()).ok()
        }
        DatabaseLocation::Postgres(_) => None,
    };
    let store = loop {
        match attempt(&config, &clock).await {
            Ok(store) => break store,
            Err(trouble) => {
                if told.as_ref() != Some(&trouble) {
                    tell(&trouble);
                }
                phase.send_replace(Phase::Troubled(trouble.clone()));
                told = Some(trouble);
            }
        }
        tokio::time::sleep(pause).await;
        if told.as_ref().is_some_and(|told| told.code == "boot-in-use") {
            // Whoever has the files open is the one who is waited for.
            continue;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
        if let Some(visitors) = &visitors {
            // An archive that is being unpacked is whole only at its end.
            visitors.settled().await;
        }
    };
    drop(visitors);
    tracing::info!(revision = %store.revision, "ready");
    let volume = store.volume.clone();
    phase.send_replace(Phase::Serving(store.into()));
    let Some(volume) = volume else {
        return std::future::pending().await;
    };
    let trouble = volume.look_after(&*clock).await;
    tell(&trouble);
    phase.send_replace(Phase::Troubled(trouble));
    volume.hand_over().await;
}

fn tell(trouble: &Trouble) {
    tracing::error!(
        code = &*trouble.code,
        detail = trouble.detail,
        "{}",
        trouble.title
    );
}

async fn attempt(config: &Config, clock: &Arc<dyn Clock>) -> Result<Stored, Trouble> {
    let now = clock.now();
    if now.timestamp() < EARLIEST {
        return Err(notice::clock(&now.format("%Y-%m-%d %H:%M").to_string()));
    }
    let DatabaseLocation::Sqlite(path) = &config.database else {
        return open(config, clock).await;
    };
    let known = Engine::new::<Migrator>().names().to_vec();
    let mut prepared = prepare(path, now, &known).await?;
    let revisions = Engine::new::<Migrator>()
        .status(&config.database.url())
        .await;
    if revisions.is_ok_and(|status| status.unknown.is_empty())
        && let Err(error) = prepared.keep(path).await
    {
        tracing::debug!(%error, "the database cannot be opened");
    }
    let mut store = match open(config, clock).await {
        Ok(store) => store,
        Err(trouble) => {
            prepared.release().await;
            return Err(with_offer(trouble, path, &known).await);
        }
    };
    let snapshots = volume::copies::of(path);
    let Database::Sqlite(sqlite) = store.database.clone() else {
        unreachable!("a path is that of a SQLite database");
    };
    match Volume::start(path, prepared, sqlite.writer(), snapshots.directory()).await {
        Ok(volume) => {
            let volume = Arc::new(volume);
            sqlite.acknowledge_into(Arc::clone(&volume));
            if let Some(last) = last_entry(&store).await
                && now < last - CLOCK_TOLERANCE
            {
                let text = |instant: DateTime<Utc>| instant.format("%Y-%m-%d %H:%M").to_string();
                volume.notify(notice::clock_behind(&text(now), &text(last)));
            }
            store.volume = Some(volume);
            Ok(store)
        }
        Err(error) => {
            if let Err(error) = store.database.close().await {
                tracing::warn!(%error, "closing the database");
            }
            Err(start_trouble(error, config))
        }
    }
}

/// What a clock may be wrong by before it is worth a word.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// When the newest records were last changed, by the clock of that time; to ask it of all would cost more the more
/// there are.
async fn last_entry(store: &Stored) -> Option<DateTime<Utc>> {
    use entity::{doctor_vacation, drug};
    let mut session = store.database.read().await.ok()?;
    let drug = session
        .one(
            drug::Entity::find()
                .order_by_desc(drug::Column::Id)
                .limit(1),
        )
        .await;
    let vacation = session
        .one(
            doctor_vacation::Entity::find()
                .order_by_desc(doctor_vacation::Column::Id)
                .limit(1),
        )
        .await;
    let drug = drug.ok().flatten().map(|row| row.updated_at);
    let vacation = vacation.ok().flatten().map(|row| row.updated_at);
    drug.max(vacation)
}

fn start_trouble(error: StartError, config: &Config) -> Trouble {
    match error {
        StartError::Trouble(trouble) => trouble,
        StartError::Sqlite(error) => cannot_open(&error.into(), &config.database),
        StartError::Sqlx(error) => cannot_open(&of_sqlx(error), &config.database),
        StartError::Io(error) => cannot_open(&of_sqlx(error.into()), &config.database),
    }
}

fn of_sqlx(error: sqlx::Error) -> database::Error {
    DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into())).into()
}

/// Migrates and opens.
async fn open(config: &Config, clock: &Arc<dyn Clock>) -> Result<Stored, Trouble> {
    let revision = if config.auto_migrate {
        migrate(&config.database).await?
    } else {
        refuse_pending(&config.database).await?
    };
    let database = Database::open(&config.database)
        .await
        .map_err(|error| cannot_open(&error, &config.database))?;
    Ok(Stored {
        database,
        clock: Arc::clone(clock),
        time_zone: config.time_zone,
        revision,
        volume: None,
    })
}

fn cannot_open(error: &database::Error, location: &DatabaseLocation) -> Trouble {
    tracing::debug!(%error, "the database cannot be opened");
    Trouble::of_storage(Failure::of(error)).unwrap_or_else(|| Trouble {
        code: "database-unreachable".into(),
        title: "The database cannot be opened".into(),
        detail: format!(
            "{location:?} was migrated and then could not be opened for serving. Nothing was lost; \
             the service goes on trying, and its log says more."
        ),
    })
}

/// Applies what is pending and answers the newest revision.
async fn migrate(location: &DatabaseLocation) -> Result<Arc<str>, Trouble> {
    let options = Options {
        snapshot_dir: snapshot_dir(location),
        ..Options::default()
    };
    let report = Engine::new::<Migrator>()
        .upgrade(&location.url(), &Target::Head, &options)
        .await
        .map_err(|error| trouble(&error))?;
    if let Some(snapshot) = &report.snapshot {
        tracing::info!(file = %snapshot.display(), "the database as it was before is kept");
    }
    Ok(report.to.unwrap_or_default().into())
}

/// Answers the newest revision, unless something is pending.
async fn refuse_pending(location: &DatabaseLocation) -> Result<Arc<str>, Trouble> {
    let status = Engine::new::<Migrator>()
        .status(&location.url())
        .await
        .map_err(|error| trouble(&error))?;
    if !status.unknown.is_empty() {
        // Another version of the program has written here, and no upgrade leads back from that. An upgrade to
        // where the database is changes nothing, and says which of the two it is.
        let nowhere = Engine::new::<Migrator>()
            .upgrade(&location.url(), &Target::Steps(0), &Options::default())
            .await;
        if let Err(error) = nowhere {
            return Err(trouble(&error));
        }
    }
    if !status.pending.is_empty() {
        return Err(Trouble {
            code: "boot-pending".into(),
            title: "Target database is not up to date.".into(),
            detail: format!(
                "Pending: {}. Nothing was changed, because AUTO_MIGRATE is false. Type: \
                 migration upgrade head",
                status.pending.join(", ")
            ),
        });
    }
    Ok(status.current().unwrap_or_default().into())
}

/// Copies from before a migration lie beside the database.
fn snapshot_dir(location: &DatabaseLocation) -> Option<PathBuf> {
    match location {
        DatabaseLocation::Sqlite(path) => Some(path.with_file_name("snapshots")),
        DatabaseLocation::Postgres(_) => None,
    }
}

fn trouble(error: &revision::Error) -> Trouble {
    if let revision::Error::Database { source, .. } | revision::Error::Failed { source, .. } = error
        && let Some(trouble) = Trouble::of_storage(Failure::of_orm(source))
    {
        return trouble;
    }
    Trouble {
        code: format!("boot-{}", error.code()).into(),
        title: error.to_string().into(),
        detail: format!("{} {}", error.unchanged(), error.next_step()),
    }
}
