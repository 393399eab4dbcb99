//! What happens to every request: it gets an id, one line in the log, and a problem document if it fails.

use std::any::Any;
use std::convert::Infallible;
use std::hash::{BuildHasher as _, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, Version, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use tower::{Service, ServiceExt as _, service_fn};

use crate::hex::hex;
use crate::problem::{Cause, Error, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 64;
/// How long a request may take: longer than the database is waited for, shorter than a proxy's patience.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Makes a request what the router expects: a trailing slash is the same resource.
pub fn tidy(mut request: Request) -> Request {
    if let Some(uri) = without_trailing_slash(request.uri()) {
        *request.uri_mut() = uri;
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

/// Numbers requests: a number of this process, then one of this request. Asking the system for chance each time would
/// cost as much as reading a row.
struct Numbering {
    process: String,
    next: AtomicU64,
}

static NUMBERING: LazyLock<Numbering> = LazyLock::new(|| Numbering {
    process: hex(RandomState::new().hash_one(std::process::id())),
    next: AtomicU64::new(0),
});

impl Numbering {
    /// The id of a request: what its caller calls it where that can stand in a log, or the next number.
    fn id(&self, headers: &HeaderMap) -> HeaderValue {
        let given = headers.get(&REQUEST_ID).filter(|given| is_usable(given));
        given.cloned().unwrap_or_else(|| {
            let digits = hex(self.next.fetch_add(1, Ordering::Relaxed));
            let unused = digits.bytes().take_while(|digit| *digit == b'0').count();
            let id = [&self.process, "-", &digits[unused.min(10)..]].concat();
            HeaderValue::try_from(id).expect("digits and a dash are plain ASCII")
        })
    }
}

fn is_usable(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    (1..=MAX_REQUEST_ID).contains(&id.len()) && id.iter().all(is_plain)
}

/// Whether a request says, once, whom it is for (RFC 9112, section 3.2): what stands before the service may have taken
/// it for somebody else's.
fn has_one_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes()).is_ok(),
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// A service whose every request is observed.
pub fn observed<S>(
    service: S,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send,
{
    service_fn(move |request| observe(service.clone(), request))
}

/// Ends a request that takes too long, logs it when it is answered, and gives every error its problem document with the
/// request's id.
async fn observe<S>(service: S, request: Request) -> Result<Response, Infallible>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let begun = Instant::now();
    let method = request.method().clone();
    // The template and never the path: ids and searches say what someone takes.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let id = NUMBERING.id(request.headers());
    let response = if has_one_host(&request) {
        let answer = AssertUnwindSafe(service.oneshot(request)).catch_unwind();
        match tokio::time::timeout(TIMEOUT, answer).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Err(panic)) => panicked(&*panic),
            Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    } else {
        Error::parameter("Host", "must be one host, with its port if it has one").into_response()
    };

    let request_id = id.to_str().unwrap_or_default();
    let response = finished(response, &id, request_id);
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let status = response.status().as_u16();
    let elapsed_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    if status >= 500 {
        let cause = response.extensions().get::<Cause>().map(|cause| &*cause.0);
        tracing::error!(%method, route, status, elapsed_us, request_id, cause, "request failed");
    } else if route.starts_with("/health") {
        tracing::debug!(%method, route, status, elapsed_us, request_id, "request");
    } else {
        tracing::info!(%method, route, status, elapsed_us, request_id, "request");
    }
    Ok(response)
}

/// The answer with its request's id, in the header and in the problem document.
fn finished(mut response: Response, id: &HeaderValue, request_id: &str) -> Response {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let mut problem = response
            .extensions_mut()
            .remove::<Problem>()
            .unwrap_or_else(|| Problem::of_status(status));
        problem.request_id = Some(request_id.to_owned());
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
    headers.insert(REQUEST_ID, id.clone());
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
fn panicked(panic: &(dyn Any + Send)) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    let mut response = Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    response.extensions_mut().insert(Cause(message.into()));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_problem_that_does_not_say_why_and_the_next_request_is_answered() {
        let handler = service_fn(|request: Request| async move {
            assert_ne!(request.uri().path(), "/1", "it cannot be");
            Ok(StatusCode::NO_CONTENT.into_response())
        });
        let service = observed(handler);
        let ask = async |path: &str| {
            let request = Request::builder()
                .uri(path)
                .header(header::HOST, "localhost");
            let request = request.body(axum::body::Body::empty()).unwrap();
            let Ok(response) = service.clone().oneshot(request).await;
            let (parts, body) = response.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            (parts, String::from_utf8(body.to_vec()).unwrap())
        };
        let (parts, body) = ask("/1").await;
        assert_eq!(parts.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!body.contains("cannot be"), "{body}");
        assert!(
            body.contains(parts.headers[REQUEST_ID].to_str().unwrap()),
            "{body}"
        );
        let cause = parts.extensions.get::<Cause>().expect("it is for the log");
        assert!(cause.0.contains("it cannot be"), "{}", cause.0);
        assert_eq!(ask("/2").await.0.status, StatusCode::NO_CONTENT);
    }

    #[test]
    fn a_request_without_a_name_gets_the_next_number() {
        let none = HeaderMap::new();
        let ids: Vec<_> = (0..2).map(|_| NUMBERING.id(&none)).collect();
        let parts = |id: &HeaderValue| {
            let (process, number) = id.to_str().unwrap().split_once('-').unwrap();
            assert_eq!((process.len(), number.len()), (16, 6), "{id:?}");
            (process.to_owned(), u64::from_str_radix(number, 16).unwrap())
        };
        let ((one, first), (other, second)) = (parts(&ids[0]), parts(&ids[1]));
        assert_eq!(one, other);
        assert!(first < second);
    }
}
