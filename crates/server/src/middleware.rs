//! What happens to every request: it gets an id, one line in the log, and a problem document if it fails.

use std::any::Any;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::request_id::{MakeRequestId, RequestId};

use crate::problem::{Cause, Error, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 64;

/// Makes a request what the router expects: a trailing slash is the same resource, and an id that a
/// caller sends is kept only where it can stand in a log.
pub fn tidy(mut request: Request) -> Request {
    if let Some(uri) = without_trailing_slash(request.uri()) {
        *request.uri_mut() = uri;
    }
    let usable = |value: &HeaderValue| {
        let text = value.as_bytes();
        (1..=MAX_REQUEST_ID).contains(&text.len())
            && text
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    if request
        .headers()
        .get(&REQUEST_ID)
        .is_some_and(|value| !usable(value))
    {
        request.headers_mut().remove(&REQUEST_ID);
    }
    request
}

/// The page at `/docs/` has its assets beside it and keeps its slash.
fn without_trailing_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let trimmed = path.trim_end_matches('/');
    if trimmed.len() == path.len() || trimmed.is_empty() || trimmed == "/docs" {
        return None;
    }
    let path_and_query = match uri.query() {
        Some(query) => format!("{trimmed}?{query}"),
        None => trimmed.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Numbers requests: a number of this process, then one of this request. Asking the system for chance each time would cost
/// as much as reading a row.
#[derive(Clone, Debug)]
pub struct Numbering {
    process: u64,
    next: Arc<AtomicU64>,
}

impl Numbering {
    /// A numbering that no other process has.
    pub fn begin() -> Self {
        Self {
            process: RandomState::new().hash_one(std::process::id()),
            next: Arc::default(),
        }
    }
}

impl MakeRequestId for Numbering {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:016x}-{number:06x}", self.process);
        HeaderValue::try_from(id).ok().map(RequestId::new)
    }
}

/// Whether a request says, once, whom it is for (RFC 9112, section 3.2): what stands before the service may have taken it
/// for somebody else's.
fn has_one_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes()).is_ok(),
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// Logs a request when it is answered, and gives every error its problem document with the request's id.
pub async fn observe(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    // The template and never the path: ids and searches say what someone takes.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let id = request
        .extensions()
        .get::<RequestId>()
        .map(|id| id.header_value().clone());
    let response = if has_one_host(&request) {
        next.run(request).await
    } else {
        Error::parameter("Host", "must be one host, with its port if it has one").into_response()
    };

    let response = finished(response, id.as_ref());
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let status = response.status().as_u16();
    let elapsed_us = begun.elapsed().as_micros();
    let request_id = id
        .as_ref()
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    if status >= 500 {
        let cause = response.extensions().get::<Cause>().map(|cause| &*cause.0);
        tracing::error!(%method, route, status, elapsed_us, request_id, cause, "request failed");
    } else if route.starts_with("/health") {
        tracing::debug!(%method, route, status, elapsed_us, request_id, "request");
    } else {
        tracing::info!(%method, route, status, elapsed_us, request_id, "request");
    }
    response
}

/// The answer with its request's id, in the header and in the problem document.
fn finished(mut response: Response, id: Option<&HeaderValue>) -> Response {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let mut problem = response
            .extensions_mut()
            .remove::<Problem>()
            .unwrap_or_else(|| Problem::of_status(status));
        problem.request_id = id.and_then(|id| id.to_str().ok()).map(str::to_owned);
        let (given, _) = response.into_parts();
        let mut rebuilt = problem.into_response();
        for (name, value) in &given.headers {
            // Allow, Retry-After and their like say something of the error; these two of the old body.
            if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
                rebuilt.headers_mut().insert(name, value.clone());
            }
        }
        rebuilt.extensions_mut().extend(given.extensions);
        response = rebuilt;
    }
    let headers = response.headers_mut();
    if let Some(id) = id {
        headers.insert(REQUEST_ID, id.clone());
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    // Who takes what is nobody's to keep; a browser may keep it to ask whether it has changed.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
    response
}

/// A handler that panicked: the message goes to the log.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the panic over"
)]
pub fn panicked(panic: Box<dyn Any + Send>) -> Response<Body> {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    let mut response = Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    response.extensions_mut().insert(Cause(message.into()));
    response
}
