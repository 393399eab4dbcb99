//! The power fails at any moment: what was acknowledged is there, and the service starts on what is left.
//!
//! Nobody can pull the plug two thousand times, so the processes are recorded ([`recorder`]), the disks that a power
//! cut may leave of the record are made ([`disk`]), and each is held against what had been promised until then
//! ([`promise`]): first as SQLite sees it, then by starting the service on it.

mod disk;
mod promise;
mod recorder;
mod session;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::StreamExt as _;
use migration::Migrator;
use revision::{Engine, Options, Target};
use tempfile::TempDir;

use self::promise::{Promise, Verdict};
use self::session::{Cut, Recording, Session, succeeds};
use super::script::Script;
use super::served::Served;
use crate::support::file::{execute, schema, url};
use crate::support::process::{Process, figures, rounds, service};

/// Power cuts by default for each of the five kinds of moment; `MEDICINE_ROUNDS=400` for the full form.
const CUTS: u32 = 40;
/// Cuts of one recording. The next ones are of another, in which everything comes at another time.
const OF_ONE: u32 = 50;
/// Cuts that are looked at at a time.
const BESIDE: usize = 3;

/// What has to be there besides what was promised.
#[derive(Clone, Default)]
enum Besides {
    #[default]
    Nothing,
    /// One of two schemas; with the second, a copy from before.
    Schemas(Arc<[Vec<String>; 2]>),
    /// The service may say that the database is damaged or gone, and then goes back to the first copy when it is told
    /// to.
    Repair,
}

/// Makes a database by a recording, cuts it, and looks at what is left.
async fn survive(kind: &str, besides: Besides, recordings: impl AsyncFn() -> Recording) {
    let (mut left, mut seed, mut acknowledged) = (rounds(CUTS), 0, 0);
    while left > 0 {
        let count = left.min(OF_ONE);
        let recording = recordings().await;
        assert_eq!(recording.missed(), [] as [PathBuf; 0], "not recorded");
        acknowledged += survive_all(recording.cuts(count, seed, false), &besides).await;
        (left, seed) = (left - count, seed + 1);
    }
    let cuts = rounds(CUTS);
    figures(&format!(
        "{cuts} power cuts {kind}, {acknowledged} acknowledged writes in them: 0 lost, 0 malformed, {cuts} starts"
    ));
}

/// Answers how many acknowledged writes were looked for.
async fn survive_all(cuts: impl Iterator<Item = Cut>, besides: &Besides) -> u64 {
    futures_util::stream::iter(cuts)
        .map(|cut| async move {
            survive_one(&cut, besides).await;
            cut.promise.writes.values().sum::<u64>()
        })
        .buffer_unordered(BESIDE)
        .fold(0, async |sum, writes| sum + writes)
        .await
}

async fn survive_one(cut: &Cut, besides: &Besides) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    disk::write(&cut.files, directory.path());
    let file = directory.path().join("medicine.db");
    let is_repaired = matches!(besides, Besides::Repair);
    let keep = |verdict: Verdict| {
        let is_kept = verdict == Verdict::Kept;
        assert!(is_kept, "{}: {verdict:?}, {}", cut.name, keep(&cut.files));
    };
    if !is_repaired {
        keep(cut.promise.judge(&file).await);
    }
    if let Besides::Schemas(schemas) = besides {
        let (_copy, copy) = crate::support::file::copy(&file);
        let found = schema(&copy).await;
        assert!(schemas.contains(&found), "{}: {found:?}", cut.name);
        let mut promise = cut.promise.clone();
        if found == schemas[1] {
            promise.kept.push(promise.writes.clone());
        }
        keep(promise.judge(&file).await);
    }
    let mut process = Process::start(&url(&file));
    let mut client = process.client().await;
    let answer = process
        .until(&mut client, "/health/ready", |answer| {
            answer.body["type"] != "urn:medicine-tracker:problem:starting"
        })
        .await;
    if is_repaired && answer.status != 200 {
        let kind = answer.body["type"].as_str().unwrap_or_default();
        let is_told = kind.ends_with(":boot-damaged") || kind.ends_with(":boot-missing");
        let is_open = cut.promise.may_be.is_some();
        assert!(is_told && is_open, "{}: {answer:?}", cut.name);
        succeeds(service(&url(&file)), &["restore", "1"]);
    }
    process.ready().await;
    process.kill();
    keep(cut.promise.judge(&file).await);
}

/// Leaves the files of a cut for who looks into the failure.
fn keep(files: &disk::Files) -> String {
    let directory = tempfile::tempdir().expect("a temporary directory").keep();
    disk::write(files, &directory);
    format!("left in {}", directory.display())
}

/// Three clients write as fast as they can.
async fn write(session: &Session, process: &Process, round: &str, steps: u64) {
    let writers = (0..3).map(|number| async move {
        let name = format!("{round}{number}");
        let mut client = process.client().await;
        let mut script = Script::begin(&name, &mut client).await;
        for _ in 0..steps {
            let done = script.done;
            session.recorder.promise(|promise| {
                promise.writes.insert(name.clone(), done);
            });
            script.steps(&mut client, 1).await;
        }
        let done = script.done;
        session.recorder.promise(|promise| {
            promise.writes.insert(name.clone(), done);
        });
    });
    futures_util::future::join_all(writers).await;
}

/// From the first start of all to the stop; the log becomes so long that it is moved into the file while they write.
async fn written() -> Recording {
    written_on(Session::new()).await
}

async fn written_on(session: Session) -> Recording {
    let mut process = session.start();
    process.ready().await;
    write(&session, &process, "writer", 90).await;
    assert!(process.stop().1.success(), "{}", process.output());
    session.end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_during_writes_loses_nothing_acknowledged() {
    survive("during writes", Besides::Nothing, written).await;
}

/// The power fails once more before the service has got over the first time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_while_the_service_starts_after_another_loses_nothing_acknowledged() {
    survive("at a start after another", Besides::Nothing, || async {
        let first = written().await;
        let count = first.events();
        let cut = first.cuts(4, count, false).nth(2).expect("there are four");
        let directory = tempfile::tempdir().expect("a temporary directory");
        disk::write(&cut.files, directory.path());
        let session = Session::on(directory, cut.promise);
        let mut process = session.start();
        process.ready().await;
        assert!(process.stop().1.success(), "{}", process.output());
        session.end()
    })
    .await;
}

/// A database of the first revision with rows: the service migrates it at its start.
async fn old() -> (TempDir, Promise) {
    let mut served = Served::after(60).await;
    let file = served.file();
    assert!(served.process.stop().1.success());
    let options = Options {
        allow_data_loss: true,
        ..Options::default()
    };
    let engine = Engine::new::<Migrator>();
    let first = Target::Revision(engine.names()[0].clone());
    let down = engine.downgrade(&url(&file), &first, &options).await;
    down.expect("there is a way back");
    execute(&file, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    (served.directory, Promise::of(&served.script))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_during_a_migration_leaves_the_old_or_the_new_schema_with_every_row() {
    let (directory, _) = old().await;
    let file = directory.path().join("medicine.db");
    let before = schema(&file).await;
    crate::support::file::upgrade(&file, "head").await;
    let schemas = Arc::new([before, schema(&file).await]);
    survive("during migrations", Besides::Schemas(schemas), || async {
        let (directory, promise) = old().await;
        let session = Session::on(directory, promise);
        let mut process = session.start();
        process.ready().await;
        process.stop();
        session.end()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_during_copies_and_restores_leaves_one_state_or_the_other() {
    survive("during copies and restores", Besides::Nothing, || async {
        let session = Session::new();
        let mut process = session.start();
        process.ready().await;
        write(&session, &process, "early", 12).await;
        session.run(&["backup"]);
        let mut copied = None;
        session.recorder.promise(|promise| {
            promise.kept.push(promise.writes.clone());
            copied = Some(promise.writes.clone());
        });
        let copied = copied.expect("it was just noted");
        write(&session, &process, "late", 9).await;
        let may_be = copied.clone();
        session
            .recorder
            .promise(|promise| promise.may_be = Some(may_be));
        session.run(&["restore", "1"]);
        session.recorder.promise(|promise| {
            promise
                .kept
                .push(std::mem::replace(&mut promise.writes, copied));
            promise.may_be = None;
        });
        write(&session, &process, "after", 6).await;
        assert!(process.stop().1.success(), "{}", process.output());
        session.end()
    })
    .await;
}

/// The database is torn, so that the restore puts a file in its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_during_a_repair_leaves_the_damage_told_or_repaired() {
    survive("during repairs", Besides::Repair, || async {
        let mut served = Served::after(30).await;
        served.told(&["backup"]);
        served.process.kill();
        let file = served.file();
        // The log beside it stays.
        let whole = fs::read(&file).expect("it is there");
        fs::write(&file, &whole[..whole.len() / 2]).expect("it is torn");
        let mut promise = Promise::of(&served.script);
        promise.may_be = Some(promise.writes.clone());
        let session = Session::on(served.directory, promise);
        let mut process = session.start();
        process.line("boot-damaged");
        session.run(&["restore", "1"]);
        session.recorder.promise(|promise| promise.may_be = None);
        process.ready().await;
        assert!(process.stop().1.success(), "{}", process.output());
        session.end()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_a_disk_that_answers_an_fsync_and_does_nothing_loses_what_was_acknowledged() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut process = Process::start(&url(&directory.path().join("medicine.db")));
    process.ready().await;
    process.stop();
    let recording = written_on(Session::on(directory, Promise::default())).await;
    let (mut lost, mut malformed, mut kept) = (0, 0, 0);
    for cut in recording.cuts(CUTS, 0, true) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        disk::write(&cut.files, directory.path());
        match cut
            .promise
            .judge(&directory.path().join("medicine.db"))
            .await
        {
            Verdict::Kept => kept += 1,
            Verdict::Lost(_) => lost += 1,
            Verdict::Malformed(_) => malformed += 1,
        }
    }
    figures(&format!(
        "control, {CUTS} power cuts during writes to a disk that does nothing at an fsync: {lost} lost acknowledged writes, \
         {malformed} left a database that is not sound, {kept} did no harm"
    ));
    assert!(lost + malformed > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_a_change_that_was_not_recorded_is_noticed() {
    let session = Session::new();
    let mut process = session.start();
    process.ready().await;
    succeeds(service(&url(&session.file())), &["backup"]);
    process.stop();
    let recording = session.end();
    let missed = recording.missed();
    assert!(missed[0].starts_with("snapshots"), "{missed:?}");
}
