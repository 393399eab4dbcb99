//! A database's schema, read from its own catalogue and spelled in one way, so that two can be compared.
//!
//! [`read`] sees what sea-schema passes over: CHECKs, collations, generated columns, the predicate, order and
//! expressions of an index, deferrable foreign keys, AUTOINCREMENT, STRICT, views, triggers. Texts that SQLite keeps as
//! they were typed are brought into one spelling; PostgreSQL prints its own. The order of columns does not
//! count, because a column added later always stands last.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use sea_orm::ConnectionTrait as _;
//!
//! let options = sea_orm::ConnectOptions::new("sqlite::memory:").max_connections(1).to_owned();
//! let database = sea_orm::Database::connect(options).await?;
//! database.execute_unprepared("CREATE TABLE drug (id integer, note text)").await?;
//! let expected = revision::schema::read(&database, &[]).await?;
//! database.execute_unprepared("ALTER TABLE drug DROP COLUMN note").await?;
//! let found = revision::schema::read(&database, &[]).await?;
//!
//! assert_ne!(found.fingerprint(), expected.fingerprint());
//! let differences: Vec<String> = found.differences(&expected).iter().map(ToString::to_string).collect();
//! assert_eq!(differences, ["table drug: column note: is missing, expected text"]);
//! # Ok::<_, sea_orm::DbErr>(())
//! # }).unwrap();
//! ```

mod difference;
mod facts;
mod model;
mod postgres;
mod sqlite;

use sea_orm::{ConnectionTrait, DbBackend, DbErr};

pub use difference::Difference;
pub use model::{
    Action, Check, Column, Deferral, ForeignKey, Generated, Index, KeyPart, Object, PrimaryKey,
    Schema, Table, Unique,
};

/// Reads the schema of a database; on PostgreSQL that of `current_schema()`.
///
/// The tables in `leave_out` are not part of it: the bookkeeping of a migration tool, such as
/// `seaql_migrations`. Nothing is written, and a transaction in which it is called goes on.
///
/// # Errors
///
/// The driver's error; [`DbErr::Custom`] when a text in `sqlite_schema` cannot be understood, with the table's name.
pub async fn read(connection: &impl ConnectionTrait, leave_out: &[&str]) -> Result<Schema, DbErr> {
    let mut schema = match connection.get_database_backend() {
        DbBackend::Postgres => postgres::read(connection).await?,
        _ => sqlite::read(connection).await?,
    };
    for table in leave_out {
        schema.tables.remove(*table);
    }
    Ok(schema)
}
