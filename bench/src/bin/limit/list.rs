//! `GET /drugs`: rows into bytes, and the total without a second look where one will do.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rusqlite::{Connection, params_from_iter};

use crate::column;
use crate::json::{Day, write_drug};
use crate::query::Request;
use crate::read::{self, is_known};
use crate::{Shared, failed};

const PATH: &str = "/api/v1/drugs";
const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");
/// About what one drug takes.
const DRUG_BYTES: usize = 900;

/// A page as it is answered.
struct Page {
    body: Vec<u8>,
    next: Option<String>,
    total: i64,
}

pub(crate) fn answer(app: &Shared, query: Option<&str>, headers: &HeaderMap) -> Response {
    let day = app.day();
    // What a list says follows from the commits and the day alone.
    let etag = format!("W/\"{}-{}\"", app.counts.commits(), day.today);
    if is_known(headers, &etag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let query = query.unwrap_or_default();
    let request = match Request::read(query, day.today, day.absences, app.search.as_deref()) {
        Ok(request) => request,
        Err(reason) => return (StatusCode::BAD_REQUEST, reason).into_response(),
    };
    match read::with(app, |connection| page(app, &request, day, connection)) {
        Ok(page) => {
            let mut response = Bytes::from(page.body).into_response();
            let headers = response.headers_mut();
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
            headers.insert(TOTAL_COUNT, page.total.into());
            for (name, value) in [
                (header::LINK, links(query, page.next.as_deref())),
                (header::ETAG, etag),
            ] {
                if let Ok(value) = HeaderValue::try_from(value) {
                    headers.insert(name, value);
                }
            }
            response
        }
        Err(error) => failed(&error),
    }
}

fn page(
    app: &Shared,
    request: &Request,
    day: Day<'_>,
    connection: &Connection,
) -> rusqlite::Result<Page> {
    // Where the rows have to be counted anyway, one statement brings the page and goes on counting.
    let is_counted = request.is_counted();
    let limited = is_counted || !request.is_first_page();
    let (sql, values) = request.rows(limited);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut body = Vec::with_capacity(request.limit * DRUG_BYTES);
    body.push(b'[');
    let (mut found, mut last, mut is_more) = (0_usize, (String::new(), 0), false);
    while let Some(row) = rows.next()? {
        if found >= request.limit {
            is_more = true;
            if limited {
                break;
            }
            found += 1;
            continue;
        }
        if found > 0 {
            body.push(b',');
        }
        write_drug(&mut body, row, day)?;
        found += 1;
        if found == request.limit {
            let id = column::integer(row, column::ID)?;
            let key = match row.get_ref(request.key)?.as_str() {
                Ok(key) => key.to_owned(),
                Err(_) => String::new(),
            };
            last = (key, id);
        }
    }
    body.push(b']');
    let total = if is_counted {
        app.counts
            .total(request.archived, request.schedule.as_deref())
    } else if limited {
        let (sql, values) = request.count();
        let mut statement = connection.prepare_cached(&sql)?;
        statement.query_row(params_from_iter(values), |row| row.get(0))?
    } else {
        i64::try_from(found).unwrap_or(i64::MAX)
    };
    Ok(Page {
        body,
        next: is_more.then(|| request.cursor(&last.0, last.1)),
        total,
    })
}

fn links(query: &str, next: Option<&str>) -> String {
    let mut links = format!("<{}>; rel=\"first\"", location(query, None));
    if let Some(cursor) = next {
        links.push_str(", <");
        links.push_str(&location(query, Some(cursor)));
        links.push_str(">; rel=\"next\"");
    }
    links
}

fn location(query: &str, cursor: Option<&str>) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    let given = form_urlencoded::parse(query.as_bytes());
    pairs.extend_pairs(given.filter(|(name, _)| name != "cursor"));
    if let Some(cursor) = cursor {
        pairs.append_pair("cursor", cursor);
    }
    let query = pairs.finish();
    if query.is_empty() {
        PATH.to_owned()
    } else {
        format!("{PATH}?{query}")
    }
}
