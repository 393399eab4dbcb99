//! From the start of the process to the first answer: migrate, check, open, serve.
//!
//! Trouble that a person must solve does not end the process: a container that crashes in a loop cannot
//! even be entered. The service stays up, says at every route what happened and what to type, and goes
//! on trying, so that it recovers when the cause is gone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::Clock;
use migration::Migrator;
use revision::{Engine, Options, Target};
use tokio::sync::watch;

use crate::config::{Config, DatabaseLocation};
use crate::database::Database;
use crate::problem::Trouble;
use crate::state::{Phase, Store};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Tries until the service can serve, and tells everybody through `phase`.
pub async fn bring_up(config: Config, clock: Arc<dyn Clock>, phase: watch::Sender<Phase>) {
    let mut pause = FIRST_PAUSE;
    let mut told: Option<Trouble> = None;
    loop {
        match attempt(&config, &clock).await {
            Ok(store) => {
                tracing::info!(revision = %store.revision, "ready");
                phase.send_replace(Phase::Serving(store));
                return;
            }
            Err(trouble) => {
                if told.as_ref() != Some(&trouble) {
                    tracing::error!(
                        code = &*trouble.code,
                        detail = trouble.detail,
                        "{}",
                        trouble.title
                    );
                }
                phase.send_replace(Phase::Troubled(trouble.clone()));
                told = Some(trouble);
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn attempt(config: &Config, clock: &Arc<dyn Clock>) -> Result<Store, Trouble> {
    let revision = if config.auto_migrate {
        migrate(&config.database).await?
    } else {
        refuse_pending(&config.database).await?
    };
    let database = Database::open(&config.database).await.map_err(|error| {
        tracing::debug!(%error, "the database cannot be opened");
        Trouble::of_storage(&error).unwrap_or_else(|| Trouble {
            code: "database-unreachable".into(),
            title: "The database cannot be opened".into(),
            detail: format!(
                "{:?} was migrated and then could not be opened for serving. Nothing was lost; \
                 the service goes on trying, and its log says more.",
                config.database
            ),
        })
    })?;
    Ok(Store {
        database,
        clock: Arc::clone(clock),
        time_zone: config.time_zone,
        revision,
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
        && let Some(trouble) = Trouble::of_storage(source)
    {
        return trouble;
    }
    Trouble {
        code: format!("boot-{}", error.code()).into(),
        title: error.to_string().into(),
        detail: format!("{} {}", error.unchanged(), error.next_step()),
    }
}
