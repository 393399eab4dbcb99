//! What `revision --autogenerate` finds between two schemas, and that it is so: the same schema as was wanted, with the
//! rows that were there, and back again.
//!
//! The cases are texts in `autogenerate/cases`; [`case`] says how to read them.

mod case;
mod compared;
mod control;
mod entities;
pub(crate) mod files;
mod journey;
mod pairs;
mod rows;

use std::sync::Arc;

use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;

use crate::support::{confined, postgres};
use case::Case;
use compared::Sides;

/// So many cases are run at a time.
const AT_ONCE: usize = 6;

/// The URL of a server as somebody sees it who may create no database there, which costs less.
async fn server() -> String {
    static SERVER: OnceCell<String> = OnceCell::const_new();
    SERVER.get_or_init(confined).await.clone()
}

/// Runs something over every case, several at a time, with the URL of the server that the case is for.
async fn over_every<F>(cases: Vec<Case>, run: impl Fn(Case, Option<String>) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let server = server().await;
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for case in cases {
        let server = if case.is("sqlite") {
            None
        } else if case.is("database") {
            Some(postgres().await)
        } else {
            Some(server.clone())
        };
        let (turns, run) = (Arc::clone(&turns), run(case, server));
        running.spawn(async move {
            let _turn = turns.acquire().await;
            run.await
        });
    }
    running.join_all().await
}

/// Runs every case of a text, and tells what is wrong with each.
async fn every_case_of(text: &str) {
    let results = over_every(Case::all(text), |case, server| async move {
        let found = compared::run(&case, &Sides::of(&case), server.as_deref()).await;
        found.map_err(|reason| format!("{}: {reason}", case.name))
    });
    let results = results.await;
    assert!(!results.is_empty(), "there is no case");
    let mut failures: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    failures.sort();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// A test for each text, and all of them.
macro_rules! texts {
    ($($name:ident),* $(,)?) => {
        const TEXTS: &[(&str, &str)] = &[$(
            (stringify!($name), include_str!(concat!("autogenerate/cases/", stringify!($name), ".txt"))),
        )*];

        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let (_, text) = TEXTS.iter().find(|(name, _)| *name == stringify!($name)).expect("it is there");
                every_case_of(text).await;
            }
        )*
    };
}

texts![
    checks,
    columns,
    comments,
    defaults,
    enums,
    foreign_keys,
    generated,
    indexes,
    inexpressible,
    names,
    primary_keys,
    questions,
    renames,
    spellings,
    strangers,
    tables,
    types,
    uniques,
];
