//! `POST /drugs/{id}/refill`: packages came into the house.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{Projection, Quantity, Stock};
use entity::drug::{ActiveModel, Column, Entity, Model};
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, SimpleExpr};
use sea_orm::{ActiveModelBehavior, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use utoipa::ToSchema;

use super::{locked, output::DrugOut, record, tagged};
use crate::body::{Fields, OptionalJsonBody};
use crate::database::Session;
use crate::doctor_vacations::absences;
use crate::etag::{IfMatch, Tagged};
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
    request_body = RefillIn,
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
    let (now, today) = (store.now(), store.today());
    let write = store.database.write(move |session| {
        Box::pin(async move {
            if let Some(key) = &key
                && let Some(known) = key.claim(session, now).await?
            {
                return Ok(Booked::Before(known));
            }
            let row = refill.book(session, now, today, &id, &condition).await?;
            let answer = tagged(row, &absences(session).await?, today)?;
            if let Some(key) = &key {
                key.keep(session, &answer).await?;
            }
            Ok::<_, Error>(Booked::Now(answer))
        })
    });
    Ok(match write.await? {
        Booked::Now(answer) => answer.into_response(),
        Booked::Before(known) => {
            ([(REPLAYED, HeaderValue::from_static("true"))], known).into_response()
        }
    })
}

/// The answer to a booking that was made now, or before under the same key.
enum Booked {
    Now(Tagged),
    Before(Tagged),
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
        session: &mut Session,
        now: DateTime<Utc>,
        today: NaiveDate,
        id: &page::Id,
        condition: &IfMatch,
    ) -> Result<Model> {
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
            .col_expr(Column::UpdatedAt, Expr::val(now))
            .filter(Column::Id.eq(id.number()))
            .filter(total.lte(Quantity::MAX.thousandths()));
        if let IfMatch::Versions(versions) = condition {
            update = update.filter(Column::Version.is_in(versions.iter().copied()));
        }
        if let Some(row) = session.update_many(update).await?.pop() {
            let stock = record::stock(&row)?;
            return write_stock(session, &row, stock, ActiveModel::new()).await;
        }
        self.book_settled(session, now, today, id, condition).await
    }

    /// Books where the statement found no row: what was counted long ago and what came in since may be
    /// more than a drug can have, while what is left of it today is not.
    async fn book_settled(
        self,
        session: &mut Session,
        now: DateTime<Utc>,
        today: NaiveDate,
        id: &page::Id,
        condition: &IfMatch,
    ) -> Result<Model> {
        let row = locked(session, id).await?;
        condition.check(row.version)?;
        let added = match self {
            Self::Packages(packages) => {
                Quantity::from_thousandths(row.package_size.saturating_mul(packages))
            }
            Self::Amount(amount) => Ok(amount),
        };
        let (stock, therapy) = (record::stock(&row)?, record::therapy(&row)?);
        let stock = added.and_then(|added| stock.add(&therapy, added, today)).map_err(|_| {
            Error::Conflict(format!(
                "The stock would be more than {} units, the most that a drug can have. Nothing was booked.",
                Quantity::MAX
            ))
        })?;
        let written = ActiveModel {
            current_amount: Set(stock.counted_amount.thousandths()),
            counted_on: Set(stock.counted_on),
            version: Set(row.version + 1),
            updated_at: Set(now),
            ..ActiveModel::new()
        };
        write_stock(session, &row, stock, written).await
    }
}

/// One value while the stock lasts, another after the day on which it was used up.
fn unless_used_up(today: NaiveDate, lasting: SimpleExpr, used_up: SimpleExpr) -> SimpleExpr {
    CaseStatement::new()
        .case(Column::RunOutDate.lt(today), used_up)
        .finally(lasting)
        .into()
}

/// Writes the dates that follow from a stock, beside what else there is to write of its row.
async fn write_stock(
    session: &mut Session,
    row: &Model,
    stock: Stock,
    written: ActiveModel,
) -> Result<Model> {
    let projection = Projection::of(&stock, &record::therapy(row)?, record::lead_days(row)?);
    let written = ActiveModel {
        id: Set(row.id),
        run_out_date: Set(projection.run_out_date),
        reorder_date: Set(projection.reorder_date),
        ..written
    };
    Ok(session.change(row, written).await?)
}
