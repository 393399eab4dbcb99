//! Up, down, up again gives the same schema and keeps what can be kept.

use std::fs;
use std::path::Path;

use migration::{Migrator, MigratorTrait};
use revision::{Engine, Options, Target};
use sea_orm::{ConnectionTrait as _, Database, Statement};

use crate::{cluster, execute};

const DRUG: &str = "
    INSERT INTO drugs (name, schedule_type, current_amount, counted_on, package_size, run_out_date, reorder_date,
        search_text, version, created_at, updated_at)
    VALUES ('L-Thyroxin', 'daily', 49000, '2026-11-22', 98000, '2027-01-10', '2026-12-20',
        'l-thyroxin', 1, '2026-11-22 09:00:00+00:00', '2026-11-22 09:00:00+00:00')";
const VACATION: &str = "
    INSERT INTO doctor_vacations (start_date, end_date, notes, version, created_at, updated_at)
    VALUES ('2026-12-20', '2027-01-06', 'skiing', 1, '2026-11-22 09:00:00+00:00', '2026-11-22 09:00:00+00:00')";

#[tokio::test]
async fn sqlite_goes_down_step_by_step_and_up_again_with_its_data() {
    let directory = tempfile::tempdir().unwrap();
    there_and_back(&format!(
        "sqlite://{}",
        directory.path().join("medicine.db").display()
    ))
    .await;
}

#[tokio::test]
async fn postgres_goes_down_step_by_step_and_up_again_with_its_data() {
    there_and_back(&cluster::postgres().await).await;
}

async fn there_and_back(url: &str) {
    let names: Vec<String> = Migrator::migrations()
        .iter()
        .map(|m| m.name().to_owned())
        .collect();
    let mut schemas = Vec::new();
    for name in &names {
        up(url, name).await;
        schemas.push(schema(url).await);
    }
    execute(url, DRUG).await;
    execute(url, "UPDATE drugs SET instructions = 'with water'").await;
    execute(url, VACATION).await;

    for (at, name) in names.iter().enumerate().rev().skip(1) {
        down(url, name).await;
        assert_eq!(schema(url).await, schemas[at], "down to {name}");
        assert_eq!(
            texts(url, "SELECT name FROM drugs").await,
            ["L-Thyroxin"],
            "down to {name}"
        );
    }
    up(url, names.last().unwrap()).await;
    assert_eq!(Some(&schema(url).await), schemas.last());
    // The column and the table that were dropped came back empty; everything else was kept.
    assert_eq!(
        texts(url, "SELECT name || coalesce(instructions, '!') FROM drugs").await,
        ["L-Thyroxin!"]
    );
    assert_eq!(
        texts(url, "SELECT notes FROM doctor_vacations").await,
        [""; 0]
    );

    let engine = Engine::new::<Migrator>();
    engine
        .downgrade(url, &Target::Base, &permitted())
        .await
        .unwrap();
    assert_eq!(schema(url).await, [""; 0]);
}

/// An applied migration is frozen, so it may lean on nothing that lives on.
#[test]
fn no_migration_leans_on_living_code() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for file in fs::read_dir(sources).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with('m')
            && !path.ends_with("main.rs")
        {
            let text = fs::read_to_string(&path).unwrap();
            seen += 1;
            for word in ["entity::", "domain::", "server::", "Utc::now", "std::env"] {
                assert!(!text.contains(word), "{} uses {word}", path.display());
            }
        }
    }
    assert_eq!(seen, Migrator::migrations().len());
}

async fn up(url: &str, name: &str) {
    let target = Target::Revision(name.to_owned());
    Engine::new::<Migrator>()
        .upgrade(url, &target, &Options::default())
        .await
        .unwrap();
}

async fn down(url: &str, name: &str) {
    let target = Target::Revision(name.to_owned());
    Engine::new::<Migrator>()
        .downgrade(url, &target, &permitted())
        .await
        .unwrap();
}

/// What a downgrade of tables with rows needs.
fn permitted() -> Options {
    Options {
        allow_data_loss: true,
        ..Options::default()
    }
}

/// Every table, column and index that is ours, one line each.
async fn schema(url: &str) -> Vec<String> {
    let lines = if url.starts_with("sqlite") {
        "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema
         WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE 'seaql_%' AND name NOT LIKE 'revision%' ORDER BY 1"
    } else {
        "SELECT line FROM (
            SELECT concat_ws(' ', 'column', table_name, column_name, data_type, character_maximum_length::text,
                is_nullable, column_default) AS line
            FROM information_schema.columns WHERE table_schema = 'public'
            UNION ALL SELECT concat_ws(' ', 'index', indexdef) FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass::text, pg_get_constraintdef(oid))
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        ) lines WHERE line NOT LIKE '%seaql%' AND line NOT LIKE '%revision%' ORDER BY line"
    };
    texts(url, lines).await
}

async fn texts(url: &str, sql: &str) -> Vec<String> {
    let connection = Database::connect(url).await.unwrap();
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    let texts = rows
        .iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect();
    connection.close().await.unwrap();
    texts
}
