//! The id of a record in a path.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::json::shortened;

/// The id in a path. One that cannot be is the id of nothing.
#[derive(Clone, Debug)]
pub struct Id(String);

/// The id in a path, for the description of the API.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "documents what Id reads")]
pub struct IdParameter {
    /// The record's number.
    #[param(minimum = 1)]
    id: i64,
}

impl Id {
    /// The id as a number; 0, which no record has, for what is none.
    pub fn number(&self) -> i64 {
        if self.0.bytes().all(|byte| byte.is_ascii_digit()) {
            self.0.parse().unwrap_or(0)
        } else {
            0
        }
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&shortened(&self.0))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(path.map(|Path(id)| id).unwrap_or_default()))
    }
}
