//! The table of targets: what each means for a history of four migrations.

use std::collections::BTreeSet;

use super::State;
use crate::report::Direction;
use crate::target::Target;

const NAMES: [&str; 4] = [
    "m20260101_000000_create_notes",
    "m20260102_000000_add_title",
    "m20260103_000000_add_tags",
    "m20260104_000000_index_titles",
];

/// Runs a command against a database that has the migrations at `applied`, and says what it would do.
fn plan(direction: Direction, applied: &[usize], target: &str, out_of_order: bool) -> String {
    let names = NAMES.map(str::to_owned);
    let recorded = applied.iter().map(|index| names[*index].clone()).collect();
    let state = State::new(&names, &recorded);
    let Ok(target) = target.parse::<Target>();
    match state.plan(direction, &target, out_of_order) {
        Ok(plan) => format!("{plan:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn upgrade_runs_what_is_pending_up_to_its_target() {
    let up = |applied: &[usize], target| plan(Direction::Up, applied, target, false);
    assert_eq!(up(&[], "head"), "[0, 1, 2, 3]");
    assert_eq!(up(&[0, 1], "head"), "[2, 3]");
    assert_eq!(up(&[0, 1, 2, 3], "head"), "[]");
    assert_eq!(up(&[0], "+2"), "[1, 2]");
    assert_eq!(up(&[0], "+0"), "[]");
    assert_eq!(up(&[0], "add_tags"), "[1, 2]");
    assert_eq!(up(&[0], "add tags"), "[1, 2]");
    assert_eq!(up(&[0], "20260103"), "[1, 2]");
    assert_eq!(up(&[0], "add_tags+1"), "[1, 2, 3]");
    assert_eq!(up(&[0], "head-1"), "[1, 2]");
    assert_eq!(up(&[0], "base+2"), "[1]");
    assert_eq!(up(&[0, 1, 2], "add_title"), "[]");
    assert_eq!(
        up(&[0], "+4"),
        "+4 goes too far: there are 3 migrations that way."
    );
    assert_eq!(
        up(&[0, 1, 2], "add_tags+2"),
        "add_tags+2 goes too far: there is 1 migration that way."
    );
    assert_eq!(up(&[0], "-1"), "-1 is not something that upgrade leads to.");
    assert_eq!(
        up(&[0], "base"),
        "base is not something that upgrade leads to."
    );
    assert_eq!(
        up(&[], "nope"),
        "Can't locate revision identified by 'nope'."
    );
    assert_eq!(
        up(&[], "title"),
        "'title' is not clear: it could be 'm20260102_000000_add_title' and 'm20260104_000000_index_titles'."
    );
}

#[test]
fn downgrade_undoes_what_is_applied_after_its_target() {
    let down = |applied: &[usize], target| plan(Direction::Down, applied, target, false);
    assert_eq!(down(&[0, 1, 2, 3], "-1"), "[3]");
    assert_eq!(down(&[0, 1, 2, 3], "base"), "[3, 2, 1, 0]");
    assert_eq!(down(&[0, 1, 2], "create_notes"), "[2, 1]");
    assert_eq!(down(&[0, 1, 2], "current-2"), "[2, 1]");
    assert_eq!(down(&[], "base"), "[]");
    assert_eq!(
        down(&[0, 1], "-3"),
        "-3 goes too far: there are 2 migrations that way."
    );
    assert_eq!(
        down(&[], "-1"),
        "-1 goes too far: there is no migration that way."
    );
    assert_eq!(
        down(&[0], "+1"),
        "+1 is not something that downgrade leads to."
    );
    assert_eq!(
        down(&[0], "add_tags"),
        "add_tags is not something that downgrade leads to."
    );
}

#[test]
fn a_migration_that_comes_late_needs_to_be_asked_for() {
    let late = "Out of order: 'm20260102_000000_add_title' is not applied, but m20260103_000000_add_tags, which comes later, is.";
    assert_eq!(plan(Direction::Up, &[0, 2], "head", false), late);
    assert_eq!(plan(Direction::Up, &[0, 2], "+1", false), late);
    assert_eq!(plan(Direction::Up, &[0, 2], "head", true), "[1, 3]");
    assert_eq!(plan(Direction::Up, &[0, 2], "create_notes", false), "[]");
    assert_eq!(plan(Direction::Down, &[0, 2], "-1", false), "[2]");
}

#[test]
fn a_database_with_unknown_revisions_is_refused_whatever_the_target() {
    let names = NAMES.map(str::to_owned);
    let refuse = |unknown: &[&str]| {
        let recorded: BTreeSet<String> = unknown.iter().map(|name| (*name).to_owned()).collect();
        let state = State::new(&names, &recorded);
        let error = state
            .plan(Direction::Up, &Target::Steps(0), true)
            .unwrap_err();
        (error.code(), error.to_string())
    };
    assert_eq!(
        refuse(&["m20260901_000000_later"]),
        (
            "newer",
            "The database is newer than this program: it has 'm20260901_000000_later', \
             and this program knows nothing after m20260104_000000_index_titles."
                .to_owned()
        )
    );
    assert_eq!(
        refuse(&["m20260102_120000_lost", "m20260901_000000_later"]),
        (
            "unknown-revision",
            "Can't locate revision identified by 'm20260102_120000_lost' and 'm20260901_000000_later': \
             the database has them, this program does not."
                .to_owned()
        )
    );
}
