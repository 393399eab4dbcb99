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
    Ok(Json(Health {
        status: "ready",
        version: env!("CARGO_PKG_VERSION"),
        revision: Some(store.revision.to_string()),
    }))
}
