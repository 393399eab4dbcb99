//! Random pairs of schemas with random rows: what is proposed between them leads there and back, and loses nothing.
//!
//! Every pair is made up from a number. A pair that fails is made smaller as long as it fails, and told as SQL. The
//! numbers begin at `REVISION_SEED`, and `REVISION_PAIRS` says how many there are.

mod build;
mod dice;
mod model;
mod pair;
mod property;
mod repair;
mod rows;
mod sql;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use revision::autogenerate::Proposal;
use revision::operation::Operation;
use sea_orm::DbBackend;
use tokio::runtime::Runtime;

use crate::support;
use pair::{Pair, recipes};
use property::{Damage, Upgrade, holds, undamaged};

/// What came of many pairs.
#[derive(Debug, Default)]
struct Findings {
    /// How often each kind of operation was proposed.
    counts: BTreeMap<String, usize>,
    /// The smallest pair of each failure, with its number and what is wrong.
    failures: Vec<String>,
}

/// Tries as many pairs on two threads, until so many have failed as are `enough`.
fn explore(pairs: u64, enough: usize, server: Option<&str>, damage: Damage) -> Findings {
    let first = number("REVISION_SEED").unwrap_or(1);
    let next = AtomicU64::new(first);
    let findings = Mutex::new(Findings::default());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let runtime = Runtime::new().expect("a runtime");
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_enough = || lock(&findings).failures.len() >= enough;
                    if seed >= first + pairs || is_enough() {
                        return;
                    }
                    try_pair(seed, server, damage, &runtime, &findings);
                }
            });
        }
    });
    findings.into_inner().expect("no thread panics")
}

fn try_pair(
    seed: u64,
    server: Option<&str>,
    damage: Damage,
    runtime: &Runtime,
    findings: &Mutex<Findings>,
) {
    let config = Config {
        cases: 1,
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, random);
    let is_on_both = server.is_some();
    let result = runner.run(&recipes(), |recipe| {
        let pair = Pair::new(&recipe, is_on_both);
        let operations = runtime.block_on(holds(&pair, server, damage));
        let operations = operations.map_err(TestCaseError::fail)?;
        count(&operations, &mut lock(findings).counts);
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, recipe)) => {
            let pair = Pair::new(&recipe, is_on_both);
            let failure = format!("REVISION_SEED={seed}: {reason}\n{pair}");
            lock(findings).failures.push(failure);
        }
        Err(TestError::Abort(reason)) => panic!("REVISION_SEED={seed}: {reason}"),
    }
}

fn lock(findings: &Mutex<Findings>) -> std::sync::MutexGuard<'_, Findings> {
    findings.lock().expect("no thread panics")
}

fn count(operations: &[Operation], counts: &mut BTreeMap<String, usize>) {
    let mut add = |thing: &dyn std::fmt::Debug| {
        let text = format!("{thing:?}");
        let end = text.find(|letter: char| !letter.is_alphanumeric());
        let name = text[..end.unwrap_or(text.len())].to_owned();
        *counts.entry(name).or_default() += 1;
    };
    for operation in operations {
        match operation {
            Operation::AlterTable(alter) => alter.changes.iter().for_each(|change| add(change)),
            other => add(other),
        }
    }
}

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|error| panic!("{name}={text}: {error}")),
    )
}

/// What is tried, unless `REVISION_PAIRS` says otherwise.
fn pairs(short: u64, full: u64) -> u64 {
    let usual = if support::is_full_form() { full } else { short };
    number("REVISION_PAIRS").unwrap_or(usual)
}

/// Fails where something was found, or where too little of a kind was tried.
fn judge(findings: &Findings, kinds: &[&str], least: usize) {
    let failures = findings.failures.join("\n");
    assert!(findings.failures.is_empty(), "{failures}");
    for kind in kinds {
        let count = findings.counts.get(*kind).copied().unwrap_or_default();
        assert!(count >= least, "{kind} was proposed {count} times only");
    }
}

/// Every kind of operation that both databases have.
const KINDS: &[&str] = &[
    "CreateTable",
    "DropTable",
    "RenameTable",
    "CreateIndex",
    "DropIndex",
    "AddColumn",
    "DropColumn",
    "RenameColumn",
    "SetType",
    "SetNotNull",
    "DropNotNull",
    "SetDefault",
    "DropDefault",
    "SetCollation",
    "SetGenerated",
    "DropGenerated",
    "AddPrimaryKey",
    "DropPrimaryKey",
    "SetAutoincrement",
    "AddUnique",
    "DropUnique",
    "AddCheck",
    "DropCheck",
    "AddForeignKey",
    "DropForeignKey",
    "SetWithoutRowid",
];

#[test]
fn random_pairs_on_sqlite_lose_nothing() {
    let pairs = pairs(2_000, 20_000);
    let findings = explore(pairs, 3, None, undamaged);
    println!("{:#?}", findings.counts);
    let kinds = [KINDS, &["SetStrict"]].concat();
    judge(&findings, &kinds, least(pairs, 100));
}

#[test]
fn random_pairs_on_postgres_lose_nothing() {
    let runtime = Runtime::new().expect("a runtime");
    let server = runtime.block_on(support::confined());
    let pairs = pairs(200, 2_000);
    let findings = explore(pairs, 3, Some(&server), undamaged);
    println!("{:#?}", findings.counts);
    let enums = [
        "CreateEnum",
        "AddEnumValue",
        "RenameConstraint",
        "SetComment",
    ];
    let kinds = [KINDS, &enums].concat();
    judge(&findings, &kinds, least(pairs, 100));
}

/// How often each kind must have been proposed: once in so many pairs.
fn least(pairs: u64, every: u64) -> usize {
    usize::try_from(pairs / every).unwrap_or(usize::MAX)
}

/// As somebody would who thinks of the schema alone.
fn naive(pair: &Pair, _: &Proposal) -> Upgrade {
    let drops = pair.before.tables.iter();
    let drops = drops.map(|table| format!("DROP TABLE {}", sql::quote(&table.name)));
    let creates = sql::create(&pair.after, DbBackend::Sqlite);
    Upgrade::Statements(drops.chain(creates).collect())
}

fn without_the_last(_: &Pair, proposal: &Proposal) -> Upgrade {
    let (_, rest) = proposal.up.split_last().expect("there is something to do");
    Upgrade::Operations(rest.to_vec())
}

#[test]
fn a_table_that_is_made_anew_without_its_rows_is_noticed_and_made_small() {
    let findings = explore(10, 1, None, naive);
    let failure = findings.failures.first().expect("the rows are gone");
    assert!(failure.contains("the rows of"), "{failure}");
    let tables = failure.matches("CREATE TABLE").count();
    assert!(tables <= 3, "one before, and at most two after: {failure}");
}

#[test]
fn an_operation_that_is_left_out_is_noticed() {
    let findings = explore(10, 1, None, without_the_last);
    let failure = findings.failures.first().expect("something is missing");
    assert!(failure.contains("up with rows:"), "{failure}");
}
