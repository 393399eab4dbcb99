//! Problem documents (RFC 9457): every error of the service leaves through here.
//!
//! An error carries two messages: what the caller reads, and the cause that goes to the log with the
//! request's id and never into the body.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::database;
use crate::database::failure::Failure;

/// A problem document: what went wrong, in words for people and in fields for programs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem; `about:blank` where the status says it all.
    #[serde(rename = "type")]
    #[schema(example = "urn:medicine-tracker:problem:invalid")]
    pub kind: Cow<'static, str>,
    /// The kind of problem in a few words.
    #[schema(example = "The request has invalid values")]
    pub title: Cow<'static, str>,
    /// The HTTP status.
    #[schema(example = 422, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened this time, what was not changed and what to do.
    pub detail: String,
    /// Finds this request in the log.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Every value that was refused, with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
}

/// One value that was refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) to a member of the body, or the name of a parameter or header.
    #[schema(example = "/package_size")]
    pub pointer: String,
    /// What is wrong with it and what is allowed.
    #[schema(example = "must be more than 0")]
    pub detail: String,
}

/// Trouble of the service itself that a person has to solve, or that passes by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{title}: {detail}")]
pub struct Trouble {
    /// The last part of the problem's `type`.
    pub code: Cow<'static, str>,
    pub title: Cow<'static, str>,
    /// What happened, what was not changed, what to type next.
    pub detail: String,
}

impl Trouble {
    /// The trouble that keeps the service from starting where the storage is full or may not be written.
    pub fn of_storage(failure: Failure) -> Option<Self> {
        match failure {
            Failure::Full => Some(Self::of_full_storage()),
            Failure::ReadOnly => Some(Self {
                code: "storage-read-only".into(),
                title: READ_ONLY.into(),
                detail: CHECK_THE_VOLUME.into(),
            }),
            _ => None,
        }
    }

    /// The trouble that keeps the service from starting where there is no space.
    pub fn of_full_storage() -> Self {
        Self {
            code: "storage-full".into(),
            title: FULL.into(),
            detail: "Nothing was changed. The service starts by itself as soon as space is freed on the \
                     volume that holds the database."
                .into(),
        }
    }
}

const FULL: &str = "There is no space left for the data";
const READ_ONLY: &str = "The data cannot be written";
const CHECK_THE_VOLUME: &str = "Nothing was changed: the database is read-only for this service. Check the owner and \
                                the mount of the volume that holds it.";

/// Everything that ends a request without its answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no {resource} with the id {id}")]
    NotFound { resource: &'static str, id: String },
    #[error("the body is not JSON")]
    NotJson(String),
    #[error("the request has invalid values")]
    Invalid(Vec<FieldError>),
    #[error("the request has invalid parameters")]
    BadParameter(Vec<FieldError>),
    #[error("the body's media type is not supported")]
    UnsupportedMediaType {
        given: String,
        allowed: &'static str,
    },
    #[error("the body is too large")]
    TooLarge { limit_bytes: usize },
    #[error("the body did not arrive in time")]
    TooSlow { limit: Duration },
    #[error("the record has been changed")]
    PreconditionFailed { current: String },
    #[error("the booking cannot be made")]
    Conflict(String),
    #[error("the idempotency key was used for another request")]
    KeyReused,
    #[error(transparent)]
    Unavailable(#[from] Trouble),
    #[error("a row does not make sense: {0}")]
    Corrupt(String),
    #[error("{0}")]
    Database(database::Error),
}

impl From<database::Error> for Error {
    fn from(error: database::Error) -> Self {
        match error {
            database::Error::Replaced(trouble) => Self::Unavailable(trouble),
            error => Self::Database(error),
        }
    }
}

/// The result of a handler.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause of a 5xx, for the log alone.
#[derive(Clone, Debug)]
pub struct Cause(pub Arc<str>);

impl Problem {
    /// The problem that a bare status stands for.
    pub fn of_status(status: StatusCode) -> Self {
        let detail = match status {
            StatusCode::NOT_FOUND => "There is nothing at this path; /docs shows what there is.",
            StatusCode::METHOD_NOT_ALLOWED => {
                "This path does not take this method; the header Allow lists those it takes."
            }
            StatusCode::FORBIDDEN => {
                "A page of another site sent this; only pages of this service may write. Nothing was changed."
            }
            StatusCode::PAYLOAD_TOO_LARGE => "The body is too large. Nothing was changed.",
            StatusCode::SERVICE_UNAVAILABLE => {
                "The request could not be completed in time; try again in a moment."
            }
            StatusCode::INTERNAL_SERVER_ERROR => {
                "The service made a mistake; the log says more under this request's id."
            }
            _ => "The request could not be served.",
        };
        Self {
            kind: "about:blank".into(),
            title: status.canonical_reason().unwrap_or("Error").into(),
            status: status.as_u16(),
            detail: detail.to_owned(),
            request_id: None,
            errors: Vec::new(),
        }
    }

    fn new(code: &str, status: StatusCode, title: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: format!("urn:medicine-tracker:problem:{code}").into(),
            title: title.into(),
            ..Self::of_status(status)
        }
    }

    fn detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }

    fn errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }
}

impl FieldError {
    /// Says what is wrong at one place.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

impl Error {
    /// A single refused header or query parameter.
    pub fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self::BadParameter(vec![FieldError::new(name, detail)])
    }

    fn problem(&self) -> Problem {
        match self {
            Self::NotFound { resource, id } => Problem::new(
                "not-found",
                StatusCode::NOT_FOUND,
                "There is no such record",
            )
            .detail(format!("There is no {resource} with the id {id}.")),
            Self::NotJson(detail) => {
                Problem::new("not-json", StatusCode::BAD_REQUEST, "The body is not JSON").detail(
                    format!("The body cannot be read: {detail}. Nothing was changed."),
                )
            }
            Self::Invalid(errors) => Problem::new(
                "invalid",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The request has invalid values",
            )
            .detail("Nothing was changed; `errors` names each value and what is allowed.")
            .errors(errors.clone()),
            Self::BadParameter(errors) => Problem::new(
                "bad-parameter",
                StatusCode::BAD_REQUEST,
                "The request has invalid parameters",
            )
            .detail("`errors` names each parameter and what is allowed.")
            .errors(errors.clone()),
            Self::UnsupportedMediaType { given, allowed } => Problem::new(
                "media-type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body's media type is not supported",
            )
            .detail(format!(
                "The header Content-Type is {given}; send {allowed}."
            )),
            Self::TooLarge { limit_bytes } => Problem::new(
                "too-large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is too large",
            )
            .detail(format!(
                "A body may have {limit_bytes} bytes at most. Nothing was changed."
            )),
            Self::TooSlow { limit } => {
                Problem::of_status(StatusCode::REQUEST_TIMEOUT).detail(format!(
                    "The body did not arrive within {} s. Nothing was changed.",
                    limit.as_secs()
                ))
            }
            Self::PreconditionFailed { current } => Problem::new(
                "changed-meanwhile",
                StatusCode::PRECONDITION_FAILED,
                "The record has been changed meanwhile",
            )
            .detail(format!(
                "If-Match does not name the current state, which is {current}. Nothing was \
                 changed; read the record again and repeat the change on it."
            )),
            Self::Conflict(detail) => Problem::new(
                "conflict",
                StatusCode::CONFLICT,
                "The booking cannot be made",
            )
            .detail(detail.clone()),
            Self::KeyReused => Problem::new(
                "idempotency-key-reused",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The idempotency key was used for another request",
            )
            .detail(
                "The Idempotency-Key of this request came before with another path or body. \
                 Nothing was booked; send a new key.",
            )
            .errors(vec![FieldError::new(
                "Idempotency-Key",
                "was used for another request",
            )]),
            Self::Unavailable(trouble) => Problem::new(
                &trouble.code,
                StatusCode::SERVICE_UNAVAILABLE,
                trouble.title.clone(),
            )
            .detail(trouble.detail.clone()),
            Self::Corrupt(_) => Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR),
            Self::Database(error) => database_problem(error),
        }
    }
}

/// What a failure of the database means to the caller.
fn database_problem(error: &database::Error) -> Problem {
    match Failure::of(error) {
        Failure::Full => Problem::new("storage-full", StatusCode::INSUFFICIENT_STORAGE, FULL)
            .detail(
                "Nothing was changed. Reading goes on; writing works again, without a restart, as \
             soon as space is freed on the volume that holds the database.",
            ),
        Failure::ReadOnly => Problem::new(
            "storage-read-only",
            StatusCode::SERVICE_UNAVAILABLE,
            READ_ONLY,
        )
        .detail(CHECK_THE_VOLUME),
        Failure::Busy => Problem::new(
            "busy",
            StatusCode::SERVICE_UNAVAILABLE,
            "The database is busy",
        )
        .detail("Nothing was changed: the database was busy for too long. Try again in a moment."),
        Failure::Unreachable => Problem::new(
            "database-unreachable",
            StatusCode::SERVICE_UNAVAILABLE,
            "The database cannot be reached",
        )
        .detail("The database does not answer. Try again in a moment."),
        Failure::Other => Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = self.problem();
        let cause = (problem.status >= 500).then(|| Cause(self.to_string().into()));
        let mut response = problem.into_response();
        if let Some(cause) = cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).expect("a problem is plain strings and numbers");
        let mut response = (status, body).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response.extensions_mut().insert(self);
        response
    }
}
