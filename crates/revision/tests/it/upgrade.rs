//! What an upgrade and a downgrade do, on both databases.

use revision::{Engine, Options, Target, Transactions};
use sea_orm_migration::MigratorTrait as _;

use crate::migrations::{Full, Short};
use crate::support::{SqliteFile, dump, execute, impatient, open, postgres, select};

const TITLE: &str = "m20260102_000000_add_title";
const HEAD: &str = "m20260103_000000_add_tags";

#[tokio::test]
async fn reading_the_status_of_a_missing_file_leaves_it_missing() {
    let file = SqliteFile::new();
    let status = Engine::new::<Full>().status(&file.url()).await.unwrap();
    assert_eq!(status.pending.len(), 3);
    assert_eq!(status.current(), None);
    assert!(file.files().is_empty());
}

#[tokio::test]
async fn reading_the_status_leaves_no_trace() {
    let file = SqliteFile::new().at::<Short>().await;
    let before = file.files();
    let status = Engine::new::<Full>().status(&file.url()).await.unwrap();
    assert_eq!(status.current(), Some(TITLE));
    assert_eq!(status.pending, [HEAD]);
    assert_eq!(file.files(), before);

    let url = postgres().await;
    assert_eq!(
        Engine::new::<Full>()
            .status(&url)
            .await
            .unwrap()
            .pending
            .len(),
        3
    );
    let tables = select(
        &url,
        "SELECT relname::text FROM pg_class WHERE relname LIKE 'seaql%'",
    )
    .await;
    assert!(tables.is_empty());
}

#[tokio::test]
async fn head_is_reached_once_and_then_there_is_nothing_to_do() {
    let file = SqliteFile::new();
    for url in [file.url(), postgres().await] {
        let engine = Engine::new::<Full>();
        let report = engine
            .upgrade(&url, &Target::Head, &impatient())
            .await
            .unwrap();
        assert_eq!(report.steps.len(), 3);
        assert_eq!((report.from, report.to.as_deref()), (None, Some(HEAD)));
        let again = engine
            .upgrade(&url, &Target::Head, &impatient())
            .await
            .unwrap();
        assert_eq!(again.steps, []);
        assert_eq!(again.to.as_deref(), Some(HEAD));
        assert!(engine.status(&url).await.unwrap().is_up_to_date());
        assert_eq!(
            select(&url, "SELECT CAST(reads AS text) FROM note").await,
            ["202"]
        );
    }
}

#[tokio::test]
async fn down_and_up_again_by_steps_names_and_transactions_of_their_own() {
    let file = SqliteFile::new();
    for url in [file.url(), postgres().await] {
        let engine = Engine::new::<Full>();
        let single = Options {
            transactions: Transactions::PerMigration,
            ..impatient()
        };
        let target = |text: &str| text.parse::<Target>().unwrap();
        let up = engine.upgrade(&url, &target("+2"), &single).await.unwrap();
        assert_eq!(up.to.as_deref(), Some(TITLE));
        let up = engine
            .upgrade(&url, &target("add_tags"), &single)
            .await
            .unwrap();
        assert_eq!(
            (up.from.as_deref(), up.to.as_deref()),
            (Some(TITLE), Some(HEAD))
        );
        let down = engine
            .downgrade(&url, &target("create_notes"), &single)
            .await
            .unwrap();
        let names: Vec<&str> = down.steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, [HEAD, TITLE]);
        let down = engine
            .downgrade(&url, &Target::Base, &impatient())
            .await
            .unwrap();
        assert_eq!((down.steps.len(), down.to), (1, None));
        assert_eq!(engine.status(&url).await.unwrap().pending.len(), 3);
    }
}

#[tokio::test]
async fn the_version_table_is_the_one_that_seaorm_creates() {
    let (ours, theirs) = (SqliteFile::new().at::<Full>().await, SqliteFile::new());
    let plain = open(&format!("{}?mode=rwc", theirs.url())).await;
    Full::up(&plain, None).await.unwrap();
    let table = "SELECT sql FROM sqlite_schema WHERE name = 'seaql_migrations'";
    assert_eq!(
        select(&ours.url(), table).await,
        select(&theirs.url(), table).await
    );
    let versions = "SELECT version || typeof(applied_at) FROM seaql_migrations ORDER BY rowid";
    assert_eq!(
        select(&ours.url(), versions).await,
        select(&theirs.url(), versions).await
    );
    let recent = "SELECT version FROM seaql_migrations WHERE abs(applied_at - unixepoch()) > 60";
    assert!(select(&ours.url(), recent).await.is_empty());

    // And SeaORM's own runner goes on from where this one stopped.
    let back = open(&ours.url()).await;
    Full::down(&back, Some(1)).await.unwrap();
    assert_eq!(Full::get_pending_migrations(&back).await.unwrap().len(), 1);

    let (ours, theirs) = (postgres().await, postgres().await);
    Engine::new::<Full>()
        .upgrade(&ours, &Target::Head, &impatient())
        .await
        .unwrap();
    Full::up(&open(&theirs).await, None).await.unwrap();
    let table = "SELECT concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, \
                 (SELECT string_agg(pg_get_constraintdef(c.oid), ' ') FROM pg_constraint c WHERE c.conrelid = attrelid)) \
                 FROM pg_attribute WHERE attrelid = 'seaql_migrations'::regclass AND attnum > 0 ORDER BY attnum";
    assert_eq!(select(&ours, table).await, select(&theirs, table).await);
}

#[tokio::test]
async fn a_failing_last_statement_leaves_the_database_as_it_was() {
    let file = SqliteFile::new().at::<Short>().await;
    let before = dump(&file.url()).await;
    let error = Engine::new::<crate::migrations::Broken>()
        .upgrade(&file.url(), &Target::Head, &impatient())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Migration m20260103_000000_add_tags failed: no such table: nowhere"
    );
    assert_eq!(error.unchanged(), "Nothing was changed.");
    assert_eq!(dump(&file.url()).await, before);

    let url = postgres().await;
    let broken = Engine::new::<crate::migrations::Broken>();
    let error = broken
        .upgrade(&url, &Target::Head, &impatient())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Migration m20260103_000000_add_tags failed: relation \"nowhere\" does not exist"
    );
    assert!(
        select(
            &url,
            "SELECT relname::text FROM pg_class WHERE relname IN ('note', 'seaql_migrations')"
        )
        .await
        .is_empty()
    );

    let single = Options {
        transactions: Transactions::PerMigration,
        ..impatient()
    };
    let error = broken
        .upgrade(&url, &Target::Head, &single)
        .await
        .unwrap_err();
    assert_eq!(
        error.unchanged(),
        "'m20260101_000000_create_notes' and 'm20260102_000000_add_title' stayed committed. Nothing else was changed."
    );
    assert_eq!(broken.status(&url).await.unwrap().current(), Some(TITLE));
}

#[tokio::test]
async fn an_existing_database_in_rollback_mode_is_taken_to_wal() {
    let file = SqliteFile::new().at::<Short>().await;
    execute(&file.url(), "PRAGMA journal_mode = DELETE").await;
    Engine::new::<Full>()
        .upgrade(&file.url(), &Target::Head, &impatient())
        .await
        .unwrap();
    assert_eq!(select(&file.url(), "PRAGMA journal_mode").await, ["wal"]);
    assert_eq!(
        select(&file.url(), "SELECT CAST(reads AS text) FROM note").await,
        ["202"]
    );
}

#[tokio::test]
async fn a_running_call_can_be_spawned() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let file = SqliteFile::new();
    let engine = Engine::new::<Full>();
    is_send(engine.upgrade(&file.url(), &Target::Head, &impatient()))
        .await
        .unwrap();
    is_send(engine.status(&file.url())).await.unwrap();
}
