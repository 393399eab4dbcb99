//! `/doctor-vacations`: when the doctor is away, so that everything is ordered before.

use axum::extract::RawQuery;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{Absence, Absences};
use entity::doctor_vacation::{ActiveModel, Column, Entity, Model};
use entity::drug;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveValue::NotSet, EntityTrait, FromQueryResult, QuerySelect, QueryTrait};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::body::{Fields, JsonBody, PatchBody};
use crate::database::{Query, Session};
use crate::etag::{IfMatch, IfMatchParameter, IfNoneMatch, PageTag, Tagged};
use crate::id::{Id, IdParameter};
use crate::page::{self, PageRequest, Plan, Rows, SortKeys};
use crate::problem::{Error, Result};
use crate::query::Parameters;
use crate::state::{App, Store};
use crate::{json, openapi};

const SORT_KEYS: &SortKeys<Column> = &[("id", Column::Id), ("start_date", Column::StartDate)];

/// The writable members of an absence of the doctor; both days belong to it.
#[derive(Clone, Debug, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DoctorVacationIn {
    #[schema(schema_with = json::date_in)]
    pub start_date: NaiveDate,
    #[schema(schema_with = json::date_in)]
    pub end_date: NaiveDate,
    #[schema(max_length = 2000, example = "Dr. Weber stands in")]
    pub notes: Option<String>,
}

/// An absence of the doctor; both days belong to it.
#[derive(Clone, Debug, ToSchema)]
pub struct DoctorVacationOut {
    pub id: i64,
    pub start_date: NaiveDate,
    pub end_date: NaiveDate,
    #[schema(required = true)]
    pub notes: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The parameters of the list of absences.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what the list reads")]
pub struct ListParameters {
    /// How many absences a page has.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u64>,
    /// Where the page begins, from the header `Link` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
    /// `id` or `start_date`, with a minus before it for descending.
    #[param(
        pattern = "^-?(id|start_date)(,-?(id|start_date))*$",
        default = "start_date"
    )]
    sort: Option<String>,
}

json::object!(DoctorVacationOut {
    id,
    start_date,
    end_date,
    notes,
    created_at,
    updated_at,
});

impl DoctorVacationIn {
    fn read(fields: Fields) -> Result<Self> {
        Self::default().changed(fields)
    }

    /// Reads members over what they were.
    fn changed(mut self, mut fields: Fields) -> Result<Self> {
        let Self {
            start_date,
            end_date,
            notes,
        } = &mut self;
        fields.required("start_date", start_date, json::date);
        fields.required("end_date", end_date, json::date);
        let lines = json::blank_or(|v| domain::text::multi_line(v, 2000));
        fields.optional("notes", notes, lines);
        let (start, end) = (self.start_date, self.end_date);
        if end < start && !fields.refused("start_date") && !fields.refused("end_date") {
            fields.refuse(
                "end_date",
                format!("must not be before start_date, which is {start}"),
            );
        }
        fields.finish()?;
        Ok(self)
    }

    fn of(row: &Model) -> Self {
        Self {
            start_date: row.start_date,
            end_date: row.end_date,
            notes: row.notes.clone(),
        }
    }

    /// The row that it gives, after what it was before; a new one has no id yet.
    fn row(self, before: Option<&Model>, now: DateTime<Utc>) -> Model {
        let Self {
            start_date,
            end_date,
            notes,
        } = self;
        Model {
            id: before.map_or(0, |before| before.id),
            start_date,
            end_date,
            notes,
            version: before.map_or(1, |before| before.version + 1),
            created_at: before.map_or(now, |before| before.created_at),
            updated_at: now,
        }
    }
}

impl From<Model> for DoctorVacationOut {
    fn from(row: Model) -> Self {
        let Model {
            id,
            start_date,
            end_date,
            notes,
            version: _,
            created_at,
            updated_at,
        } = row;
        Self {
            id,
            start_date,
            end_date,
            notes,
            created_at,
            updated_at,
        }
    }
}

/// The days of an absence alone.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Days {
    pub(crate) start_date: NaiveDate,
    pub(crate) end_date: NaiveDate,
}

static DAYS: Query = Query::new(|| {
    let days = Entity::find().select_only();
    days.columns([Column::StartDate, Column::EndDate])
        .into_query()
});

/// Every absence of the doctor, for the rules.
pub(crate) async fn absences(session: &mut Session) -> Result<Absences> {
    Ok(of_days(session.ready(&DAYS, Vec::new()).await?))
}

/// A drug, and every absence of the doctor at that moment.
pub(crate) async fn drug_and_absences(
    session: &mut Session,
    id: i64,
) -> Result<Option<(drug::Model, Absences)>> {
    let found = session.find_and_days::<drug::Entity>(id, &DAYS).await?;
    Ok(found.map(|(drug, days)| (drug, of_days(days))))
}

fn of_days(rows: Vec<Days>) -> Absences {
    Absences::new(rows.into_iter().map(|days| Absence {
        start: days.start_date,
        end: days.end_date,
    }))
}

/// Every route of this resource.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
}

/// List the doctor's absences
#[utoipa::path(get, path = "/api/v1/doctor-vacations", operation_id = "list_doctor_vacations", tag = "doctor vacations", params(ListParameters),
    responses((status = 200, body = [DoctorVacationOut], headers(
        ("X-Total-Count" = u64, description = "How many absences there are, on all pages."),
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
    let state = store.database.state().await?;
    let tag = PageTag::new(&state, &uri.to_string(), store.today());
    if let Some(unchanged) = tag.unchanged(&known) {
        return Ok(unchanged);
    }
    let mut parameters = Parameters::parse(query.as_deref());
    let request = PageRequest::read(&mut parameters, SORT_KEYS, "start_date");
    parameters.finish()?;
    let mut session = store.database.read().await?;
    let plan = Plan::new::<Entity>(request, &Rows::all(), session.backend());
    let page = plan.read::<Entity>(&mut session).await?;
    let total = Entity::find()
        .select_only()
        .column_as(Expr::cust("*").count(), "number");
    let total = session.number(total.as_query()).await?;
    drop(session);
    let headers = page.headers(uri.path(), query.as_deref(), total.unsigned_abs());
    let vacations = page.rows.into_iter().map(|row| Ok(row.into()));
    let answer = page::answer::<DoctorVacationOut>(headers, vacations)?;
    Ok(tag.on(answer))
}

/// Create an absence of the doctor
#[utoipa::path(post, path = "/api/v1/doctor-vacations", operation_id = "create_doctor_vacation", tag = "doctor vacations", request_body = DoctorVacationIn,
    responses((status = 201, body = DoctorVacationOut, headers(
        ("Location" = String, description = "Where the absence is now."),
        ("ETag" = String, description = "The absence's entity tag."),
    ))))]
async fn create(store: Store, JsonBody(body): JsonBody) -> Result<Response> {
    let input = DoctorVacationIn::read(Fields::parse(&body)?)?;
    let row = ActiveModel {
        id: NotSet,
        ..input.row(None, store.now()).into()
    };
    let write = store
        .database
        .write(move |session| Box::pin(async move { session.insert(row).await }));
    let row = write.await?;
    let location = format!("{}/doctor-vacations/{}", openapi::PREFIX, row.id);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        tagged(row),
    )
        .into_response())
}

/// Read an absence of the doctor
#[utoipa::path(get, path = "/api/v1/doctor-vacations/{id}", operation_id = "read_doctor_vacation", tag = "doctor vacations", params(IdParameter),
    responses(
        (status = 200, body = DoctorVacationOut, headers(("ETag" = String, description = "The absence's entity tag."))),
        (status = 304, description = "The caller has this state already: If-None-Match names its tag."),
    ))]
async fn read(store: Store, id: Id, known: IfNoneMatch) -> Result<Response> {
    let mut session = store.database.glance().await?;
    let row = session.find::<Entity>(id.number()).await?;
    Ok(tagged(row.ok_or_else(|| not_found(&id))?).answer(&known))
}

/// Replace an absence of the doctor
#[utoipa::path(put, path = "/api/v1/doctor-vacations/{id}", operation_id = "replace_doctor_vacation", tag = "doctor vacations",
    params(IdParameter, IfMatchParameter), request_body = DoctorVacationIn,
    responses((status = 200, body = DoctorVacationOut,
        headers(("ETag" = String, description = "The absence's entity tag.")))))]
async fn replace(
    store: Store,
    id: Id,
    condition: IfMatch,
    JsonBody(body): JsonBody,
) -> Result<Tagged> {
    let input = DoctorVacationIn::read(Fields::parse(&body)?)?;
    change(store, id, condition, move |_| Ok(input)).await
}

/// Change some members of an absence of the doctor
///
/// A JSON merge patch (RFC 7396): an absent member stays, null removes it, a value replaces it.
#[utoipa::path(patch, path = "/api/v1/doctor-vacations/{id}", operation_id = "patch_doctor_vacation", tag = "doctor vacations",
    params(IdParameter, IfMatchParameter),
    request_body(content(
        (openapi::DoctorVacationPatch = "application/merge-patch+json"),
        (openapi::DoctorVacationPatch = "application/json"),
    )),
    responses((status = 200, body = DoctorVacationOut,
        headers(("ETag" = String, description = "The absence's entity tag.")))))]
async fn patch(
    store: Store,
    id: Id,
    condition: IfMatch,
    PatchBody(body): PatchBody,
) -> Result<Tagged> {
    let patch = Fields::parse_patch(&body)?;
    change(store, id, condition, move |before| {
        DoctorVacationIn::of(before).changed(patch)
    })
    .await
}

/// Delete an absence of the doctor
#[utoipa::path(delete, path = "/api/v1/doctor-vacations/{id}", operation_id = "delete_doctor_vacation", tag = "doctor vacations",
    params(IdParameter, IfMatchParameter), responses((status = 204, description = "It is gone.")))]
async fn delete(store: Store, id: Id, condition: IfMatch) -> Result<StatusCode> {
    let write = store.database.write(move |session| {
        Box::pin(async move {
            let row = locked(session, &id).await?;
            condition.check(row.version)?;
            let delete = Entity::delete_by_id(row.id);
            session.execute(delete.as_query()).await?;
            Ok::<_, Error>(())
        })
    });
    write.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes what an absence is to be, given what it was while nobody else changes it.
async fn change(
    store: Store,
    id: Id,
    condition: IfMatch,
    to: impl FnOnce(&Model) -> Result<DoctorVacationIn> + Send + 'static,
) -> Result<Tagged> {
    let now = store.now();
    let write = store.database.write(move |session| {
        Box::pin(async move {
            let before = locked(session, &id).await?;
            condition.check(before.version)?;
            let row = to(&before)?.row(Some(&before), now);
            session.change::<Entity>(&before, &row).await?;
            Ok::<_, Error>(row)
        })
    });
    Ok(tagged(write.await?))
}

/// The row with this id, which nobody else changes until the transaction ends.
async fn locked(session: &mut Session, id: &Id) -> Result<Model> {
    let row = session.lock::<Entity>(id.number()).await?;
    row.ok_or_else(|| not_found(id))
}

fn tagged(row: Model) -> Tagged {
    let version = row.version;
    Tagged::new(&DoctorVacationOut::from(row), version)
}

fn not_found(id: &Id) -> Error {
    Error::NotFound {
        resource: "doctor vacation",
        id: id.to_string(),
    }
}
