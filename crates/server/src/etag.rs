//! Entity tags and the conditions on them (RFC 9110, sections 8.8.3 and 13.1).
//!
//! A tag is `"<version>-<hash of the body>"`. The hash makes it strong: what is computed from today's
//! date changes without a write. A change is conditional on the version alone, so that an edit begun
//! before midnight is not refused after it.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;

use crate::hex::hex;
use crate::json::Json;
use crate::problem::{Error, Result};

/// What the JSON of a record seldom goes beyond.
const USUAL_BYTES: usize = 1536;

/// A record's JSON with its entity tag.
#[derive(Debug)]
pub struct Tagged {
    pub body: Vec<u8>,
    pub etag: String,
}

impl Tagged {
    /// Writes a record that stands at a version.
    pub fn new(record: &impl Json, version: i64) -> Self {
        let mut body = Vec::with_capacity(USUAL_BYTES);
        record.write(&mut body);
        let mut hasher = DefaultHasher::new();
        hasher.write(&body);
        let (version, hash) = (version.to_string(), hex(hasher.finish()));
        let etag = ["\"", &version, "-", &hash, "\""].concat();
        Self { body, etag }
    }

    /// The record as an answer; 304 without a body where the caller has it already.
    pub fn answer(self, known: &IfNoneMatch) -> Response {
        let known = known.unchanged(&self.etag, |tag| tag == "*");
        known.unwrap_or_else(|| self.into_response())
    }
}

/// The tag of a page of a list. It stands for the state of all the data on a day, so that it is known before a row is
/// read. It is weak: the same rows may come compressed or not.
#[derive(Debug)]
pub struct PageTag(String);

impl PageTag {
    /// The tag of what is asked for by `path_and_query`, where `state` changes with every change of the data.
    pub fn new(state: &[u8], path_and_query: &str, today: NaiveDate) -> Self {
        let mut hasher = DefaultHasher::new();
        (env!("CARGO_PKG_VERSION"), state, path_and_query, today).hash(&mut hasher);
        Self(["W/\"", &hex(hasher.finish()), "\""].concat())
    }

    /// The answer to a caller who has this page already.
    pub fn unchanged(&self, known: &IfNoneMatch) -> Option<Response> {
        // Whether there is such a page at all is not known yet, so `*` is no answer.
        known.unchanged(&self.0, |_| false)
    }

    /// Puts the tag on the page.
    pub fn on(&self, mut page: Response) -> Response {
        set_tag(&mut page, &self.0);
        page
    }
}

/// The header `If-None-Match`: the states that a caller has already.
#[derive(Clone, Debug)]
pub struct IfNoneMatch(Vec<HeaderValue>);

impl IfNoneMatch {
    /// 304 without a body where it names the tag; weak and strong are the same to it (RFC 9110, section 13.1.2).
    fn unchanged(&self, etag: &str, or: fn(&str) -> bool) -> Option<Response> {
        fn opaque(tag: &str) -> &str {
            tag.strip_prefix("W/").unwrap_or(tag)
        }
        let is_known = self.0.iter().any(|value| {
            value.to_str().is_ok_and(|tags| {
                let mut tags = tags.split(',').map(str::trim);
                tags.any(|tag| or(tag) || opaque(tag) == opaque(etag))
            })
        });
        is_known.then(|| {
            let mut response = StatusCode::NOT_MODIFIED.into_response();
            set_tag(&mut response, etag);
            response
        })
    }
}

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let values = parts.headers.get_all(header::IF_NONE_MATCH).iter();
        Ok(Self(values.cloned().collect()))
    }
}

impl IntoResponse for Tagged {
    fn into_response(self) -> Response {
        let mut response = Body::from(self.body).into_response();
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        set_tag(&mut response, &self.etag);
        response
    }
}

fn set_tag(response: &mut Response, etag: &str) {
    let value = HeaderValue::from_str(etag).expect("a tag is plain ASCII");
    response.headers_mut().insert(header::ETAG, value);
}

/// The condition that a caller put on a change, in the header `If-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// None, or that the record exists.
    Any,
    /// One of these versions.
    Versions(Vec<i64>),
}

/// The condition on a change, for the description of the API.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "documents what IfMatch reads")]
pub struct IfMatchParameter {
    /// Makes the change only if the record still has one of these entity tags.
    #[param(
        rename = "If-Match",
        nullable = false,
        example = "*",
        pattern = r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#
    )]
    if_match: Option<String>,
}

impl IfMatch {
    fn read(headers: &HeaderMap) -> Result<Self> {
        let mut versions = Vec::new();
        let values: Vec<_> = headers.get_all(header::IF_MATCH).iter().collect();
        if values.is_empty() {
            return Ok(Self::Any);
        }
        for value in values {
            let tags = value.to_str().unwrap_or_default();
            if tags.trim() == "*" {
                return Ok(Self::Any);
            }
            for tag in tags.split(',').map(str::trim) {
                let opaque = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                match opaque {
                    // A tag that is not one of ours names no version, and matches none.
                    Some(opaque) => {
                        let version = opaque.split('-').next().unwrap_or_default();
                        versions.extend(version.parse::<i64>());
                    }
                    // A weak tag never matches here (RFC 9110, section 13.1.1).
                    None if tag.starts_with("W/\"") => {}
                    None => {
                        return Err(Error::parameter(
                            "If-Match",
                            "must be * or an entity tag in quotes, as the header ETag gives it",
                        ));
                    }
                }
            }
        }
        Ok(Self::Versions(versions))
    }

    /// Fails unless the record stands at a version that the caller knows.
    pub fn check(&self, version: i64) -> Result<()> {
        match self {
            Self::Versions(versions) if !versions.contains(&version) => {
                Err(Error::PreconditionFailed {
                    current: format!("version {version}"),
                })
            }
            _ => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Self::read(&parts.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn if_match(value: &'static str) -> Result<IfMatch> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_static(value));
        IfMatch::read(&headers)
    }

    #[test]
    fn a_change_is_conditional_on_the_version_and_not_on_the_day() {
        let today = Tagged::new(&"20 days left", 7).etag;
        let tomorrow = Tagged::new(&"19 days left", 7).etag;
        assert_ne!(today, tomorrow);
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, today.parse().unwrap());
        let condition = IfMatch::read(&headers).unwrap();
        assert!(condition.check(7).is_ok());
        assert!(condition.check(8).is_err());
    }

    #[test]
    fn weak_and_foreign_tags_match_nothing_and_no_tag_at_all_is_refused() {
        assert!(if_match("*").unwrap().check(1).is_ok());
        assert!(if_match("\"6-ab\", \"7-cd\"").unwrap().check(7).is_ok());
        assert!(if_match("W/\"7-ab\"").unwrap().check(7).is_err());
        assert!(if_match("\"something\"").unwrap().check(7).is_err());
        assert!(if_match("7").is_err());
    }
}
