//! The reader: schemas that differ in one thing give one difference, and those spelled differently give none.

mod postgres;
mod sqlite;

use revision::schema::{self, Schema};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection};

/// One connection to a database in memory.
async fn memory() -> DatabaseConnection {
    one_connection("sqlite::memory:").await
}

async fn one_connection(url: &str) -> DatabaseConnection {
    let options = ConnectOptions::new(url).max_connections(1).to_owned();
    Database::connect(options)
        .await
        .expect("the database opens")
}

/// The schema that statements make in an empty database.
async fn made(database: &DatabaseConnection, sql: &str) -> Schema {
    database.execute_unprepared(sql).await.expect(sql);
    let schema = schema::read(database, &[]).await.expect(sql);
    let again = schema::read(database, &[]).await.expect(sql);
    assert_eq!(schema, again, "{sql}");
    schema
}

fn lines(found: &Schema, expected: &Schema) -> Vec<String> {
    let differences = found.differences(expected);
    differences.iter().map(ToString::to_string).collect()
}

/// Fails unless the two differ in exactly one thing, seen from either side.
fn assert_one(one: &Schema, other: &Schema, sql: (&str, &str)) {
    let there = lines(one, other);
    assert_eq!(there.len(), 1, "{sql:?}: {there:#?}");
    let back = lines(other, one);
    assert_eq!(back.len(), 1, "{sql:?}: {back:#?}");
    assert_ne!(one.fingerprint(), other.fingerprint(), "{sql:?}");
}

fn assert_same(one: &Schema, other: &Schema, sql: (&str, &str)) {
    assert_eq!(lines(one, other), [""; 0], "{sql:?}");
    assert_eq!(one.fingerprint(), other.fingerprint(), "{sql:?}");
}
