//! The migrations make exactly what the entities declare, on both databases.

use migration::Migrator;
use revision::autogenerate::{Decisions, Outcome};
use revision::{Declared, Details, Engine};
use sea_orm::sea_query::Index;

use crate::cluster;

#[tokio::test(flavor = "multi_thread")]
async fn the_head_equals_the_entities() {
    let outcome = propose(entity::declared()).await;
    assert!(matches!(outcome, Outcome::Nothing), "{outcome:?}");
}

/// The negative control: an index more is a difference.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_no_migration_makes_is_seen() {
    let index = Index::create()
        .name("extra")
        .table(entity::drug::Entity)
        .col(entity::drug::Column::Unit)
        .to_owned();
    let declared = entity::declared().details(Details::of(entity::drug::Entity).index(&index));
    let Outcome::Proposal(proposal) = propose(declared).await else {
        panic!("nothing is proposed");
    };
    let lines: Vec<String> = proposal.up.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["drugs: create index extra (unit)"]);
}

async fn propose(declared: Declared) -> Outcome {
    let server = cluster::postgres().await;
    let engine = Engine::new::<Migrator>().declaring(declared);
    let outcome = engine.propose(Some(&server), &Decisions::default()).await;
    outcome.unwrap()
}
