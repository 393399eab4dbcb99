//! What the database keeps beside the drugs for the sake of speed: made from the rows that are there, no alarm to
//! anybody.

use migration::Migrator;
use revision::{Engine, Options, Target, rebuild_table};
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait as _, Database, DbBackend, ExprTrait as _, Statement};
use sea_orm_migration::SchemaManager;

use crate::{cluster, execute};

const BEFORE: &str = "m20261005_194500_create_idempotency_keys";
const TRIGRAMS: &str = "m20261026_193000_search_drugs_by_trigrams";
const DRUGS: &str = "
    INSERT INTO drugs (name, schedule_type, archived, current_amount, counted_on, package_size, run_out_date, reorder_date,
        search_text, version, created_at, updated_at)
    VALUES ('L-Thyroxin', 'daily', FALSE, 49000, '2026-11-22', 98000, '2027-01-10', '2026-12-20',
        'l-thyroxin', 1, '2026-11-22 09:00:00+00:00', '2026-11-22 09:00:00+00:00'),
        ('Ibuprofen', 'as_needed', TRUE, 49000, '2026-11-22', 98000, '9999-12-31', '9999-12-31',
        'ibuprofen', 1, '2026-11-22 09:00:00+00:00', '2026-11-22 09:00:00+00:00')";

#[tokio::test]
async fn it_is_made_of_the_rows_and_goes_without_a_question_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("medicine.db");
    let url = format!("sqlite://{}", file.display());
    there_and_back(&url).await;
    up(&url, "head").await;
    is_true(&url).await;

    // A rebuild of the drugs keeps their numbers and the triggers, so all stays true.
    let connection = Database::connect(&url).await.unwrap();
    connection
        .execute_unprepared("PRAGMA foreign_keys = OFF; DELETE FROM drugs WHERE id = 1")
        .await
        .unwrap();
    rebuild_table(&SchemaManager::new(&connection), "drugs")
        .add_check("ck-drugs-version", Expr::col("version").gt(0))
        .run()
        .await
        .unwrap();
    connection.execute_unprepared(DRUGS).await.unwrap();
    connection.close().await.unwrap();
    is_true(&url).await;
}

#[tokio::test]
async fn it_is_made_of_the_rows_and_goes_without_a_question_on_postgres() {
    there_and_back(&cluster::postgres().await).await;
}

/// Each search index is made of the rows that are there, on the way up and on the way down.
#[tokio::test]
async fn what_was_found_by_trigrams_is_found_by_pieces_and_the_other_way_round() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!(
        "sqlite://{}",
        directory.path().join("medicine.db").display()
    );
    up(&url, TRIGRAMS).await;
    execute(&url, DRUGS).await;
    finds(&url, "hyro").await;
    for _ in 0..2 {
        up(&url, "head").await;
        finds(&url, "\"hyro\"* OR \"yro\"*").await;
        let target = Target::Revision(TRIGRAMS.to_owned());
        engine()
            .downgrade(&url, &target, &Options::default())
            .await
            .unwrap();
        finds(&url, "hyro").await;
    }
}

/// The index is that of the drugs, and the first is found by a word and not by another.
async fn finds(url: &str, asked: &str) {
    is_true(url).await;
    let connection = Database::connect(url).await.unwrap();
    let mut found = Vec::new();
    for asked in [asked, &asked.replace('y', "z")] {
        let sql = format!("SELECT rowid FROM drugs_search WHERE drugs_search MATCH '{asked}'");
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        for row in connection.query_all_raw(statement).await.unwrap() {
            found.push(row.try_get_by_index::<i64>(0).unwrap());
        }
    }
    assert_eq!(found, [1], "{asked}");
    connection.close().await.unwrap();
}

/// The operators are found in whatever schema the extension is.
#[tokio::test]
async fn the_extension_may_be_in_another_schema() {
    let url = cluster::postgres().await;
    execute(
        &url,
        "CREATE SCHEMA \"of others\"; CREATE EXTENSION pg_trgm SCHEMA \"of others\"",
    )
    .await;
    there_and_back(&url).await;
}

async fn there_and_back(url: &str) {
    up(url, BEFORE).await;
    execute(url, DRUGS).await;
    up(url, "head").await;
    let check = engine().check(url).await.unwrap();
    assert!(check.is_fine(), "{check:?}");
    if url.starts_with("sqlite") {
        is_true(url).await;
    }
    // Nothing that only these hold is lost, so nobody has to permit it.
    let target = Target::Revision(BEFORE.to_owned());
    engine()
        .downgrade(url, &target, &Options::default())
        .await
        .unwrap();
    let check = engine().check(url).await.unwrap();
    assert_eq!(check.drifted, Some(false), "{check:?}");
}

/// Fails where the counts or the search index are not those of the drugs.
async fn is_true(url: &str) {
    let connection = Database::connect(url).await.unwrap();
    connection
        .execute_unprepared(
            "INSERT INTO drugs_search (drugs_search, rank) VALUES ('integrity-check', 1)",
        )
        .await
        .unwrap();
    connection
        .execute_unprepared(
            "CREATE TEMP TABLE verdict (equal integer NOT NULL CHECK (equal));
             INSERT INTO verdict SELECT (SELECT group_concat(archived || schedule_type || n) FROM drug_counts WHERE n > 0)
                 = (SELECT group_concat(groups) FROM (SELECT archived || schedule_type || count(*) AS groups FROM drugs
                    GROUP BY archived, schedule_type))",
        )
        .await
        .unwrap();
    connection.close().await.unwrap();
}

async fn up(url: &str, target: &str) {
    let Ok(target) = target.parse::<Target>();
    engine()
        .upgrade(url, &target, &Options::default())
        .await
        .unwrap();
}

fn engine() -> Engine {
    Engine::new::<Migrator>().declaring(entity::declared())
}
