//! The service in this process, over a throw-away database of either kind and a clock that stands still.

#[path = "../../../revision/tests/it/support/cluster.rs"]
pub(crate) mod cluster;
pub(crate) mod control;
pub(crate) mod file;
pub(crate) mod process;
pub(crate) mod small_disk;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::FixedClock;
use migration::Migrator;
use revision::{Engine, Options, Target};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde_json::Value;
use server::config::DatabaseLocation;
use server::database::Database;
use server::router;
use server::state::{App, Phase, Store, Stored};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;

/// The day on which every test begins: a Sunday in ISO week 47, which is odd.
pub(crate) const TODAY: &str = "2026-11-22";

/// Writes a test once and runs it on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($service:ident: &Service) $body:block)+) => {$(
        mod $name {
            #[expect(clippy::allow_attributes, reason = "a body may need none of them")]
            #[allow(unused_imports)]
            use super::*;

            $(#[$meta])*
            async fn run($service: &$crate::support::Service) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                run(&$crate::support::Service::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                run(&$crate::support::Service::postgres().await).await;
            }
        }
    )+};
}
pub(crate) use on_both;

/// A service that serves.
pub(crate) struct Service {
    /// A connection beside the service's.
    connection: DatabaseConnection,
    clock: Arc<FixedClock>,
    phase: watch::Sender<Phase>,
    _directory: Option<TempDir>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Service {
    pub(crate) async fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("medicine.db");
        Self::open(DatabaseLocation::Sqlite(file), Some(directory)).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::open(DatabaseLocation::Postgres(cluster::postgres().await), None).await
    }

    async fn open(location: DatabaseLocation, directory: Option<TempDir>) -> Self {
        Engine::new::<Migrator>()
            .upgrade(&location.url(), &Target::Head, &Options::default())
            .await
            .expect("an empty database migrates");
        let clock = Arc::new(FixedClock::new(instant(TODAY)));
        let store = Store::from(Stored {
            database: Database::open(&location)
                .await
                .expect("a migrated database opens"),
            clock: clock.clone(),
            time_zone: Tz::Europe__Berlin,
            revision: "head".into(),
            volume: None,
        });
        let connection = sea_orm::Database::connect(location.url()).await;
        let (phase, _) = watch::channel(Phase::Serving(store.clone()));
        Self {
            connection: connection.expect("a migrated database opens"),
            clock,
            phase,
            _directory: directory,
        }
    }

    /// Makes it noon of a day.
    pub(crate) fn set_day(&self, day: &str) {
        self.clock.set(instant(day));
    }

    pub(crate) fn app(&self) -> App {
        App::new(self.phase.subscribe())
    }

    pub(crate) fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// Sends any request.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        let host = HeaderValue::from_static("localhost");
        request.headers_mut().entry(header::HOST).or_insert(host);
        let response = router::service(self.app()).oneshot(request).await;
        let (parts, body) = response.expect("never fails").into_parts();
        let bytes = axum::body::to_bytes(Body::new(body), usize::MAX)
            .await
            .expect("the body is there");
        Answer::new(parts, &bytes)
    }

    /// Sends a body, with headers written `Name: value`.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[&str],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for header in headers {
            let (name, value) = header.split_once(": ").expect("a header is `Name: value`");
            request = request.header(name, value);
        }
        self.send(request.body(body.into()).expect("a request"))
            .await
    }

    async fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.request(
            method,
            path,
            &["Content-Type: application/json"],
            body.to_string(),
        )
        .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, &[], Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::POST, path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::PUT, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::PATCH, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path, &[], Body::empty()).await
    }

    /// Creates a record and answers it.
    pub(crate) async fn created(&self, path: &str, body: &Value) -> Value {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body
    }

    /// One whole number out of the database.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let connection = self.connection();
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let row = connection
            .query_one_raw(statement)
            .await
            .expect("the statement runs");
        row.expect("there is a row")
            .try_get_by_index(0)
            .expect("it is a whole number")
    }
}

impl Answer {
    pub(crate) fn new(parts: axum::http::response::Parts, bytes: &[u8]) -> Self {
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
        };
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("a header is text"))
    }

    /// Asserts that this is a complete problem document, and answers its status and refused places.
    pub(crate) fn problem(&self) -> (u16, Vec<&str>) {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        assert_eq!(self.body["status"], self.status.as_u16(), "{self:?}");
        for member in ["type", "title", "detail", "request_id"] {
            assert!(
                self.body[member]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{self:?}"
            );
        }
        assert_eq!(self.body["request_id"], self.header("x-request-id"));
        let errors = self.body["errors"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let places = errors
            .iter()
            .map(|error| error["pointer"].as_str().expect("a pointer"));
        (self.status.as_u16(), places.collect())
    }

    /// Where the next page is.
    pub(crate) fn next_page(&self) -> Option<String> {
        let links = self.header("link").split(", ");
        links
            .filter_map(|link| link.strip_suffix("; rel=\"next\""))
            .map(|link| link.trim_matches(['<', '>']).to_owned())
            .next()
    }
}

/// Whether a text is as expected; a `*` stands for anything.
pub(crate) fn reads(text: &str, expected: &str) -> bool {
    let (first, rest) = expected
        .split_once('*')
        .map_or((expected, None), |(first, rest)| (first, Some(rest)));
    let Some(text) = text.strip_prefix(first) else {
        return false;
    };
    match rest {
        None => text.is_empty(),
        Some(rest) => (0..=text.len())
            .filter(|&at| text.is_char_boundary(at))
            .any(|at| reads(&text[at..], rest)),
    }
}

/// Runs one statement on a connection of its own.
async fn execute(url: &str, sql: &str) {
    let connection = sea_orm::Database::connect(url)
        .await
        .expect("the database opens");
    connection
        .execute_unprepared(sql)
        .await
        .expect("the statement runs");
    connection.close().await.expect("the connection closes");
}

fn instant(day: &str) -> DateTime<Utc> {
    let day: NaiveDate = day.parse().expect("a date");
    day.and_hms_opt(11, 0, 0).expect("a time").and_utc()
}
