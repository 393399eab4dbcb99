//! Keyset pages: a page begins after the last row of the one before, so the last costs what the first does.

mod plan;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::NaiveDate;
use sea_orm::sea_query::{Expr, ExprTrait, IntoIden, Query, SelectStatement, UnionType, Value};
use sea_orm::{
    ColumnTrait, ColumnType, Condition, DbBackend, EntityTrait, Iterable, Order,
    PrimaryKeyToColumn, QueryTrait,
};
use serde_json::json;

pub use self::plan::Plan;
use crate::json::{Json, shortened};
use crate::query::Parameters;

/// How many records a page has unless it is asked for otherwise.
pub const DEFAULT_LIMIT: u64 = 50;
/// How many records a page has at most.
pub const MAX_LIMIT: u64 = 200;

const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// Which page of a list, in which order.
#[derive(Debug)]
pub struct PageRequest<C> {
    limit: u64,
    sort: Sort<C>,
    after: Option<Vec<Value>>,
}

/// An order of a list; the id comes last, so that it is total.
#[derive(Clone, Debug)]
pub struct Sort<C> {
    text: String,
    keys: Vec<(C, Order)>,
}

/// The words that a list can be sorted by, each with its column; the first is the id's.
pub type SortKeys<C> = [(&'static str, C)];

/// Where the rows of a list come from.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Each of these is read in the order of the list; a page merges them.
    pub ranges: Vec<Condition>,
    /// Whether SQLite finds the rows by something else than their order, and sorts them.
    pub sorts: bool,
    /// Whether SQLite has to look at each row to count them, so that it is as well to do so while the first page is
    /// read.
    pub counts: bool,
}

/// The rows of a page, and where the next one begins.
#[derive(Debug)]
pub struct Page<M> {
    pub rows: Vec<M>,
    next: Option<String>,
    /// How many rows there are on all pages, where that came to light on the way.
    pub total: Option<u64>,
}

impl<C: ColumnTrait> Sort<C> {
    /// Reads `-days_remaining,name`: keys by falling importance, a minus for descending.
    pub fn parse(text: &str, known: &SortKeys<C>) -> Result<Self, String> {
        let mut keys: Vec<(C, Order)> = Vec::new();
        let mut words = Vec::new();
        for part in text.split(',') {
            let (word, order) = match part.strip_prefix('-') {
                Some(word) => (word, Order::Desc),
                None => (part, Order::Asc),
            };
            let Some((_, column)) = known.iter().find(|(name, _)| *name == word) else {
                let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
                return Err(format!(
                    "`{}` is not one of {}, each with a minus before it for descending",
                    shortened(part),
                    names.join(", ")
                ));
            };
            if words.contains(&word) {
                return Err(format!("`{word}` is given more than once"));
            }
            words.push(word);
            keys.push((*column, order));
        }
        let (id_name, id) = known[0];
        if !words.contains(&id_name) {
            let direction = keys[0].1.clone();
            keys.push((id, direction));
        }
        Ok(Self {
            text: text.to_owned(),
            keys,
        })
    }
}

impl<C: ColumnTrait> PageRequest<C> {
    /// Reads `limit`, `sort` and `cursor`.
    pub fn read(parameters: &mut Parameters, known: &SortKeys<C>, default_sort: &str) -> Self {
        let limit = parameters.optional("limit", |value| {
            value
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| value.parse().ok())
                .flatten()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                .ok_or_else(|| format!("must be a whole number from 1 to {MAX_LIMIT}"))
        });
        let sort = parameters
            .optional("sort", |value| Sort::parse(value, known))
            .unwrap_or_else(|| {
                Sort::parse(default_sort, known).expect("a list's own order is valid")
            });
        let after = parameters.optional("cursor", |value| {
            decode(value, &sort).ok_or_else(|| {
                format!(
                    "is not a cursor of this list in the order sort={}; take it from the header \
                     Link, or leave it out for the first page",
                    sort.text
                )
            })
        });
        Self {
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            sort,
            after,
        }
    }

    /// The most important key of the order.
    pub fn first_key(&self) -> C {
        self.sort.keys[0].0
    }

    /// One row more than the page holds tells whether there is a next one.
    fn one_more(&self) -> u64 {
        self.limit + 1
    }

    /// Whether the page goes on to the last row to count them all.
    fn counts(&self, rows: &Rows) -> bool {
        rows.counts && self.after.is_none()
    }

    /// The statements that bring the page, in the order of its rows.
    ///
    /// The rows after a given one are those that are equal to it in every key but the last and lie
    /// beyond it there, then those that are equal in every key but the last two, and so on. Each of
    /// these is a range of an index, whatever the directions; all of them in one condition is none.
    pub fn statements<E>(&self, rows: &Rows, backend: DbBackend) -> Vec<SelectStatement>
    where
        E: EntityTrait<Column = C>,
    {
        let Some(values) = &self.after else {
            return vec![self.ordered::<E>(rows, &Condition::all(), backend)];
        };
        let keys = &self.sort.keys;
        let ties = (0..keys.len()).rev().map(|tied| {
            let mut beyond = Condition::all();
            for ((column, _), value) in keys[..tied].iter().zip(values) {
                beyond = beyond.add(rows.key(*column).eq(value.clone()));
            }
            let (column, order) = &keys[tied];
            let (key, value) = (rows.key(*column), values[tied].clone());
            beyond = beyond.add(match order {
                Order::Desc => key.lt(value),
                _ => key.gt(value),
            });
            self.ordered::<E>(rows, &beyond, backend)
        });
        ties.collect()
    }

    fn ordered<E>(&self, rows: &Rows, beyond: &Condition, backend: DbBackend) -> SelectStatement
    where
        E: EntityTrait<Column = C>,
    {
        let part = |condition: &Condition| {
            let mut part = if backend == DbBackend::Sqlite {
                self.keys::<E>()
            } else {
                E::find().into_query()
            };
            part.cond_where(condition.clone());
            part.cond_where(beyond.clone());
            part
        };
        let (first, others) = rows.ranges.split_first().expect("a list has a range");
        let mut query = part(first);
        for other in others {
            query.union(UnionType::All, part(other));
        }
        for (column, order) in &self.sort.keys {
            query.order_by_expr(rows.key(*column), order.clone());
        }
        if !self.counts(rows) {
            query.limit(self.one_more());
        }
        query
    }

    /// What SQLite is asked for first: the id, and what the order goes by.
    fn keys<E>(&self) -> SelectStatement
    where
        E: EntityTrait<Column = C>,
    {
        let keys = self.sort.keys.iter().map(|(column, _)| *column);
        let mut query = Query::select();
        query.from(E::default());
        query.columns(E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column));
        query.columns(keys.filter(|column| E::PrimaryKey::from_column(*column).is_none()));
        query
    }
}

impl Rows {
    /// All rows, in whatever order.
    pub fn all() -> Self {
        Self {
            ranges: vec![Condition::all()],
            sorts: false,
            counts: false,
        }
    }

    /// A key of the order, by its bare name: what is merged is no longer of a table.
    fn key<C: ColumnTrait>(&self, column: C) -> Expr {
        if self.sorts {
            unindexed(column)
        } else {
            Expr::col(column)
        }
    }
}

/// A column for which SQLite uses no index
/// (<https://www.sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_>).
pub fn unindexed(column: impl IntoIden) -> Expr {
    Expr::cust_with_expr("+?", Expr::col(column.into_iden()))
}

/// What the JSON of a record seldom goes beyond.
const USUAL_BYTES: usize = 1024;

impl<M> Page<M> {
    /// The headers of a page: how many records the list has, and where its first and next page are.
    pub fn headers(&self, path: &str, query: Option<&str>, total: u64) -> HeaderMap {
        let mut links = vec![format!("<{}>; rel=\"first\"", location(path, query, None))];
        if let Some(cursor) = &self.next {
            links.push(format!(
                "<{}>; rel=\"next\"",
                location(path, query, Some(cursor))
            ));
        }
        let mut headers = HeaderMap::new();
        headers.insert(TOTAL_COUNT, total.into());
        if let Ok(links) = HeaderValue::from_str(&links.join(", ")) {
            headers.insert(header::LINK, links);
        }
        headers
    }
}

/// The records of a page as an answer, each written before the next is made.
///
/// # Errors
/// A record's own.
pub fn answer<R: Json>(
    headers: HeaderMap,
    records: impl ExactSizeIterator<Item = crate::problem::Result<R>>,
) -> crate::problem::Result<Response> {
    let mut body = Vec::with_capacity(USUAL_BYTES * (records.len() + 1));
    body.push(b'[');
    for record in records {
        if body.len() > 1 {
            body.push(b',');
        }
        record?.write(&mut body);
    }
    body.push(b']');
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json)], headers, body).into_response())
}

fn location(path: &str, query: Option<&str>, cursor: Option<&str>) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    let given = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.extend_pairs(given.filter(|(name, _)| name != "cursor"));
    if let Some(cursor) = cursor {
        pairs.append_pair("cursor", cursor);
    }
    let query = pairs.finish();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

fn encode(sort: &str, values: &[Value]) -> String {
    let mut array = vec![json!(sort)];
    array.extend(values.iter().map(|value| match value {
        Value::BigInt(Some(number)) => json!(number),
        Value::ChronoDate(Some(date)) => json!(date.to_string()),
        Value::String(Some(text)) => json!(text),
        other => unreachable!("a list is not sorted by {other:?}"),
    }));
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::Value::Array(array).to_string())
}

fn decode<C: ColumnTrait>(cursor: &str, sort: &Sort<C>) -> Option<Vec<Value>> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let array: Vec<serde_json::Value> = serde_json::from_slice(&bytes).ok()?;
    let (text, values) = array.split_first()?;
    if text.as_str() != Some(&sort.text) || values.len() != sort.keys.len() {
        return None;
    }
    let typed = sort.keys.iter().zip(values).map(|((column, _), value)| {
        Some(match column.def().get_column_type() {
            ColumnType::BigInteger => Value::from(value.as_i64()?),
            ColumnType::Date => Value::from(value.as_str()?.parse::<NaiveDate>().ok()?),
            // No row has a NUL, and PostgreSQL takes none.
            _ => Value::from(value.as_str().filter(|text| !text.contains('\0'))?),
        })
    });
    typed.collect()
}
