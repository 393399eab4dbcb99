//! A writer whose every state is known: after n acknowledged writes the database is one certain state and no other.
//!
//! The writes go round: a drug of the next number is created, a drug that all rounds share is refilled, one of the
//! drugs that are there is changed. So rows are added, one is overwritten again and again, and old pages are written
//! late; what mixes two states is seen although SQLite finds it sound.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::file::{copy, select};
use crate::support::process::{Client, Process};

const DRUGS: &str = "/api/v1/drugs";

/// What is wrong with a sound database that knows nothing of a writer.
pub(super) const UNKNOWN: &str = "it does not know this writer";

/// One writer.
pub(super) struct Script {
    pub(super) name: String,
    shared: i64,
    ids: Vec<i64>,
    /// How many writes were acknowledged.
    pub(super) done: u64,
}

impl Script {
    pub(super) async fn begin(name: &str, client: &mut Client) -> Self {
        let shared = json!({"name": format!("{name} shared"), "schedule_type": "as_needed", "package_size": 1});
        let answer = client.post(DRUGS, &shared).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        Self {
            name: name.to_owned(),
            shared: answer.body["id"].as_i64().expect("a drug has an id"),
            ids: Vec::new(),
            done: 0,
        }
    }

    /// The next write; whether it was acknowledged.
    pub(super) async fn step(
        &mut self,
        client: &mut Client,
    ) -> Result<u16, crate::support::process::Broken> {
        let round = self.done / 3 + 1;
        let (method, path, body) = match self.done % 3 {
            0 => {
                let name = format!("{} {round}", self.name);
                let body = json!({"name": name, "schedule_type": "daily", "night": 1, "package_size": 10,
                    "current_amount": 20, "instructions": "as ever ".repeat(usize::try_from(round % 40).expect("it is small"))});
                (Method::POST, DRUGS.to_owned(), body)
            }
            1 => (
                Method::POST,
                format!("{DRUGS}/{}/refill", self.shared),
                json!({"packages": 1}),
            ),
            _ => {
                let which = usize::try_from(round * 7).expect("it is small") % self.ids.len();
                let body = json!({"instructions": format!("changed in round {round}")});
                (Method::PATCH, format!("{DRUGS}/{}", self.ids[which]), body)
            }
        };
        let answer = client.send(method, &path, &[], &body).await?;
        if answer.status.is_success() {
            if self.done.is_multiple_of(3) {
                self.ids
                    .push(answer.body["id"].as_i64().expect("a drug has an id"));
            }
            self.done += 1;
        }
        Ok(answer.status.as_u16())
    }

    pub(super) async fn steps(&mut self, client: &mut Client, count: u64) {
        for _ in 0..count {
            let status = self.step(client).await.expect("the service answers");
            assert!(status < 300, "{status}");
        }
    }

    /// Goes on writing by itself, with a pause between two writes, until it is told to end.
    pub(super) fn go_on(mut self, process: &Process, pause: Duration) -> Writing {
        let told = Arc::new((AtomicBool::new(false), AtomicU64::new(self.done)));
        let address = process.address();
        let shared = Arc::clone(&told);
        let task = tokio::spawn(async move {
            let mut client = Client::connect(address).await.expect("it accepts");
            while !shared.0.load(Ordering::Acquire) {
                let status = self.step(&mut client).await.expect("the service answers");
                assert!(status < 300, "{status}");
                shared.1.store(self.done, Ordering::Release);
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
            self
        });
        Writing { told, task }
    }
}

/// A writer at work.
pub(super) struct Writing {
    told: Arc<(AtomicBool, AtomicU64)>,
    task: JoinHandle<Script>,
}

impl Writing {
    /// How many writes were acknowledged until now.
    pub(super) fn done(&self) -> u64 {
        self.told.1.load(Ordering::Acquire)
    }

    pub(super) async fn end(self) -> Script {
        self.told.0.store(true, Ordering::Release);
        self.task.await.expect("the writer does not panic")
    }
}

/// How many of a writer's writes a database holds, or what is wrong with it. It is looked at in a copy.
pub(super) async fn state(file: &Path, name: &str) -> Result<u64, String> {
    let (_copy, file) = copy(file);
    let name = name.to_owned();
    // What SQLite refuses panics in the helper: that is an answer here.
    tokio::spawn(async move { read(&file, &name).await })
        .await
        .map_err(|error| format!("SQLite refuses it: {error}"))?
}

async fn read(file: &Path, name: &str) -> Result<u64, String> {
    let verdict = select(file, "PRAGMA integrity_check(1)").await;
    if verdict != ["ok"] {
        return Err(format!("not sound: {verdict:?}"));
    }
    let number = async |sql: &str| -> u64 {
        select(file, &sql.replace("NAME", name)).await[0]
            .parse()
            .expect("it is a number")
    };
    let created = number(
        "SELECT count(*) || '' FROM drugs WHERE name LIKE 'NAME %' AND name <> 'NAME shared'",
    )
    .await;
    let highest = number(
        "SELECT coalesce(max(CAST(substr(name, length('NAME') + 2) AS integer)), 0) || '' FROM drugs WHERE name LIKE 'NAME %'",
    )
    .await;
    let begun = "SELECT count(*) || '' FROM drugs WHERE name = 'NAME shared'";
    if number(begun).await == 0 {
        return Err(UNKNOWN.to_owned());
    }
    let refilled = number("SELECT (version - 1) || '' FROM drugs WHERE name = 'NAME shared'").await;
    let stock =
        number("SELECT (current_amount / 1000) || '' FROM drugs WHERE name = 'NAME shared'").await;
    let changed = number(
        "SELECT coalesce(sum(version - 1), 0) || '' FROM drugs WHERE name LIKE 'NAME %' AND name <> 'NAME shared'",
    )
    .await;
    let is_whole = created == highest
        && refilled == stock
        && created >= refilled
        && refilled >= changed
        && changed + 1 >= created;
    if is_whole {
        Ok(created + refilled + changed)
    } else {
        Err(format!(
            "a mixture: {created} created up to {highest}, {refilled} refills for {stock}, {changed} changed"
        ))
    }
}
