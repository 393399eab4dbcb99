//! What is asked, as the requests that each server gets.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rusqlite::Connection;
use serde_json::json;

use crate::database::Databases;
use crate::options::Kind;
use crate::rows::Generator;
use crate::{Result, http};

/// How many drugs a page has.
const PAGE: i64 = 50;
/// How many different requests a case that goes to single drugs sends in turns.
const VARIETY: u64 = 512;

/// A case with what is measured in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    shape: Shape,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    One,
    List(&'static str),
    LastPage,
    Unchanged,
    Create,
    Patch,
    Refill,
}

/// Reads before writes, and what makes the table longer at the end.
pub(crate) const CASES: [Case; 13] = [
    case("drug", "one drug", Shape::One),
    case("page", "the first 50 drugs", Shape::List("limit=50")),
    case(
        "filtered",
        "the first 50 with one schedule",
        Shape::List("schedule_type=weekly_alternating"),
    ),
    case(
        "searched",
        "a search that finds 100",
        Shape::List("q=thyroxin+henning"),
    ),
    case(
        "searched-wide",
        "a search that finds a part of all",
        Shape::List("q=hydro"),
    ),
    case(
        "reorder",
        "the 50 most urgent of 100 that are due",
        Shape::List("needs_reorder=true"),
    ),
    case(
        "first-page",
        "the first 50 by days remaining",
        Shape::List("sort=-days_remaining&limit=50"),
    ),
    case(
        "last-page",
        "the last 50 by days remaining",
        Shape::LastPage,
    ),
    case("count", "how many there are", Shape::List("limit=1")),
    case(
        "unchanged",
        "the first 50, with the tag of the answer before",
        Shape::Unchanged,
    ),
    case("patch", "other instructions for a drug", Shape::Patch),
    case("refill", "a package for a drug", Shape::Refill),
    case("create", "a new drug", Shape::Create),
];

const fn case(name: &'static str, about: &'static str, shape: Shape) -> Case {
    Case { name, about, shape }
}

/// What requests are made of.
#[derive(Debug)]
pub(crate) struct Material {
    size: u64,
    ids: Vec<u64>,
    bodies: Vec<String>,
    cursor: String,
    /// How many drugs are not archived.
    living: i64,
}

impl Material {
    pub(crate) fn new(databases: &Databases, rows: &Generator) -> Result<Self> {
        let connection = Connection::open(&databases.master)?;
        let count = "SELECT count(*) FROM drugs WHERE archived = 0";
        let living = connection.query_row(count, [], |row| row.get(0))?;
        let before_last = "SELECT run_out_date, id FROM drugs WHERE archived = 0 \
                           ORDER BY run_out_date, id LIMIT 1 OFFSET ?";
        let (date, id): (String, i64) =
            connection.query_row(before_last, [PAGE], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let cursor = json!(["-days_remaining", date, id]).to_string();
        let size = databases.size;
        let mut bodies = Vec::new();
        for n in 1..=VARIETY.min(size) {
            let row = rows.row(n, size)?;
            bodies.push(
                json!({
                    "name": row.name,
                    "dosage_strength": row.dosage_strength,
                    "unit": row.unit,
                    "schedule_type": "daily",
                    "morning_post_food": 0.5,
                    "night": 1,
                    "current_amount": 62.5,
                    "package_size": 100,
                    "instructions": row.instructions,
                })
                .to_string(),
            );
        }
        Ok(Self {
            size,
            ids: rows.ordinary(VARIETY.min(size / 2), size)?,
            bodies,
            cursor: BASE64_URL_SAFE_NO_PAD.encode(cursor),
            living,
        })
    }
}

impl Case {
    pub(crate) fn writes(&self) -> bool {
        matches!(self.shape, Shape::Create | Shape::Patch | Shape::Refill)
    }

    /// Whether a server is asked it. To find what is due the original loads every drug for every question, and a run
    /// among 100,000 over 8 connections has failed.
    pub(crate) fn is_for(&self, kind: Kind, size: u64) -> bool {
        kind != Kind::Original || self.name != "reorder" || size < 100_000
    }

    pub(crate) fn statuses(&self) -> &'static [u16] {
        match self.shape {
            Shape::Create => &[201, 200],
            Shape::Unchanged => &[304, 200],
            _ => &[200],
        }
    }

    /// The requests that a server gets in turns. `port` is where it is asked for the tag of its answer; `fixed` answers
    /// with `bytes` whatever it is asked.
    pub(crate) fn requests(
        &self,
        kind: Kind,
        port: u16,
        material: &Material,
        bytes: usize,
    ) -> Result<Vec<Vec<u8>>> {
        let fixed = format!("/fixed/{bytes}");
        let at = |path: String| {
            if kind == Kind::Fixed {
                fixed.clone()
            } else {
                path
            }
        };
        let of_each = |method: &str, tail: &str, body: &dyn Fn(usize) -> String| {
            let ids = material.ids.iter().enumerate();
            ids.map(|(place, id)| {
                http::request(
                    method,
                    &at(format!("/api/v1/drugs/{id}{tail}")),
                    &[],
                    &body(place),
                )
            })
            .collect()
        };
        Ok(match self.shape {
            Shape::One => of_each("GET", "", &|_| String::new()),
            Shape::Patch => of_each("PATCH", "", &|place| {
                json!({ "instructions": format!("In the evening, {place} minutes before bed.") })
                    .to_string()
            }),
            Shape::Refill => of_each("POST", "/refill", &|_| json!({ "packages": 1 }).to_string()),
            Shape::Create => {
                let path = at("/api/v1/drugs".to_owned());
                let bodies = material.bodies.iter();
                bodies
                    .map(|body| http::request("POST", &path, &[], body))
                    .collect()
            }
            Shape::List(query) => vec![http::request("GET", &at(list(query)), &[], "")],
            Shape::LastPage => {
                vec![http::request(
                    "GET",
                    &at(list(&material.last_page(kind))),
                    &[],
                    "",
                )]
            }
            Shape::Unchanged => {
                let path = at(list("limit=50"));
                let answer = http::ask(port, &http::request("GET", &path, &[], ""))?;
                // Who gives no tag is asked with one that it does not know.
                let tag = answer.header("etag").unwrap_or("\"none\"");
                vec![http::request("GET", &path, &[("if-none-match", tag)], "")]
            }
        })
    }
}

impl Material {
    /// The original goes by numbers of rows, as its kind does.
    fn last_page(&self, kind: Kind) -> String {
        let sort = "sort=-days_remaining&limit=50";
        if kind == Kind::Original {
            format!("{sort}&skip={}", self.living - PAGE)
        } else {
            format!("{sort}&cursor={}", self.cursor)
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }
}

fn list(query: &str) -> String {
    format!("/api/v1/drugs?{query}")
}
