//! `GET /drugs`: which drugs, in which order.

mod filter;

use chrono::NaiveDate;
use domain::Absences;
use entity::drug::{Column, Entity, Model};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, Condition, DbBackend};
use utoipa::IntoParams;

use self::filter::Filter;
use super::input::ScheduleType;
use crate::database::Session;
use crate::page::{Page, PageRequest, Rows, SortKeys};
use crate::problem::{Error, Result};
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

/// A page of drugs, as it was asked for.
#[derive(Debug)]
pub(super) struct ListRequest {
    filter: Filter,
    page: PageRequest<Column>,
}

impl ListRequest {
    /// Reads every parameter.
    pub(super) fn read(
        query: Option<&str>,
        today: NaiveDate,
        absences: &Absences,
    ) -> Result<Self, Error> {
        let mut parameters = Parameters::parse(query);
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
            due: due(today, absences),
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

    /// The page, and how many drugs there are on all pages.
    pub(super) async fn page(&self, session: &mut Session) -> Result<(Page<Model>, u64)> {
        let backend = session.backend();
        let rows = self.rows(backend);
        let page = self.page.read_from::<Entity>(&rows, session).await?;
        let total = if let Some(counted) = page.total {
            counted
        } else {
            let total = session.number(&self.filter.total(backend)).await?;
            total.unsigned_abs()
        };
        Ok((page, total))
    }

    fn rows(&self, backend: DbBackend) -> Rows {
        self.filter.rows(backend, self.page.first_key())
    }
}

/// The statements of a list without absences, as a database gets them, the count last: what a test asks for their plans.
#[doc(hidden)]
pub fn statements(
    query: Option<&str>,
    today: NaiveDate,
    backend: DbBackend,
) -> Result<Vec<String>> {
    let request = ListRequest::read(query, today, &Absences::default())?;
    let rows = request.rows(backend);
    let mut all = request.page.statements::<Entity>(&rows, backend);
    all.push(request.filter.total(backend));
    let all = all.iter().map(|statement| backend.build(statement));
    Ok(all.map(|statement| statement.to_string()).collect())
}

/// The drugs that need a reorder today: [`domain::Projection`] says why these comparisons are the rule.
fn due(today: NaiveDate, absences: &Absences) -> Condition {
    Condition::all()
        .add(Column::ReorderDate.lte(absences.due_until(today)))
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
