//! An empty database taken to the head has exactly the schema that the entities declare.

use migration::Migrator;
use revision::schema::{self, Schema};
use revision::{Engine, Options, Target};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, EntityTrait};

use crate::cluster;

const NOT_OURS: &[&str] = &["seaql_migrations", "revision_memory"];

#[tokio::test]
async fn on_sqlite_the_head_equals_the_entities() {
    let directory = tempfile::tempdir().unwrap();
    let url = |name: &str| {
        format!(
            "sqlite://{}?mode=rwc",
            directory.path().join(name).display()
        )
    };
    compare(&url("migrated.db"), &url("declared.db")).await;
}

#[tokio::test]
async fn on_postgres_the_head_equals_the_entities() {
    compare(&cluster::postgres().await, &cluster::postgres().await).await;
}

/// The negative control: an index more is a difference.
#[tokio::test]
async fn a_schema_beside_the_entities_is_seen() {
    let database = open("sqlite::memory:").await;
    declare(&database).await;
    let declared = read(&database).await;
    database
        .execute_unprepared("CREATE INDEX extra ON drugs (unit)")
        .await
        .unwrap();
    assert_eq!(read(&database).await.differences(&declared).len(), 1);
}

async fn compare(migrated: &str, declared: &str) {
    Engine::new::<Migrator>()
        .upgrade(migrated, &Target::Head, &Options::default())
        .await
        .unwrap();
    let declared = open(declared).await;
    declare(&declared).await;
    let differences = read(&open(migrated).await)
        .await
        .differences(&read(&declared).await);
    let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(differences, [""; 0]);
}

async fn declare(database: &DatabaseConnection) {
    table(database, entity::drug::Entity).await;
    table(database, entity::doctor_vacation::Entity).await;
    table(database, entity::idempotency_key::Entity).await;
}

async fn table<E: EntityTrait>(database: &DatabaseConnection, entity: E) {
    let schema = sea_orm::Schema::new(database.get_database_backend());
    database
        .execute(&schema.create_table_from_entity(entity))
        .await
        .unwrap();
    for index in schema.create_index_from_entity(entity) {
        database.execute(&index).await.unwrap();
    }
}

async fn open(url: &str) -> DatabaseConnection {
    Database::connect(ConnectOptions::new(url).max_connections(1).to_owned())
        .await
        .unwrap()
}

async fn read(database: &DatabaseConnection) -> Schema {
    schema::read(database, NOT_OURS).await.unwrap()
}
