//! The history as a whole: there and back, with data, on both databases.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

#[path = "../../../crates/revision/tests/it/support/cluster.rs"]
mod cluster;
mod derived;
mod entities;
mod guide;
mod history;

use sea_orm::{ConnectionTrait as _, Database};

/// Runs statements on a connection of their own.
async fn execute(url: &str, sql: &str) {
    let connection = Database::connect(url).await.expect("the database opens");
    connection
        .execute_unprepared(sql)
        .await
        .expect("the statements run");
    connection.close().await.expect("the connection closes");
}
