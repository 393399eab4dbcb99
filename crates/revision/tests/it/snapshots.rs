//! The copy before a migration.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use revision::{Engine, Error, Options, Target};

use crate::migrations::{Broken, Full, Short};
use crate::support::{SqliteFile, dump, execute, impatient};

fn with_snapshots(directory: &Path) -> Options {
    Options {
        snapshot_dir: Some(directory.to_owned()),
        ..impatient()
    }
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .expect("the directory can be read")
        .map(|entry| {
            entry
                .expect("the directory can be read")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_snapshot_is_the_database_before_the_migration() {
    let (file, directory) = (
        SqliteFile::new().at::<Short>().await,
        tempfile::tempdir().unwrap(),
    );
    execute(&file.url(), "PRAGMA user_version = 7").await;
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
    let before = dump(&file.url()).await;
    let engine = Engine::new::<Full>();
    let report = engine
        .upgrade(
            &file.url(),
            &Target::Head,
            &with_snapshots(directory.path()),
        )
        .await
        .unwrap();
    let snapshot = report.snapshot.expect("a snapshot was taken");
    assert_eq!(
        dump(&format!("sqlite://{}", snapshot.display())).await,
        before
    );
    assert_eq!(
        fs::metadata(&snapshot).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let report = engine
        .downgrade(
            &file.url(),
            &Target::Steps(-1),
            &with_snapshots(directory.path()),
        )
        .await
        .unwrap();
    let second = report.snapshot.expect("a downgrade takes one too");
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    assert!(
        name(&snapshot).starts_with("notes-0001-20")
            && name(&snapshot).ends_with("Z-pre-migrate.db")
    );
    assert!(name(&second).starts_with("notes-0002-20"));
    assert_eq!(names(directory.path()), [name(&snapshot), name(&second)]);
}

#[tokio::test]
async fn only_the_newest_snapshots_stay() {
    let (file, directory) = (
        SqliteFile::new().at::<Short>().await,
        tempfile::tempdir().unwrap(),
    );
    // What is not a snapshot of this database is none of its business.
    fs::write(directory.path().join("notes-0000-mine.db"), "mine").unwrap();
    let engine = Engine::new::<Full>();
    let options = Options {
        keep_snapshots: 3,
        ..with_snapshots(directory.path())
    };
    for _ in 0..3 {
        engine
            .upgrade(&file.url(), &Target::Head, &options)
            .await
            .unwrap();
        engine
            .downgrade(&file.url(), &Target::Steps(-1), &options)
            .await
            .unwrap();
    }
    let numbers: Vec<String> = names(directory.path())
        .iter()
        .map(|name| name[..10].to_owned())
        .collect();
    assert_eq!(
        numbers,
        ["notes-0000", "notes-0004", "notes-0005", "notes-0006"]
    );
}

#[tokio::test]
async fn no_snapshot_is_taken_where_there_is_nothing_to_lose_or_to_do() {
    let (file, directory) = (SqliteFile::new(), tempfile::tempdir().unwrap());
    let engine = Engine::new::<Full>();
    for _ in 0..2 {
        let report = engine
            .upgrade(
                &file.url(),
                &Target::Head,
                &with_snapshots(directory.path()),
            )
            .await
            .unwrap();
        assert_eq!(report.snapshot, None);
    }
    assert!(names(directory.path()).is_empty());
}

#[tokio::test]
async fn too_little_space_stops_before_anything_is_done() {
    let (file, directory) = (
        SqliteFile::new().at::<Short>().await,
        tempfile::tempdir().unwrap(),
    );
    let before = dump(&file.url()).await;
    let options = Options {
        spare_bytes: u64::MAX,
        ..with_snapshots(directory.path())
    };
    let error = Engine::new::<Full>()
        .upgrade(&file.url(), &Target::Head, &options)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
    assert_eq!(dump(&file.url()).await, before);
    assert!(names(directory.path()).is_empty());
}

#[tokio::test]
async fn a_migration_that_fails_leaves_no_snapshot_however_often_it_is_tried() {
    let (file, directory) = (
        SqliteFile::new().at::<Short>().await,
        tempfile::tempdir().unwrap(),
    );
    fs::write(
        directory.path().join(".tmp-notes-pre-migrate.db"),
        "half a copy",
    )
    .unwrap();
    let engine = Engine::new::<Broken>();
    for _ in 0..3 {
        let error = engine
            .upgrade(
                &file.url(),
                &Target::Head,
                &with_snapshots(directory.path()),
            )
            .await
            .unwrap_err();
        assert_eq!(error.code(), "failed");
        assert!(names(directory.path()).is_empty());
    }
}
