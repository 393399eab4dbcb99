//! What is remembered, and what `check` makes of it.

use revision::{Engine, Options, Target, Transactions};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::migrations::{Edited, Full, Script, Short};
use crate::support::{SqliteFile, execute, impatient, notebook, postgres, select, text};

async fn at_head() -> [(Option<SqliteFile>, String); 2] {
    let file = SqliteFile::new();
    let (sqlite, postgres) = (file.url(), postgres().await);
    for url in [&sqlite, &postgres] {
        Engine::new::<Full>()
            .upgrade(url, &Target::Head, &impatient())
            .await
            .expect("the fixture migrates");
    }
    [(Some(file), sqlite), (None, postgres)]
}

fn lines(check: &revision::Check) -> Vec<String> {
    check.differences.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_database_as_the_migrations_left_it_is_fine_whichever_way_it_came_there() {
    for (_file, url) in at_head().await {
        let engine = Engine::new::<Full>();
        let single = Options {
            transactions: Transactions::PerMigration,
            ..impatient()
        };
        let check = engine.check(&url).await.unwrap();
        assert!(check.is_fine(), "{check:?}");
        assert_eq!((check.drifted, check.unremembered.len()), (Some(false), 0));
        for target in [Target::Steps(-2), Target::Base] {
            engine.downgrade(&url, &target, &single).await.unwrap();
            let check = engine.check(&url).await.unwrap();
            assert_ne!(check.drifted, Some(true), "{check:?}");
        }
        engine.upgrade(&url, &Target::Head, &single).await.unwrap();
        engine.refresh(&url, &impatient()).await.unwrap();
        engine.fresh(&url, &impatient()).await.unwrap();
        assert!(engine.check(&url).await.unwrap().is_fine());
    }
}

#[tokio::test]
async fn a_schema_that_was_changed_by_hand_is_told_table_by_table() {
    for (_file, url) in at_head().await {
        execute(&url, "ALTER TABLE note ADD COLUMN colour text").await;
        execute(&url, "DROP TABLE tag").await;
        execute(&url, "CREATE TABLE extra (id integer)").await;
        let check = Engine::new::<Full>().check(&url).await.unwrap();
        assert_eq!(check.drifted, Some(true));
        assert_eq!(
            lines(&check),
            [
                "table extra: is there, but should not be",
                "table note: column colour: is there, but should not be",
                "table tag: is missing"
            ]
        );
        assert!(!check.is_fine());
        // To look leaves nothing behind.
        let again = Engine::new::<Full>().check(&url).await.unwrap();
        assert_eq!(again, check);
    }
}

#[tokio::test]
async fn a_change_of_rows_is_no_change_of_the_schema() {
    for (_file, url) in at_head().await {
        execute(&url, "UPDATE note SET title = 'mine'").await;
        assert!(Engine::new::<Full>().check(&url).await.unwrap().is_fine());
    }
}

#[tokio::test]
async fn a_migration_that_was_edited_after_it_was_applied_is_named() {
    for (_file, url) in at_head().await {
        let check = Engine::new::<Edited>().check(&url).await.unwrap();
        assert_eq!(check.edited, ["m20260102_000000_add_title"]);
        assert_eq!(check.drifted, Some(false));
        // A stamp accepts it.
        Engine::new::<Edited>()
            .stamp(&url, &Target::Current, false, &impatient())
            .await
            .unwrap();
        assert!(Engine::new::<Edited>().check(&url).await.unwrap().is_fine());
    }
}

#[tokio::test]
async fn a_database_of_seaorms_own_tool_is_served_and_remembered_from_now_on() {
    let file = SqliteFile::new();
    let plain = crate::support::open(&format!("{}?mode=rwc", file.url())).await;
    Short::up(&plain, None).await.unwrap();
    plain.close().await.unwrap();
    let engine = Engine::new::<Full>();
    let check = engine.check(&file.url()).await.unwrap();
    assert_eq!((check.drifted, check.unremembered.len()), (None, 2));
    assert!(check.edited.is_empty());
    engine
        .upgrade(&file.url(), &Target::Head, &impatient())
        .await
        .unwrap();
    let check = engine.check(&file.url()).await.unwrap();
    assert_eq!((check.drifted, check.unremembered.len()), (Some(false), 2));
    assert!(check.is_fine());
}

#[tokio::test]
async fn what_seaorms_own_tool_did_meanwhile_is_no_change_by_hand() {
    for (_file, url) in at_head().await {
        let engine = Engine::new::<Full>();
        let plain = async || crate::support::open(&url).await;
        Full::down(&plain().await, Some(1)).await.unwrap();
        let check = engine.check(&url).await.unwrap();
        assert_eq!((check.drifted, check.status.pending.len()), (None, 1));
        Full::up(&plain().await, None).await.unwrap();
        Full::down(&plain().await, Some(2)).await.unwrap();
        Short::up(&plain().await, None).await.unwrap();
        assert_ne!(engine.check(&url).await.unwrap().drifted, Some(true));

        engine
            .upgrade(&url, &Target::Head, &impatient())
            .await
            .unwrap();
        assert!(engine.check(&url).await.unwrap().is_fine());
    }
}

struct Unrecordable;

impl MigratorTrait for Unrecordable {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = Short::migrations();
        // Only where somebody has left that table is there something to copy.
        migrations.push(Box::new(Script {
            name: "m20260103_000000_copy",
            up: &["CREATE TABLE copy AS SELECT * FROM somebodys"],
            down: &["DROP TABLE copy"],
            transaction: None,
        }));
        migrations
    }
}

#[tokio::test]
async fn a_migration_that_cannot_be_played_to_an_empty_database_runs_all_the_same() {
    let file = SqliteFile::new().at::<Short>().await;
    execute(&file.url(), "CREATE TABLE somebodys (id integer)").await;
    let engine = Engine::new::<Unrecordable>();
    engine
        .upgrade(&file.url(), &Target::Head, &impatient())
        .await
        .unwrap();
    let check = engine.check(&file.url()).await.unwrap();
    assert_eq!(check.unremembered, ["m20260103_000000_copy"]);
    assert!(check.is_fine());
    assert_eq!(
        select(
            &file.url(),
            "SELECT version FROM revision_memory ORDER BY turn"
        )
        .await
        .len(),
        3
    );
}

#[tokio::test]
async fn entities_ahead_of_the_migrations_have_a_code_of_their_own() {
    let file = SqliteFile::new().at::<Full>().await;
    for url in [file.url(), SqliteFile::new().url()] {
        let output = notebook(&url, &["check"])
            .env("NOTEBOOK", "ahead")
            .output()
            .expect("the notebook runs");
        let text = text(&output);
        assert_eq!(output.status.code(), Some(9), "{text}");
        assert!(
            text.starts_with("The entities are ahead of the migrations.\n"),
            "{text}"
        );
        assert!(text.contains("\n  create table label\n"), "{text}");
    }
    let all = Engine::new::<Full>().check(&file.url()).await.unwrap();
    assert!(
        all.is_fine(),
        "without entities nothing is compared: {all:?}"
    );
}
