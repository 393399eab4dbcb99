//! What is wrong with the files is recognised, told in words, and got over without a restart where that is possible.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use chrono::DateTime;
use domain::FixedClock;
use server::boot::bring_up;
use server::config::Config;
use server::state::Phase;
use tokio::sync::watch;

use super::served::Served;
use crate::support::file::{copy_to, execute, url};
use crate::support::process::{Process, configured};
use crate::support::reads;
use crate::support::small_disk::SmallDisk;

const DRUGS: &str = "/api/v1/drugs";
/// What is offered where a copy was made of 30 writes, which are 11 drugs.
const COPY_1: &str = "The newest good copy is number 1 (manual, made * UTC, with 11 drugs); what was entered after it is not \
                      in it. To go back to it: *medicine-tracker restore 1";

/// Waits for the trouble of a code, and asserts that every route, the log and the doctor say it in exactly these words,
/// in which a `*` stands for anything.
async fn troubled(served: &mut Served, code: &str, title: &str, detail: &str) {
    let kind = format!("urn:medicine-tracker:problem:{code}");
    let mut client = served.process.client().await;
    let answer = served
        .process
        .until(&mut client, "/health/ready", |answer| {
            answer.body["type"] == kind.as_str()
        })
        .await;
    assert_eq!(answer.problem().0, 503, "{answer:?}");
    let text = |name: &str| answer.body[name].as_str().unwrap_or_default().to_owned();
    let (told_title, told_detail) = (text("title"), text("detail"));
    assert!(reads(&told_title, title), "{told_title}\nis not\n{title}");
    assert!(
        reads(&told_detail, detail),
        "{told_detail}\nis not\n{detail}"
    );
    assert_eq!(
        client.get(DRUGS).await.body["detail"],
        answer.body["detail"]
    );
    served.process.line(&format!("code=\"{code}\""));
    let said = served.ask(&["doctor"], None);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(
        said.complaint.trim_end(),
        format!("{code}  {told_title}\n{told_detail}")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_service_waits_and_takes_over() {
    let mut served = Served::after(0).await;
    let second = Process::start(&url(&served.file()));
    let mut first = std::mem::replace(&mut served.process, second);
    let title = format!(
        "Another medicine-tracker is using {} (process {} on *, version *)",
        served.file().display(),
        first.pid()
    );
    troubled(
        &mut served,
        "boot-in-use",
        &title,
        "One database is served by one service at a time. Nothing was changed, and the other one goes on. Stop one of the \
         two; this one takes over by itself as soon as the other has ended.",
    )
    .await;
    // The connection is still to the first.
    served.write(5).await;
    first.kill();
    served.ready().await;
    served.write(5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_without_its_database_is_kept_until_the_database_is_back() {
    for has_twin in [true, false] {
        let mut served = Served::after(7).await;
        served.process.kill();
        let (file, log) = (served.file(), served.path("medicine.db-wal"));
        let elsewhere = served.path("elsewhere");
        fs::rename(&file, &elsewhere).expect("it is there");
        let before = fs::read(&log).expect("it is there");
        let copy = if has_twin {
            "The newest good copy is number 1 (pre-restore, made * UTC, with 4 drugs); what was entered after it is not in it. \
             To go back to it: *medicine-tracker restore 1"
                .to_owned()
        } else {
            fs::remove_dir_all(served.path("twin")).expect("it is there");
            format!(
                "There is no good copy of it in {}. If you have a backup elsewhere: *medicine-tracker restore - < FILE",
                served.path("snapshots").display()
            )
        };
        served.start();
        let detail = format!(
            "The newest entries are in {}, which is of use only together with that file. Nothing was changed. Put the file \
             back where it was, or go back to a copy; to begin with nothing, move the log to another name. {copy}",
            log.display(),
        );
        let title = format!("{} is gone, but its log is still there", file.display());
        troubled(&mut served, "boot-missing", &title, &detail).await;
        assert!(fs::read(&log).expect("it is there") == before);
        if has_twin {
            served.told(&["restore", "1"]);
        } else {
            fs::rename(&elsewhere, &file).expect("it is there");
        }
        served.ready().await;
        assert_eq!(served.state().await, Ok(7));
    }
}

/// A file that is torn after a stop is the newest state all the same: it is there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_file_that_is_torn_after_a_stop_nothing_is_lost() {
    let mut served = Served::after(30).await;
    served.process.stop();
    let file = served.file();
    let whole = fs::read(&file).expect("it is there");
    fs::write(&file, &whole[..whole.len() / 2]).expect("it is torn");
    served.start();
    let title = format!("{} is damaged: *", file.display());
    let detail = "It may come from a backup that was made while something wrote, or from a failing disk. Nothing was changed, \
                  and nothing is served from it. The newest good copy is number 1 (pre-restore, made * UTC, with 11 drugs); \
                  what was entered after it is not in it. To go back to it: *medicine-tracker restore 1";
    troubled(&mut served, "boot-damaged", &title, detail).await;
    served.told(&["restore", "1"]);
    served.ready().await;
    assert_eq!(served.state().await, Ok(30));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_file_is_not_served_and_a_copy_is_offered_and_restored_without_a_restart() {
    let mut served = Served::after(30).await;
    served.told(&["backup"]);
    served.process.kill();
    let file = served.file();
    execute(&file, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let whole = fs::read(&file).expect("it is there");
    fs::write(&file, &whole[..whole.len() / 2]).expect("it is torn");
    served.start();
    let title = format!("{} is damaged: *", file.display());
    let detail = format!(
        "It may come from a backup that was made while something wrote, or from a failing disk. Nothing was changed, and \
         nothing is served from it. {COPY_1}"
    );
    troubled(&mut served, "boot-damaged", &title, &detail).await;
    let said = served.told(&["restore", "1"]);
    assert!(said.contains("quarantine"), "{said}");
    served.ready().await;
    assert_eq!(served.state().await, Ok(30));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_in_1970_is_waited_out() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let database_url = url(&directory.path().join("medicine.db"));
    let config = Config::read(|name| (name == "DATABASE_URL").then(|| database_url.clone()));
    let clock = Arc::new(FixedClock::new(DateTime::UNIX_EPOCH));
    let (phase, mut phases) = watch::channel(Phase::Starting);
    let config = config.expect("it is valid");
    let boot = tokio::spawn(bring_up(config, clock.clone(), phase));
    let troubled = |phase: &Phase| matches!(phase, Phase::Troubled(_));
    {
        let phase = phases.wait_for(troubled).await.expect("it goes on");
        let Phase::Troubled(trouble) = &*phase else {
            unreachable!("it was waited for")
        };
        assert_eq!(trouble.code, "boot-clock");
        assert_eq!(
            trouble.title,
            "The clock of this machine says 1970-01-01 00:00, which cannot be"
        );
        assert_eq!(
            trouble.detail,
            "Every date that the service answers, and every stock that it reckons, would be wrong. Nothing was changed. \
             Set the clock, and the service goes on by itself: sudo timedatectl set-ntp true"
        );
    }
    assert!(!directory.path().join("medicine.db").exists());
    clock.set("2026-11-22T11:00:00Z".parse().expect("an instant"));
    let serving = |phase: &Phase| matches!(phase, Phase::Serving(_));
    phases.wait_for(serving).await.expect("it goes on");
    boot.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_behind_the_last_entry_is_told() {
    let mut served = Served::after(0).await;
    served.process.stop();
    execute(
        &served.file(),
        "UPDATE drugs SET updated_at = '2999-01-02 03:04:05+00:00'",
    )
    .await;
    served.start();
    served.ready().await;
    let answer = served.client.get("/health/ready").await;
    let notices = answer.body["notices"]
        .as_array()
        .expect("there are notices");
    let behind = notices
        .iter()
        .find(|notice| notice["code"] == "clock-behind");
    let detail = behind.expect("it is noticed")["detail"].as_str();
    let expected = "It says *, and the last entry is from 2999-01-02 03:04. Nothing was changed and the service works, but \
                    what it says of today is wrong until the clock is right. Look at it: date";
    assert!(reads(detail.unwrap_or_default(), expected), "{detail:?}");
    assert!(served.told(&["doctor"]).contains("clock-behind"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_volume_is_told_until_it_can_be_written() {
    let mut disk = SmallDisk::new(8);
    let mut process = Process::spawn(disk.service());
    process.ready().await;
    process.stop();
    disk.set_read_only(true);
    let mut process = Process::spawn(disk.service());
    let url = disk.database_url();
    let file = url.strip_prefix("sqlite://").expect("it is a file");
    let mut client = process.client().await;
    let answer = process
        .until(&mut client, DRUGS, |answer| {
            answer.body["type"] == "urn:medicine-tracker:problem:boot-read-only"
        })
        .await;
    let directory = file
        .strip_suffix("/medicine.db")
        .expect("it is in a directory");
    assert_eq!(
        answer.body["title"],
        format!("The directory {directory} may not be written: it is mounted read-only")
    );
    assert_eq!(
        answer.body["detail"],
        format!(
            "The service keeps {file} there and cannot work without writing. Nothing was changed. Mount it writable (a \
             volume without :ro at its end); the service goes on by itself."
        )
    );
    disk.set_read_only(false);
    process.ready().await;
}

/// Only root can give files away; an ordinary user who runs the tests sees the same in a directory that is closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_another_owner_are_told_until_they_are_given_back() {
    let is_root = rustix::process::geteuid().is_root();
    let directory = tempfile::tempdir_in("/tmp").expect("a temporary directory");
    let file = directory.path().join("medicine.db");
    let mut process = Process::start(&url(&file));
    process.ready().await;
    process.stop();
    let set = |mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode))
            .expect("it is ours");
    };
    set(0o555);
    let program = env!("CARGO_BIN_EXE_medicine-tracker");
    let owner = rustix::process::geteuid().as_raw();
    let (mut command, user) = if is_root {
        // The program may lie where nobody else may look, so it is run through its descriptor.
        let mut command = Command::new("sh");
        let script = "exec 9<\"$0\"; exec setpriv --reuid=65534 --clear-groups /proc/self/fd/9";
        command.args(["-c", script, program]);
        (command, 65534)
    } else {
        (Command::new(program), owner)
    };
    command = configured(command, &url(&file));
    let mut process = Process::spawn(command);
    let mut client = process.client().await;
    let answer = process
        .until(&mut client, DRUGS, |answer| {
            answer.body["type"] == "urn:medicine-tracker:problem:boot-owner"
        })
        .await;
    assert_eq!(
        answer.body["title"],
        format!(
            "{} may not be written: it belongs to user {owner}, and the service runs as user {user}",
            directory.path().display()
        )
    );
    let group = rustix::process::getegid().as_raw();
    assert_eq!(
        answer.body["detail"],
        format!(
            "This happens when files are put there by root, as from an archive of an older service. Nothing was changed, \
             and the data is there. Give the files to the service, and it goes on by itself: docker run --rm -v \
             medicine-data:/data alpine chown -R {user}:{group} /data"
        )
    );
    set(0o777);
    if is_root {
        for entry in fs::read_dir(directory.path()).expect("it can be read") {
            let path = entry.expect("an entry").path();
            std::os::unix::fs::chown(path, Some(65534), Some(65534)).expect("we are root");
        }
    }
    process.ready().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revision_that_this_version_does_not_have_is_told_with_the_copy_from_before() {
    for (revision, code, title, detail) in [
        (
            "m29991231_000000_of_a_newer_version",
            "boot-newer",
            "The database is newer than this program: it has 'm29991231_000000_of_a_newer_version', and this program knows \
             nothing after *.",
            "Nothing was changed. Start the version of the program that wrote it, or restore the copy made before that \
             upgrade.",
        ),
        (
            "m20260908_000000_of_another_version",
            "boot-unknown-revision",
            "Can't locate revision identified by 'm20260908_000000_of_another_version': the database has it, this program \
             does not.",
            "Nothing was changed. Bring back the missing migration, or start the version of the program that has it. What \
             is known here: migration history. Only if the schema is that of the newest migration all the same: migration \
             stamp head --purge",
        ),
    ] {
        let mut served = Served::after(30).await;
        served.told(&["backup"]);
        served.write(3).await;
        served.process.stop();
        // What the other version entered, and a copy that it made, which this one cannot use.
        let sql = format!("INSERT INTO seaql_migrations VALUES ('{revision}', 0)");
        execute(&served.file(), &sql).await;
        let copy = served.path("snapshots/medicine-0002-20261122T031500Z-daily.db");
        copy_to(&served.file(), &copy);
        served.start();
        let detail = format!("{detail} {COPY_1}");
        troubled(&mut served, code, title, &detail).await;
        served.told(&["restore", "1"]);
        served.ready().await;
        assert_eq!(served.state().await, Ok(30));
    }
}

#[test]
fn the_expected_words_are_told_from_others() {
    assert!(reads(
        "it is gone, since 3 days",
        "it is gone, since * days"
    ));
    assert!(reads("one two one", "*one"));
    for other in [
        "it is gone",
        "it is gone, since 3 days ",
        "so it is gone, since 3 days",
    ] {
        assert!(!reads(other, "it is gone, since * days"), "{other}");
    }
}
