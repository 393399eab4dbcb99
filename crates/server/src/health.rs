//! `/health/live` and `/health/ready`: whether the process runs, and whether it can serve.

use std::time::Duration;

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::{Result, Trouble};
use crate::state::{App, Store};

/// Less than the patience of whoever asks.
const PATIENCE: Duration = Duration::from_secs(2);

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `live` or `ready`.
    status: &'static str,
    /// The program's version.
    version: &'static str,
    /// The newest revision of the schema, where the service is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    revision: Option<String>,
    /// What a person should know although the service is ready.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    notices: Vec<Notice>,
}

/// Something that a person should know.
#[derive(Debug, Serialize, ToSchema)]
pub struct Notice {
    /// Names the kind of notice.
    #[schema(example = "database-restored")]
    code: String,
    /// What it is about, in a few words.
    title: String,
    /// What happened, what was and was not changed, and what to do.
    detail: String,
}

impl From<Trouble> for Notice {
    fn from(trouble: Trouble) -> Self {
        Self {
            code: trouble.code.into_owned(),
            title: trouble.title.into_owned(),
            detail: trouble.detail,
        }
    }
}

/// Every route of this file.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(live))
        .routes(routes!(ready))
}

/// Whether the process runs
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, body = Health)))]
async fn live() -> Json<Health> {
    Json(Health {
        status: "live",
        version: env!("CARGO_PKG_VERSION"),
        revision: None,
        notices: Vec::new(),
    })
}

/// Whether requests are answered
///
/// 503 says what keeps the service from it and what to do.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses((status = 200, body = Health)))]
async fn ready(store: Store) -> Result<Json<Health>> {
    let Ok(answer) = tokio::time::timeout(PATIENCE, store.database.ping()).await else {
        return Err(Trouble {
            code: "database-unreachable".into(),
            title: "The database cannot be reached".into(),
            detail: format!("It did not answer within {} s.", PATIENCE.as_secs()),
        }
        .into());
    };
    answer?;
    let notices = store.volume.iter().flat_map(|volume| volume.notices());
    Ok(Json(Health {
        status: "ready",
        version: env!("CARGO_PKG_VERSION"),
        revision: Some(store.revision.to_string()),
        notices: notices.map(Notice::from).collect(),
    }))
}
