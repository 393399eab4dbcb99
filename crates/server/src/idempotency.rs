//! `Idempotency-Key`: a booking that is sent again is answered again, not booked again.
//!
//! The key is stored in the booking's own transaction, so there is never one without the other.

use axum::http::HeaderMap;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use entity::idempotency_key;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use sha2::{Digest, Sha256};

use crate::database::Session;
use crate::etag::Tagged;
use crate::problem::{Error, Result};

/// How long an answer is kept for a retry.
const KEPT: TimeDelta = TimeDelta::days(7);
const MAX_LENGTH: usize = 255;

/// A caller's key, with what it was sent for.
#[derive(Debug)]
pub struct IdempotencyKey {
    key: String,
    fingerprint: String,
}

impl IdempotencyKey {
    /// Reads the header `Idempotency-Key` of a request to `path` with `body`.
    pub fn read(headers: &HeaderMap, path: &str, body: &[u8]) -> Result<Option<Self>> {
        let mut values = headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let key = value.to_str().unwrap_or_default().trim();
        let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if values.next().is_some() || key.is_empty() || key.len() > MAX_LENGTH || !visible {
            return Err(Error::parameter(
                "Idempotency-Key",
                format!("must be one value of 1 to {MAX_LENGTH} visible ASCII characters"),
            ));
        }
        let digest = Sha256::new()
            .chain_update(path)
            .chain_update([0])
            .chain_update(body)
            .finalize();
        let fingerprint = BASE64_URL_SAFE_NO_PAD.encode(digest);
        Ok(Some(Self {
            key: key.to_owned(),
            fingerprint,
        }))
    }

    /// Takes the key for this transaction, or finds the answer that was given to it before.
    ///
    /// # Errors
    /// [`Error::KeyReused`] where the key came with another request.
    pub async fn claim(&self, session: &mut Session, now: DateTime<Utc>) -> Result<Option<Tagged>> {
        let outdated = idempotency_key::Entity::delete_many()
            .filter(idempotency_key::Column::CreatedAt.lt(now - KEPT));
        session.execute(outdated.as_query()).await?;
        // A concurrent request with this key waits here until the first has committed.
        let insert = idempotency_key::Entity::insert(idempotency_key::ActiveModel {
            key: Set(self.key.clone()),
            fingerprint: Set(self.fingerprint.clone()),
            etag: Set(String::new()),
            body: Set(String::new()),
            created_at: Set(now),
        })
        .on_conflict(
            OnConflict::column(idempotency_key::Column::Key)
                .do_nothing()
                .to_owned(),
        );
        if session.execute(insert.as_query()).await? == 1 {
            return Ok(None);
        }
        let known = session
            .find::<idempotency_key::Entity>(self.key.clone())
            .await?
            .ok_or_else(|| Error::Corrupt("an idempotency key is there and is not".into()))?;
        if known.fingerprint != self.fingerprint {
            return Err(Error::KeyReused);
        }
        Ok(Some(Tagged {
            body: known.body.into_bytes(),
            etag: known.etag,
        }))
    }

    /// Keeps the answer beside the booking that it answers.
    pub async fn keep(&self, session: &mut Session, answer: &Tagged) -> Result<()> {
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        let update = idempotency_key::Entity::update_many()
            .col_expr(idempotency_key::Column::Etag, answer.etag.clone().into())
            .col_expr(idempotency_key::Column::Body, body.into())
            .filter(idempotency_key::Column::Key.eq(&self.key));
        session.execute(update.as_query()).await?;
        Ok(())
    }
}
