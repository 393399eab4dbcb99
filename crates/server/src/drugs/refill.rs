//! `POST /drugs/{id}/refill`: packages came into the house.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use domain::{Projection, Quantity};
use entity::drug::{ActiveModel, Column, Entity, Model};
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, SimpleExpr};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
};
use utoipa::ToSchema;

use super::{not_found, output::DrugOut, record, tagged};
use crate::body::{Fields, OptionalJsonBody};
use crate::etag::IfMatch;
use crate::idempotency::IdempotencyKey;
use crate::json::{self, Amount};
use crate::page;
use crate::problem::{Error, Result};
use crate::state::Store;

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const MAX_PACKAGES: i64 = 1000;

/// What came in: packages of today's size, or an amount. One package if nothing is said.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents what Refill::read reads")]
pub struct RefillIn {
    /// How many packages; not beside `amount`.
    #[schema(minimum = 1, maximum = 1000, default = 1)]
    packages: Option<i64>,
    /// How many units, where it was no whole package; not beside `packages`.
    #[schema(required = false, schema_with = json::positive_amount_in)]
    amount: Amount,
}

/// What is added.
#[derive(Clone, Copy, Debug)]
enum Refill {
    Packages(i64),
    Amount(Quantity),
}

/// Refill a drug
///
/// Adds packages of the drug's `package_size`, or an amount, to the stock. With an `Idempotency-Key` a request that is
/// sent again within 7 days is answered again and not booked again.
#[utoipa::path(post, path = "/drugs/{id}/refill", operation_id = "refill_drug", tag = "drugs",
    params(page::IdParameter, page::IfMatchParameter,
        ("Idempotency-Key" = Option<String>, Header, nullable = false, description = "Any text that names this booking, as a UUID.",
            max_length = 255)),
    request_body(content = Option<RefillIn>),
    responses((status = 200, body = DrugOut, headers(
        ("ETag" = String, description = "The drug's entity tag."),
        ("Idempotent-Replayed" = String, description = "`true` where the booking was made before."),
    ))))]
pub(super) async fn refill(
    store: Store,
    id: page::Id,
    headers: HeaderMap,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Response> {
    let condition = IfMatch::read(&headers)?;
    let key = IdempotencyKey::read(&headers, &format!("/drugs/{id}/refill"), &body)?;
    let refill = Refill::read(&body)?;
    let tx = store.database.begin().await?;
    if let Some(key) = &key
        && let Some(known) = key.claim(&tx, &store).await?
    {
        return Ok(([(REPLAYED, HeaderValue::from_static("true"))], known).into_response());
    }
    let row = refill.book(&tx, &store, &id, &condition).await?;
    let answer = tagged(&row, &tx, &store).await?;
    if let Some(key) = &key {
        key.keep(&tx, &answer).await?;
    }
    tx.commit().await?;
    Ok(answer.into_response())
}

impl Refill {
    fn read(body: &[u8]) -> Result<Self> {
        if body.is_empty() {
            return Ok(Self::Packages(1));
        }
        let mut fields = Fields::parse(body)?;
        let packages = fields.optional("packages", json::integer(1..=MAX_PACKAGES));
        let amount = fields.optional("amount", json::positive_amount);
        if packages.is_some() && amount.is_some() {
            fields.refuse("amount", "must be left out where packages are given");
        }
        fields.finish()?;
        Ok(
            amount.map_or(Self::Packages(packages.unwrap_or(1)), |Amount(amount)| {
                Self::Amount(amount)
            }),
        )
    }

    /// Adds to the stock in one statement, so that no booking beside it is lost, and brings the dates
    /// that follow from the stock up to date before anybody can see the row.
    async fn book(
        self,
        tx: &DatabaseTransaction,
        store: &Store,
        id: &page::Id,
        condition: &IfMatch,
    ) -> Result<Model> {
        let today = store.today();
        let added: SimpleExpr = match self {
            Self::Packages(packages) => Column::PackageSize.into_expr().mul(packages),
            Self::Amount(amount) => Expr::val(amount.thousandths()),
        };
        let total =
            unless_used_up(today, Column::CurrentAmount.into_expr(), Expr::val(0_i64)).add(added);
        let mut update = Entity::update_many()
            .col_expr(Column::CurrentAmount, total.clone())
            .col_expr(
                Column::CountedOn,
                unless_used_up(today, Column::CountedOn.into_expr(), Expr::val(today)),
            )
            .col_expr(Column::Version, Column::Version.into_expr().add(1_i64))
            .col_expr(Column::UpdatedAt, Expr::val(store.now()))
            .filter(Column::Id.eq(id.number()))
            .filter(total.lte(Quantity::MAX.thousandths()));
        if let IfMatch::Versions(versions) = condition {
            update = update.filter(Column::Version.is_in(versions.iter().copied()));
        }
        let Some(row) = update.exec_with_returning(tx).await?.pop() else {
            return Err(why_not(tx, id, condition).await?);
        };
        let therapy = record::therapy(&row)?;
        let projection = Projection::of(&record::stock(&row)?, &therapy, record::lead_days(&row)?);
        let dates = ActiveModel {
            id: Set(row.id),
            run_out_date: Set(projection.run_out_date),
            reorder_date: Set(projection.reorder_date),
            ..Default::default()
        };
        Ok(dates.update(tx).await?)
    }
}

/// One value while the stock lasts, another after the day on which it was used up.
fn unless_used_up(today: NaiveDate, lasting: SimpleExpr, used_up: SimpleExpr) -> SimpleExpr {
    CaseStatement::new()
        .case(Column::RunOutDate.lt(today), used_up)
        .finally(lasting)
        .into()
}

/// Why the statement found no row to book on.
async fn why_not(tx: &DatabaseTransaction, id: &page::Id, condition: &IfMatch) -> Result<Error> {
    let row = Entity::find_by_id(id.number()).one(tx).await?;
    let Some(row) = row else {
        return Ok(not_found(id));
    };
    condition.check(row.version)?;
    Ok(Error::Conflict(format!(
        "The stock would be more than {} units, the most that a drug can have. Nothing was booked.",
        Quantity::MAX
    )))
}
