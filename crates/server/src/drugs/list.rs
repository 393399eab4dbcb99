//! `GET /drugs`: which drugs, in which order.

mod filter;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use chrono::NaiveDate;
use domain::Absences;
use entity::drug::{Column, Entity, Model};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, Condition, DbBackend, Statement};
use utoipa::IntoParams;

use self::filter::Filter;
use super::input::ScheduleType;
use crate::database::Session;
use crate::database::record::Number;
use crate::page::{Page, PageRequest, Plan, SortKeys};
use crate::problem::Result;
use crate::query::{Parameters, choice};

const SORT_KEYS: &SortKeys<Column> = &[
    ("id", Column::Id),
    ("name", Column::SearchText),
    ("days_remaining", Column::RunOutDate),
    ("order_by", Column::ReorderDate),
];
const MAX_SEARCH_CHARS: usize = 200;

/// The parameters of the list of drugs.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what ListRequest::read reads")]
pub struct ListParameters {
    /// How many drugs a page has.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u64>,
    /// Where the page begins, from the header `Link` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
    /// Words that stand in the name or the strength, in any case and spelling of accents.
    #[param(max_length = 200, example = "thyroxin 75")]
    q: Option<String>,
    /// Only those that have to be ordered today, or only the others.
    needs_reorder: Option<bool>,
    /// Only those with this schedule.
    schedule_type: Option<ScheduleType>,
    /// Archived drugs: left out, alone, or with the others.
    #[param(inline, default = "false")]
    archived: Option<ArchivedParameter>,
    /// Keys by falling importance out of `id`, `name`, `days_remaining` and `order_by`, each with a minus
    /// before it for descending. What never runs out comes last.
    #[param(
        pattern = "^-?(id|name|days_remaining|order_by)(,-?(id|name|days_remaining|order_by))*$",
        example = "-days_remaining,name"
    )]
    sort: Option<String>,
}

/// What to do with archived drugs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
enum ArchivedParameter {
    False,
    True,
    Any,
}

/// A page of drugs and how many there are, as a database is asked for them.
#[derive(Debug)]
pub(super) struct Listing {
    plan: Plan<Column>,
    total: Statement,
}

/// A page of drugs, as it was asked for.
#[derive(Debug)]
struct ListRequest {
    filter: Filter,
    page: PageRequest<Column>,
}

/// What a listing follows from: the query, today, until when a drug is due, and whether the database is PostgreSQL.
type Question = (String, NaiveDate, NaiveDate, bool);

/// How many listings are kept at most, and for queries of which length: a household asks for the same few every day.
const KEPT: usize = 64;
const KEPT_QUERY_BYTES: usize = 128;

static LISTINGS: LazyLock<Mutex<HashMap<Question, Arc<Listing>>>> = LazyLock::new(Mutex::default);

impl Listing {
    /// What is asked for by a query.
    pub(super) fn of(
        query: Option<&str>,
        today: NaiveDate,
        absences: &Absences,
        backend: DbBackend,
    ) -> Result<Arc<Self>> {
        let listings = || LISTINGS.lock().unwrap_or_else(PoisonError::into_inner);
        let query = query.unwrap_or_default();
        let until = absences.due_until(today);
        let is_postgres = backend == DbBackend::Postgres;
        let question = (query.to_owned(), today, until, is_postgres);
        if let Some(listing) = listings().get(&question) {
            return Ok(Arc::clone(listing));
        }
        let ListRequest { filter, page } = ListRequest::read(query, today, until)?;
        let rows = filter.rows(backend, page.first_key());
        let listing = Arc::new(Self {
            plan: Plan::new::<Entity>(page, &rows, backend),
            total: backend.build(&filter.total(backend)),
        });
        if query.len() <= KEPT_QUERY_BYTES && listing.plan.is_first() {
            let mut listings = listings();
            if listings.len() >= KEPT {
                listings.clear();
            }
            listings.insert(question, Arc::clone(&listing));
        }
        Ok(listing)
    }

    /// The page, and how many drugs there are on all pages.
    pub(super) async fn read(&self, session: &mut Session) -> Result<(Page<Model>, u64)> {
        let page = self.plan.read::<Entity>(session).await?;
        let total = if let Some(counted) = page.total {
            counted
        } else {
            let total: Vec<Number> = session.asked(&self.total).await?;
            total.first().map_or(0, |total| total.number.unsigned_abs())
        };
        Ok((page, total))
    }
}

impl ListRequest {
    /// Reads every parameter.
    fn read(query: &str, today: NaiveDate, due_until: NaiveDate) -> Result<Self> {
        let mut parameters = Parameters::parse(Some(query));
        let flag = choice(&[("true", true), ("false", false)]);
        let needs_reorder = parameters.optional("needs_reorder", &flag);
        let archived = parameters.optional(
            "archived",
            choice(&[
                ("false", ArchivedParameter::False),
                ("true", ArchivedParameter::True),
                ("any", ArchivedParameter::Any),
            ]),
        );
        let schedule_type = parameters.optional("schedule_type", choice(&ScheduleType::WORDS));
        let filter = Filter {
            archived: match archived.unwrap_or(ArchivedParameter::False) {
                ArchivedParameter::False => Some(false),
                ArchivedParameter::True => Some(true),
                ArchivedParameter::Any => None,
            },
            schedule_type: schedule_type.map(entity::drug::ScheduleType::from),
            needs_reorder,
            due: due(today, due_until),
            words: parameters.optional("q", search_words).unwrap_or_default(),
        };
        // What has to be ordered is read by urgency, everything else in the order of its creation.
        let order = if needs_reorder == Some(true) {
            "order_by"
        } else {
            "id"
        };
        let page = PageRequest::read(&mut parameters, SORT_KEYS, order);
        parameters.finish()?;
        Ok(Self { filter, page })
    }
}

/// The statements of a list without absences, as a database gets them, the count last: what a test asks for their
/// plans.
#[doc(hidden)]
pub fn statements(
    query: Option<&str>,
    today: NaiveDate,
    backend: DbBackend,
) -> Result<Vec<String>> {
    let due_until = Absences::default().due_until(today);
    let ListRequest { filter, page } =
        ListRequest::read(query.unwrap_or_default(), today, due_until)?;
    let rows = filter.rows(backend, page.first_key());
    let mut all = page.statements::<Entity>(&rows, backend);
    all.push(filter.total(backend));
    let all = all.iter().map(|statement| backend.build(statement));
    Ok(all.map(|statement| statement.to_string()).collect())
}

/// The drugs that need a reorder today: [`domain::Projection`] says why these comparisons are the rule.
fn due(today: NaiveDate, due_until: NaiveDate) -> Condition {
    Condition::all()
        .add(Column::ReorderDate.lte(due_until))
        .add(Column::RunOutDate.lte(domain::horizon(today)))
        .add(Column::StartDate.is_null().or(Column::StartDate.lte(today)))
        .add(Column::EndDate.is_null().or(Column::EndDate.gte(today)))
}

fn search_words(value: &str) -> Result<Vec<String>, String> {
    if value.chars().count() > MAX_SEARCH_CHARS {
        return Err(format!("must have {MAX_SEARCH_CHARS} characters at most"));
    }
    if value.chars().any(char::is_control) {
        return Err("must not have control characters".into());
    }
    let folded = domain::text::search_key(value);
    Ok(folded.split_whitespace().map(str::to_owned).collect())
}
