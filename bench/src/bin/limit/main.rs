//! The service as somebody would write it who has nothing but speed in mind: what its answers cost at least.
//!
//! The schema, the rows and the answers are the service's; the rules are those of `domain`. Reads run inline on the
//! worker's own connection and go from SQLite's memory into the answer's bytes; one thread writes, and commits together
//! what waits. There is no log, no middleware, no description, no migration, no care for the files, and only what the
//! benchmark asks for.

mod column;
mod counts;
mod input;
mod json;
mod list;
mod query;
mod read;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use chrono_tz::Tz;
use clap::Parser;
use domain::{Absence, Absences, SystemClock};
use tokio::net::TcpListener;

use self::counts::Counts;
use self::json::Day;
use self::writer::{Change, Reply, Writer};

/// Serves a migrated SQLite database as fast as it goes.
#[derive(Debug, Parser)]
struct Arguments {
    #[arg(long)]
    port: u16,
    #[arg(long)]
    database: PathBuf,
    /// Commits every write by itself.
    #[arg(long)]
    no_group_commit: bool,
}

/// What every request needs.
pub(crate) struct Shared {
    database: PathBuf,
    /// Nobody else writes this database, so what is read of it once stays true.
    absences: Absences,
    search: Option<String>,
    counts: Arc<Counts>,
    writer: Writer,
}

pub(crate) type App = Arc<Shared>;

/// It knows what it is asked, and has an index for each of that and for nothing else.
const INDEXES: &str = r#"
    PRAGMA query_only = OFF;
    DROP INDEX IF EXISTS "idx-drugs-group-search_text";
    DROP INDEX IF EXISTS "idx-drugs-group-run_out_date";
    DROP INDEX IF EXISTS "idx-drugs-group-reorder_date";
    CREATE INDEX IF NOT EXISTS limit_by_id ON drugs (archived, id);
    CREATE INDEX IF NOT EXISTS limit_by_run_out_date ON drugs (archived, run_out_date, id);
    CREATE INDEX IF NOT EXISTS limit_by_reorder_date ON drugs (archived, reorder_date, id);
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let connection = read::open(&arguments.database)?;
    connection.execute_batch(INDEXES)?;
    let counts = Arc::new(Counts::read(&connection)?);
    let app = Arc::new(Shared {
        absences: absences(&connection)?,
        search: query::search_index(&connection)?,
        writer: Writer::start(
            &arguments.database,
            Arc::clone(&counts),
            absences(&connection)?,
            !arguments.no_group_commit,
        )?,
        database: arguments.database,
        counts,
    });
    drop(connection);
    let router = Router::new()
        .route("/health/ready", get(|| async { "ready" }))
        .route("/api/v1/drugs", get(list_drugs).post(create))
        .route("/api/v1/drugs/{id}", get(drug).patch(patch))
        .route("/api/v1/drugs/{id}/refill", post(refill))
        .with_state(app);
    let listener = TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    let listener = listener.tap_io(|stream| {
        // A connection that keeps its delay is slower and not wrong.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

fn absences(connection: &rusqlite::Connection) -> rusqlite::Result<Absences> {
    let mut statement = connection.prepare("SELECT start_date, end_date FROM doctor_vacations")?;
    let rows = statement.query_map([], |row| {
        Ok(Absence {
            start: column::date(row.get_ref(0)?)?,
            end: column::date(row.get_ref(1)?)?,
        })
    })?;
    Ok(Absences::new(rows.collect::<Result<Vec<_>, _>>()?))
}

impl Shared {
    fn day(&self) -> Day<'_> {
        Day {
            today: domain::today(&SystemClock, Tz::UTC),
            absences: &self.absences,
        }
    }
}

async fn list_drugs(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    list::answer(&app, query.as_deref(), &headers)
}

async fn drug(State(app): State<App>, Path(id): Path<i64>, headers: HeaderMap) -> Response {
    read::answer(&app, id, &headers)
}

async fn create(State(app): State<App>, body: Bytes) -> Response {
    changed(app.writer.change(Change::Create(body)).await)
}

async fn patch(State(app): State<App>, Path(id): Path<i64>, body: Bytes) -> Response {
    changed(app.writer.change(Change::Patch(id, body)).await)
}

async fn refill(State(app): State<App>, Path(id): Path<i64>, body: Bytes) -> Response {
    changed(app.writer.change(Change::Refill(id, body)).await)
}

fn changed(reply: Reply) -> Response {
    match reply {
        Reply::Created(id, drug) => {
            let location = format!("/api/v1/drugs/{id}");
            let mut response = tagged(StatusCode::CREATED, drug);
            if let Ok(location) = HeaderValue::try_from(location) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            response
        }
        Reply::Changed(drug) => tagged(StatusCode::OK, drug),
        Reply::NotFound => StatusCode::NOT_FOUND.into_response(),
        Reply::Refused(reason) => (StatusCode::UNPROCESSABLE_ENTITY, reason).into_response(),
        Reply::Failed(error) => (StatusCode::INTERNAL_SERVER_ERROR, error).into_response(),
    }
}

/// A drug's JSON with its entity tag.
pub(crate) fn tagged(status: StatusCode, drug: json::Drug) -> Response {
    let mut response = (status, Bytes::from(drug.body)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Ok(tag) = HeaderValue::try_from(drug.etag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// A failure of the database, which the benchmark counts as an error.
pub(crate) fn failed(error: &rusqlite::Error) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
}
