//! `stamp`: version rows without migrations.

use revision::{Engine, Target};

use crate::migrations::{Full, Short};
use crate::support::{SqliteFile, execute, impatient, postgres, select};

const VERSIONS: &str = "SELECT version FROM seaql_migrations ORDER BY version";

#[tokio::test]
async fn a_stamp_moves_the_version_and_nothing_else() {
    let file = SqliteFile::new();
    for url in [file.url(), postgres().await] {
        let engine = Engine::new::<Full>();
        let stamp = async |target: &str| {
            let target = target.parse::<Target>().unwrap();
            engine
                .stamp(&url, &target, false, &impatient())
                .await
                .unwrap()
        };
        let report = stamp("add_title").await;
        assert_eq!(report.to.as_deref(), Some("m20260102_000000_add_title"));
        assert_eq!(select(&url, VERSIONS).await.len(), 2);
        assert_eq!(stamp("head").await.steps.len(), 1);
        assert_eq!(stamp("head").await.steps.len(), 0);
        let report = stamp("base").await;
        assert_eq!((report.steps.len(), report.to), (3, None));
        assert!(select(&url, VERSIONS).await.is_empty());
    }
}

#[tokio::test]
async fn unknown_revisions_are_removed_only_when_that_is_asked_for() {
    let file = SqliteFile::new().at::<Full>().await;
    execute(
        &file.url(),
        "INSERT INTO seaql_migrations VALUES ('m20260102_120000_lost', 0)",
    )
    .await;
    let engine = Engine::new::<Short>();
    let error = engine
        .stamp(&file.url(), &Target::Head, false, &impatient())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "newer");
    engine
        .stamp(&file.url(), &Target::Head, true, &impatient())
        .await
        .unwrap();
    assert_eq!(
        select(&file.url(), VERSIONS).await,
        [
            "m20260101_000000_create_notes",
            "m20260102_000000_add_title"
        ]
    );
    let remembered = "SELECT version FROM revision_memory";
    assert_eq!(select(&file.url(), remembered).await.len(), 2);
}
