//! Request bodies: one JSON object, read member by member, every refusal with its place.

use std::collections::HashSet;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::header;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::shortened;
use crate::problem::{Error, FieldError, Result};

/// The largest body that is read, in bytes.
pub const LIMIT_BYTES: usize = 64 * 1024;
/// How long a body may take to arrive.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The members of a body that have not been read yet, and what was wrong with those that have.
#[derive(Debug, Default)]
pub struct Fields {
    members: Vec<(String, Box<RawValue>)>,
    errors: Vec<FieldError>,
    /// Whether a member that is absent stays what it is.
    is_patch: bool,
}

/// What is given for a member.
enum Given {
    Nothing,
    Null,
    Value(Box<RawValue>),
}

impl Fields {
    /// The members of a JSON object in text.
    ///
    /// # Errors
    /// [`Error::NotJson`] for text that is not JSON, [`Error::Invalid`] for JSON that is no object.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let text =
            std::str::from_utf8(text).map_err(|_| Error::NotJson("it is not UTF-8".into()))?;
        let raw: &RawValue =
            serde_json::from_str(text).map_err(|error| Error::NotJson(error.to_string()))?;
        if !raw.get().starts_with('{') {
            return Err(Error::Invalid(vec![FieldError::new(
                "",
                "must be a JSON object",
            )]));
        }
        let Members(members) =
            serde_json::from_str(raw.get()).map_err(|error| Error::NotJson(error.to_string()))?;
        let mut names = HashSet::with_capacity(members.len());
        let is_new: Vec<bool> = members
            .iter()
            .map(|(name, _)| names.insert(&**name))
            .collect();
        let mut fields = Self {
            members: Vec::with_capacity(members.len()),
            ..Self::default()
        };
        for ((name, value), is_new) in members.into_iter().zip(is_new) {
            if is_new {
                fields.members.push((name, value));
            } else {
                fields.refuse(&name, "stands twice in the object");
            }
        }
        Ok(fields)
    }

    /// The members of a JSON merge patch (RFC 7396): a member replaces, null removes, and an absent one stays.
    ///
    /// # Errors
    /// Those of [`Self::parse`].
    pub fn parse_patch(text: &[u8]) -> Result<Self> {
        Ok(Self {
            is_patch: true,
            ..Self::parse(text)?
        })
    }

    /// Whether a member is there, null included.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(known, _)| known == name)
    }

    /// Whether a member has been refused already.
    pub fn refused(&self, name: &str) -> bool {
        self.errors
            .iter()
            .any(|error| error.pointer == pointer(name))
    }

    /// Reads a member that must be there. After a refusal its value is a stand-in: [`Self::finish`] keeps it from being
    /// used.
    pub fn required<T: Default>(
        &mut self,
        name: &str,
        member: &mut T,
        parse: impl Fn(&RawValue) -> Result<T, String>,
    ) {
        match self.take(name) {
            Given::Nothing if self.is_patch => {}
            Given::Nothing | Given::Null => {
                self.refuse(name, "is required");
                *member = T::default();
            }
            Given::Value(raw) => *member = self.checked(name, parse(&raw)),
        }
    }

    /// Reads a member that may be absent or null.
    pub fn optional<T: Default>(
        &mut self,
        name: &str,
        member: &mut T,
        parse: impl Fn(&RawValue) -> Result<T, String>,
    ) {
        self.optional_or(name, member, T::default, parse);
    }

    /// Reads a member that is what is usual where it is absent or null.
    pub fn optional_or<T: Default>(
        &mut self,
        name: &str,
        member: &mut T,
        usual: impl FnOnce() -> T,
        parse: impl Fn(&RawValue) -> Result<T, String>,
    ) {
        match self.take(name) {
            Given::Nothing if self.is_patch => {}
            Given::Nothing | Given::Null => *member = usual(),
            Given::Value(raw) => *member = self.checked(name, parse(&raw)),
        }
    }

    /// Notes that a member's value cannot be.
    pub fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        self.errors.push(FieldError::new(pointer(name), detail));
    }

    /// Ends the reading: members that nobody asked for are refused as well.
    pub fn finish(mut self) -> Result<()> {
        for (name, _) in std::mem::take(&mut self.members) {
            self.refuse(
                &name,
                format!("`{}` is not a known member", shortened(&name)),
            );
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.errors))
        }
    }

    fn take(&mut self, name: &str) -> Given {
        let Some(at) = self.members.iter().position(|(known, _)| known == name) else {
            return Given::Nothing;
        };
        let (_, raw) = self.members.remove(at);
        match raw.get() {
            "null" => Given::Null,
            _ => Given::Value(raw),
        }
    }

    fn checked<T: Default>(&mut self, name: &str, parsed: Result<T, String>) -> T {
        parsed.unwrap_or_else(|detail| {
            self.refuse(name, detail);
            T::default()
        })
    }
}

/// A member's JSON Pointer (RFC 6901).
fn pointer(name: &str) -> String {
    format!("/{}", shortened(name).replace('~', "~0").replace('/', "~1"))
}

/// The bytes of a JSON body, its media type checked.
#[derive(Debug)]
pub struct JsonBody(pub Bytes);

/// The bytes of a body that may be absent, its media type checked where there is one.
#[derive(Debug)]
pub struct OptionalJsonBody(pub Bytes);

/// The bytes of a merge patch, its media type checked.
#[derive(Debug)]
pub struct PatchBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        check_media_type(&request, &["application/json"], "application/json")?;
        read(request, state).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for OptionalJsonBody {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let checked = check_media_type(&request, &["application/json"], "application/json");
        let bytes = read(request, state).await?;
        if !bytes.is_empty() {
            checked?;
        }
        Ok(Self(bytes))
    }
}

impl<S: Send + Sync> FromRequest<S> for PatchBody {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        check_media_type(
            &request,
            &["application/merge-patch+json", "application/json"],
            "application/merge-patch+json or application/json",
        )?;
        read(request, state).await.map(Self)
    }
}

async fn read<S: Send + Sync>(mut request: Request, state: &S) -> Result<Bytes> {
    DefaultBodyLimit::max(LIMIT_BYTES).apply(&mut request);
    let bytes = tokio::time::timeout(TIMEOUT, Bytes::from_request(request, state));
    let bytes = bytes.await.map_err(|_| Error::TooSlow { limit: TIMEOUT })?;
    bytes.map_err(|rejection| {
        if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
            Error::TooLarge {
                limit_bytes: LIMIT_BYTES,
            }
        } else {
            Error::NotJson("it did not arrive whole".into())
        }
    })
}

fn check_media_type(request: &Request, allowed: &[&str], allowed_text: &'static str) -> Result<()> {
    let given = request.headers().get(header::CONTENT_TYPE);
    let text = given
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    if allowed
        .iter()
        .any(|media_type| essence.eq_ignore_ascii_case(media_type))
    {
        return Ok(());
    }
    let given = if given.is_some() {
        format!("`{}`", shortened(text))
    } else {
        "missing".into()
    };
    Err(Error::UnsupportedMediaType {
        given,
        allowed: allowed_text,
    })
}

/// An object's members in their order, repetitions included.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members_;
        impl<'de> Visitor<'de> for Members_ {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Members_)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn errors(fields: Fields) -> Vec<(String, String)> {
        match fields.finish() {
            Ok(()) => Vec::new(),
            Err(Error::Invalid(errors)) => errors
                .into_iter()
                .map(|error| (error.pointer, error.detail))
                .collect(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn every_refused_member_is_named_at_once() {
        let mut fields = Fields::parse(br#"{"a": "x", "c": true, "c": false, "d/e": 1}"#).unwrap();
        let mut amount = json::Amount::default();
        fields.required("a", &mut amount, json::amount);
        fields.required("b", &mut amount, json::amount);
        fields.optional("c", &mut true, json::boolean);
        let errors = errors(fields);
        let places: Vec<_> = errors.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(places, ["/c", "/a", "/b", "/d~1e"]);
    }

    #[test]
    fn a_merge_patch_replaces_removes_and_leaves_alone() {
        let patch = br#"{"replaced": 20, "removed": null, "needed": null, "unknown": null}"#;
        let mut fields = Fields::parse_patch(patch).unwrap();
        let number = json::integer(0..=255u8);
        let (mut kept, mut replaced, mut removed, mut needed) = (1, 2, 3, 4);
        fields.required("kept", &mut kept, &number);
        fields.optional("also_kept", &mut kept, &number);
        fields.required("replaced", &mut replaced, &number);
        fields.optional_or("removed", &mut removed, || 7, &number);
        fields.required("needed", &mut needed, &number);
        assert_eq!((kept, replaced, removed), (1, 20, 7));
        let errors = errors(fields);
        let places: Vec<_> = errors.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(places, ["/needed", "/unknown"]);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert!(matches!(Fields::parse(b"[1]"), Err(Error::Invalid(_))));
        for text in [&b""[..], b"{", b"{\"a\":1}x", b"\xff", b"{'a':1}"] {
            assert!(
                matches!(Fields::parse(text), Err(Error::NotJson(_))),
                "{text:?}"
            );
        }
    }
}
