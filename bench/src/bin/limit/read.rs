//! Reading: inline on the worker's thread, over a connection that is the thread's own.

use std::cell::RefCell;
use std::path::Path;
use std::sync::LazyLock;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::column;
use crate::json::Drug;
use crate::{Shared, failed, tagged};

thread_local! {
    static READER: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

/// Opens a connection that only reads.
pub(crate) fn open(database: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -64 * 1024)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Runs with this thread's connection.
pub(crate) fn with<T>(
    app: &Shared,
    run: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    READER.with_borrow_mut(|reader| {
        let connection = match reader {
            Some(connection) => connection,
            None => reader.insert(open(&app.database)?),
        };
        run(connection)
    })
}

pub(crate) fn answer(app: &Shared, id: i64, headers: &HeaderMap) -> Response {
    static SQL: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {} FROM drugs WHERE id = ?", column::DRUG));
    let read = with(app, |connection| {
        let mut statement = connection.prepare_cached(&SQL)?;
        statement
            .query_row([id], |row| Drug::of(row, app.day()))
            .optional()
    });
    match read {
        Ok(Some(drug)) if is_known(headers, &drug.etag) => {
            (StatusCode::NOT_MODIFIED, [(header::ETAG, drug.etag)]).into_response()
        }
        Ok(Some(drug)) => tagged(StatusCode::OK, drug),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => failed(&error),
    }
}

/// Whether the caller has the state with this tag.
pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|tag| tag.as_bytes() == etag.as_bytes())
}
