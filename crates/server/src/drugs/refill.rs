//! `POST /drugs/{id}/refill`: packages came into the house.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{Projection, Quantity};
use entity::drug::{Entity, Model};
use utoipa::ToSchema;

use super::{locked, output::DrugOut, record, tagged};
use crate::body::{Fields, OptionalJsonBody};
use crate::database::Session;
use crate::doctor_vacations::absences;
use crate::etag::{IfMatch, IfMatchParameter, Tagged};
use crate::id::{Id, IdParameter};
use crate::idempotency::IdempotencyKey;
use crate::json::{self, Amount};
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
#[utoipa::path(post, path = "/api/v1/drugs/{id}/refill", operation_id = "refill_drug", tag = "drugs",
    params(IdParameter, IfMatchParameter,
        ("Idempotency-Key" = Option<String>, Header, nullable = false, description = "Any text that names this booking, as a UUID.",
            max_length = 255)),
    request_body = RefillIn,
    responses((status = 200, body = DrugOut, headers(
        ("ETag" = String, description = "The drug's entity tag."),
        ("Idempotent-Replayed" = String, description = "`true` where the booking was made before."),
    ))))]
pub(super) async fn refill(
    store: Store,
    id: Id,
    condition: IfMatch,
    headers: HeaderMap,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Response> {
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
        let (mut packages, mut amount) = (None, None);
        let number = json::some(json::integer(1..=MAX_PACKAGES));
        fields.optional("packages", &mut packages, number);
        fields.optional("amount", &mut amount, json::some(json::positive_amount));
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

    /// Adds to the stock of a row that nobody else changes meanwhile, with the dates that follow from it.
    async fn book(
        self,
        session: &mut Session,
        now: DateTime<Utc>,
        today: NaiveDate,
        id: &Id,
        condition: &IfMatch,
    ) -> Result<Model> {
        let before = locked(session, id).await?;
        condition.check(before.version)?;
        let added = match self {
            Self::Packages(packages) => {
                Quantity::from_thousandths(before.package_size.saturating_mul(packages))
            }
            Self::Amount(amount) => Ok(amount),
        };
        let (stock, therapy) = (record::stock(&before)?, record::therapy(&before)?);
        let stock = added.and_then(|added| stock.add(&therapy, added, today)).map_err(|_| {
            Error::Conflict(format!(
                "The stock would be more than {} units, the most that a drug can have. Nothing was booked.",
                Quantity::MAX
            ))
        })?;
        let projection = Projection::of(&stock, &therapy, record::lead_days(&before)?);
        let row = Model {
            current_amount: stock.counted_amount.thousandths(),
            counted_on: stock.counted_on,
            run_out_date: projection.run_out_date,
            reorder_date: projection.reorder_date,
            version: before.version + 1,
            updated_at: now,
            ..before.clone()
        };
        session.change::<Entity>(&before, &row).await?;
        Ok(row)
    }
}
