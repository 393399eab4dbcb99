//! `/drugs`: the drugs of a household, each with its stock, its schedule and when to order it.

mod input;
mod list;
mod output;
mod record;
mod refill;

use axum::extract::RawQuery;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use domain::Absences;
use entity::drug;
use sea_orm::{ActiveValue::NotSet, EntityTrait, QueryTrait};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::input::{DrugIn, ScheduleType};
pub use self::list::{ListParameters, statements as list_statements};
pub use self::output::{DoctorAway, DrugOut};
pub use self::refill::RefillIn;

use self::input::StockMember;
use crate::body::{Fields, JsonBody, PatchBody};
use crate::database::Session;
use crate::doctor_vacations::{absences, drug_and_absences};
use crate::etag::{IfMatch, IfMatchParameter, IfNoneMatch, PageTag, Tagged};
use crate::id::{Id, IdParameter};
use crate::problem::{Error, Result};
use crate::state::{App, Store};
use crate::{openapi, page};

/// Every route of this resource.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
        .routes(routes!(refill::refill))
}

/// List drugs
///
/// Archived drugs are left out unless they are asked for. With `needs_reorder=true` the most urgent come first.
#[utoipa::path(get, path = "/api/v1/drugs", operation_id = "list_drugs", tag = "drugs", params(ListParameters),
    responses((status = 200, body = [DrugOut], headers(
        ("X-Total-Count" = u64, description = "How many drugs match, on all pages."),
        ("Link" = String, description = "The first page and, where there is one, the next (RFC 8288)."),
        ("ETag" = String, description = "The page's entity tag; another one after any change, and the next day."),
    )),
        (status = 304, description = "The caller has this page already: If-None-Match names its tag."),
    ))]
async fn list(
    store: Store,
    uri: Uri,
    RawQuery(query): RawQuery,
    known: IfNoneMatch,
) -> Result<Response> {
    let today = store.today();
    let tag = PageTag::new(&store.database.state().await?, &uri.to_string(), today);
    if let Some(unchanged) = tag.unchanged(&known) {
        return Ok(unchanged);
    }
    let mut session = store.database.read().await?;
    let absences = absences(&mut session).await?;
    let listing = list::Listing::of(query.as_deref(), today, &absences, session.backend())?;
    let (page, total) = listing.read(&mut session).await?;
    drop(session);
    let headers = page.headers(uri.path(), query.as_deref(), total);
    let drugs = page.rows.into_iter();
    let drugs = drugs.map(|row| DrugOut::new(row, &absences, today));
    Ok(tag.on(page::answer(headers, drugs)?))
}

/// Create a drug
#[utoipa::path(post, path = "/api/v1/drugs", operation_id = "create_drug", tag = "drugs", request_body = DrugIn,
    responses((status = 201, body = DrugOut, headers(
        ("Location" = String, description = "Where the drug is now."),
        ("ETag" = String, description = "The drug's entity tag."),
    ))))]
async fn create(store: Store, JsonBody(body): JsonBody) -> Result<Response> {
    let input = DrugIn::read(Fields::parse(&body)?, StockMember::Optional)?;
    let (now, today) = (store.now(), store.today());
    let stock = input.counted(today);
    let row = drug::ActiveModel {
        id: NotSet,
        ..record::row(None, input, stock, now).into()
    };
    let write = store.database.write(move |session| {
        Box::pin(async move {
            let row = session.insert(row).await?;
            Ok::<_, Error>((row, absences(session).await?))
        })
    });
    let (row, absences) = write.await?;
    let location = format!("{}/drugs/{}", openapi::PREFIX, row.id);
    let answer = tagged(row, &absences, today)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], answer).into_response())
}

/// Read a drug
#[utoipa::path(get, path = "/api/v1/drugs/{id}", operation_id = "read_drug", tag = "drugs", params(IdParameter),
    responses(
        (status = 200, body = DrugOut, headers(("ETag" = String, description = "The drug's entity tag."))),
        (status = 304, description = "The caller has this state already: If-None-Match names its tag."),
    ))]
async fn read(store: Store, id: Id, known: IfNoneMatch) -> Result<Response> {
    let mut session = store.database.glance().await?;
    let found = drug_and_absences(&mut session, id.number()).await?;
    drop(session);
    let (row, absences) = found.ok_or_else(|| not_found(&id))?;
    Ok(tagged(row, &absences, store.today())?.answer(&known))
}

/// Replace a drug
///
/// `current_amount` is required and counts as a correction: it is what is there now.
#[utoipa::path(put, path = "/api/v1/drugs/{id}", operation_id = "replace_drug", tag = "drugs", params(IdParameter, IfMatchParameter),
    request_body = openapi::DrugReplacement,
    responses((status = 200, body = DrugOut, headers(("ETag" = String, description = "The drug's entity tag.")))))]
async fn replace(
    store: Store,
    id: Id,
    condition: IfMatch,
    JsonBody(body): JsonBody,
) -> Result<Tagged> {
    let input = DrugIn::read(Fields::parse(&body)?, StockMember::Required)?;
    let stock = input.counted(store.today());
    change(store, id, condition, move |_| Ok((input, stock))).await
}

/// Change some members of a drug
///
/// A JSON merge patch (RFC 7396): an absent member stays, null removes it, a value replaces it. A changed schedule
/// applies from today on; `current_amount` counts as a correction.
#[utoipa::path(patch, path = "/api/v1/drugs/{id}", operation_id = "patch_drug", tag = "drugs", params(IdParameter, IfMatchParameter),
    request_body(content(
        (openapi::DrugPatch = "application/merge-patch+json"),
        (openapi::DrugPatch = "application/json"),
    )),
    responses((status = 200, body = DrugOut, headers(("ETag" = String, description = "The drug's entity tag.")))))]
async fn patch(
    store: Store,
    id: Id,
    condition: IfMatch,
    PatchBody(body): PatchBody,
) -> Result<Tagged> {
    let patch = Fields::parse_patch(&body)?;
    let today = store.today();
    change(store, id, condition, move |before| {
        let counts = patch.has("current_amount");
        let input = DrugIn::of(before.clone(), today)?.changed(patch, StockMember::Required)?;
        let (stock, therapy) = (record::stock(before)?, record::therapy(before)?);
        let stock = if counts {
            input.counted(today)
        } else if input.therapy() == therapy {
            stock
        } else {
            // Past days keep the schedule that they had.
            stock.settle(&therapy, today)
        };
        Ok((input, stock))
    })
    .await
}

/// Delete a drug
#[utoipa::path(delete, path = "/api/v1/drugs/{id}", operation_id = "delete_drug", tag = "drugs", params(IdParameter, IfMatchParameter),
    responses((status = 204, description = "It is gone.")))]
async fn delete(store: Store, id: Id, condition: IfMatch) -> Result<StatusCode> {
    let write = store.database.write(move |session| {
        Box::pin(async move {
            let row = locked(session, &id).await?;
            condition.check(row.version)?;
            let delete = drug::Entity::delete_by_id(row.id);
            session.execute(delete.as_query()).await?;
            Ok::<_, Error>(())
        })
    });
    write.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes what a drug is to be, given what it was while nobody else changes it.
async fn change(
    store: Store,
    id: Id,
    condition: IfMatch,
    to: impl FnOnce(&drug::Model) -> Result<(DrugIn, domain::Stock)> + Send + 'static,
) -> Result<Tagged> {
    let (now, today) = (store.now(), store.today());
    let write = store.database.write(move |session| {
        Box::pin(async move {
            let before = locked(session, &id).await?;
            condition.check(before.version)?;
            let (input, stock) = to(&before)?;
            let row = record::row(Some(&before), input, stock, now);
            session.change::<drug::Entity>(&before, &row).await?;
            Ok::<_, Error>((row, absences(session).await?))
        })
    });
    let (row, absences) = write.await?;
    tagged(row, &absences, today)
}

/// The row with this id, which nobody else changes until the transaction ends.
async fn locked(session: &mut Session, id: &Id) -> Result<drug::Model> {
    let row = session.lock::<drug::Entity>(id.number()).await?;
    row.ok_or_else(|| not_found(id))
}

fn tagged(row: drug::Model, absences: &Absences, today: NaiveDate) -> Result<Tagged> {
    let version = row.version;
    let drug = DrugOut::new(row, absences, today)?;
    Ok(Tagged::new(&drug, version))
}

fn not_found(id: &Id) -> Error {
    Error::NotFound {
        resource: "drug",
        id: id.to_string(),
    }
}
