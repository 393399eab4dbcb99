//! `idempotency_keys`: the answers to bookings, so that a retried request books once.

use sea_orm::entity::prelude::*;

/// A row of `idempotency_keys`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    /// The request header `Idempotency-Key`, as sent.
    #[sea_orm(
        primary_key,
        auto_increment = false,
        column_type = "String(StringLen::N(255))"
    )]
    pub key: String,
    /// SHA-256 of the request's path and body, in base64url.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub fingerprint: String,
    /// The answer's entity tag.
    #[sea_orm(column_type = "Text")]
    pub etag: String,
    /// The answer's body.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    #[sea_orm(indexed)]
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
