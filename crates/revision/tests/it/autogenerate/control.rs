//! Whether the cases would notice: proposals that were damaged on purpose, and rows that were meddled with.

use revision::autogenerate::{Known, Outcome, Proposal, compare};
use revision::operation::{Change, Operation};

use super::case::Case;
use super::compared::{Sides, judge_proposal};

const CASE: &str = "\
# a column is converted, another one goes, and one comes
@ sqlite
- CREATE TABLE drug (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, code varchar(9), name text, gone text)
- CREATE VIEW names AS SELECT name FROM drug
+ CREATE TABLE drug (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, code text, name text, note date)
$ --drop drug.gone
> drug: drop column gone
> drug: set type of code to text
> drug: add column note date
";

/// What is said of the case with another line, after its proposal was damaged; nothing when it passes.
async fn said(line: &str, damage: impl FnOnce(&mut Case, &mut Proposal)) -> Option<String> {
    let mut case = Case::all(&format!("{CASE}{line}")).remove(0);
    let sides = Sides::of(&case);
    let (before, after) = (
        sides.before.stage(None).await,
        sides.after.stage(None).await,
    );
    let found = compare(&before, &after, &Known::default(), &case.decisions, &[]).await;
    let Ok(Outcome::Proposal(mut proposal)) = found else {
        panic!("there is a proposal: {found:?}");
    };
    damage(&mut case, &mut proposal);
    let judged = judge_proposal(&case, &sides, None, &proposal, &after).await;
    judged.err()
}

fn changes(operations: &mut [Operation]) -> &mut Vec<Change> {
    match &mut operations[0] {
        Operation::AlterTable(alter) => &mut alter.changes,
        other => panic!("{other} changes no table"),
    }
}

fn nothing(_: &mut Case, _: &mut Proposal) {}

#[tokio::test]
async fn an_undamaged_case_passes() {
    assert_eq!(said("", nothing).await, None);
}

#[tokio::test]
async fn an_operation_too_few_is_noticed() {
    let shorter = |_: &mut Case, proposal: &mut Proposal| drop(changes(&mut proposal.up).pop());
    let reason = said("", shorter).await.expect("it fails");
    assert!(reason.starts_with("finds"), "{reason}");
    // Even where it is not expected.
    let unexpected = |case: &mut Case, proposal: &mut Proposal| {
        changes(&mut proposal.up).pop();
        case.up.pop();
    };
    let reason = said("", unexpected).await.expect("it fails");
    assert!(
        reason.starts_with("up with rows leads elsewhere: table drug: column note"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_way_back_that_leads_elsewhere_is_noticed() {
    let shorter = |_: &mut Case, proposal: &mut Proposal| drop(changes(&mut proposal.down).pop());
    let reason = said("", shorter).await.expect("it fails");
    assert!(
        reason.starts_with("down with rows leads elsewhere"),
        "{reason}"
    );
}

#[tokio::test]
async fn what_becomes_of_rows_is_noticed() {
    for (meddling, expected) in [
        (
            "DELETE FROM drug WHERE id = 3",
            "up changes the rows of drug",
        ),
        (
            "UPDATE drug SET name = 'x' WHERE id = 2",
            "up changes the rows of drug",
        ),
        (
            "UPDATE drug SET code = NULL WHERE id = 2",
            "up changes the rows of drug",
        ),
        (
            "UPDATE drug SET id = 9 WHERE id = 2",
            "up changes the rows of drug",
        ),
        (
            "UPDATE sqlite_sequence SET seq = 5",
            "the last id of drug was 41, is 5",
        ),
        ("DROP VIEW names", "up loses names"),
    ] {
        let reason = said(&format!("~ {meddling}"), nothing).await;
        let reason = reason.unwrap_or_else(|| panic!("{meddling} is not noticed"));
        assert!(reason.starts_with(expected), "{meddling}: {reason}");
    }
}

#[tokio::test]
async fn a_value_that_is_not_as_expected_is_noticed() {
    let reason = said("= drug.note = 2026-01-01", nothing)
        .await
        .expect("it fails");
    assert_eq!(reason, "drug.note is NULL, expected 2026-01-01");
}

#[tokio::test]
async fn a_refusal_that_does_not_come_is_noticed() {
    let reason = said("x up 1 row", nothing).await.expect("it fails");
    assert_eq!(reason, "up is not refused, expected 1 row");
    let reason = said("x down 1 row", nothing).await.expect("it fails");
    assert_eq!(reason, "down is not refused, expected 1 row");
}
