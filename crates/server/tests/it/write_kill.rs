//! `kill -9` while clients write: what was acknowledged is there, and what was not is there whole or not at all.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use axum::http::{Method, StatusCode};
use serde_json::json;
use tokio::sync::Notify;

use crate::support::Answer;
use crate::support::file::{copy, execute, select, url};
use crate::support::process::{Broken, Client, Process, figures, rounds};

const DRUGS: &str = "/api/v1/drugs";
const CLIENTS: u32 = 4;
const PACKAGE: i64 = 10_000;

/// What the database must hold.
#[derive(Default)]
struct Ledger {
    /// The text that each drug has, by its name; the names are unique.
    drugs: BTreeMap<String, String>,
    /// Packages of the drug that everybody refills.
    packages: i64,
    shared: i64,
}

/// One write, before it is known what became of it.
#[derive(Clone, Debug)]
enum Write {
    Create { name: String, text: String },
    Patch { name: String, id: i64, text: String },
    Refill { packages: i64, key: Option<String> },
}

/// What a client did in one round: what was acknowledged, and what was cut off.
#[derive(Default)]
struct Done {
    acknowledged: Vec<Write>,
    cut_off: Option<Write>,
}

/// What is in the database: text and version of each drug, and the shared stock.
struct Found {
    drugs: BTreeMap<String, (String, i64)>,
    /// Stock and version of the shared drug.
    stock: i64,
    version: i64,
}

impl Ledger {
    async fn begin(client: &mut Client) -> Self {
        let drug = json!({"name": "shared", "schedule_type": "as_needed", "package_size": 10});
        let answer = client.post(DRUGS, &drug).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        Self {
            shared: answer.body["id"].as_i64().expect("a drug has an id"),
            ..Self::default()
        }
    }

    fn acknowledge(&mut self, write: &Write) {
        match write {
            Write::Create { name, text } | Write::Patch { name, text, .. } => {
                self.drugs.insert(name.clone(), text.clone());
            }
            Write::Refill { packages, .. } => self.packages += packages,
        }
    }

    /// Compares the ledger with what is there, allowing each write that was cut off to be there or not, and then
    /// takes over what is there. The error names everything that is wrong.
    fn settle(&mut self, found: &Found, cut_off: &[Write]) -> Result<u32, String> {
        let mut wrong = Vec::new();
        let mut present = 0;
        let mut may_be: BTreeMap<&str, &str> = BTreeMap::new();
        let mut in_flight = 0;
        for write in cut_off {
            match write {
                Write::Create { name, text } | Write::Patch { name, text, .. } => {
                    may_be.insert(name, text);
                }
                Write::Refill { packages, .. } => in_flight += packages,
            }
        }
        for (name, text) in &self.drugs {
            match found.drugs.get(name) {
                None => wrong.push(format!("{name} was acknowledged and is gone")),
                Some((there, _)) if there == text => {}
                Some((there, _)) if may_be.get(name.as_str()) == Some(&there.as_str()) => {
                    present += 1;
                }
                Some((there, _)) => wrong.push(format!("{name} is `{there}` and not `{text}`")),
            }
        }
        for (name, (there, version)) in &found.drugs {
            if !self.drugs.contains_key(name) {
                if may_be.get(name.as_str()) == Some(&there.as_str()) {
                    present += 1;
                } else {
                    wrong.push(format!("{name} is there and nobody has sent it so"));
                }
            }
            // The text counts the writes of a drug, so text and version tell a half write.
            if there.rsplit(' ').next() != Some(&version.to_string()) {
                wrong.push(format!("{name} is `{there}` in version {version}"));
            }
        }
        let stock = found.stock / PACKAGE;
        if !(self.packages..=self.packages + in_flight).contains(&stock)
            || found.stock % PACKAGE != 0
        {
            wrong.push(format!(
                "{} packages were acknowledged, {in_flight} were in flight, {stock} are there",
                self.packages
            ));
        }
        if found.version != stock + 1 {
            wrong.push(format!("{stock} packages in version {}", found.version));
        }
        if !wrong.is_empty() {
            return Err(wrong.join("; "));
        }
        present += u32::try_from(stock - self.packages).expect("it was compared");
        self.packages = stock;
        self.drugs = found
            .drugs
            .iter()
            .map(|(name, (text, _))| (name.clone(), text.clone()))
            .collect();
        Ok(present)
    }
}

impl Found {
    async fn read(file: &Path) -> Self {
        let (_copy, file) = copy(file);
        assert_eq!(select(&file, "PRAGMA integrity_check").await, ["ok"]);
        let rows = select(
            &file,
            "SELECT concat_ws('|', name, instructions, version) FROM drugs WHERE name <> 'shared'",
        )
        .await;
        let drugs = rows.iter().map(|row| {
            let parts: Vec<_> = row.split('|').collect();
            let [name, text, version] = parts[..] else {
                panic!("a row is incomplete: {row}")
            };
            let version = version.parse().expect("a version is a number");
            (name.to_owned(), (text.to_owned(), version))
        });
        let shared = "FROM drugs WHERE name = 'shared'";
        let number = async |column: &str| -> i64 {
            let rows = select(&file, &format!("SELECT CAST({column} AS text) {shared}")).await;
            rows[0].parse().expect("it is a number")
        };
        Self {
            drugs: drugs.collect(),
            stock: number("current_amount").await,
            version: number("version").await,
        }
    }
}

impl Write {
    async fn send(&self, client: &mut Client, shared: i64) -> Result<Answer, Broken> {
        match self {
            Self::Create { name, text } => {
                let body = json!({"name": name, "instructions": text, "schedule_type": "daily", "package_size": 10,
                    "night": 0.5, "current_amount": 30});
                client.send(Method::POST, DRUGS, &[], &body).await
            }
            Self::Patch { id, text, .. } => {
                let body = json!({"instructions": text});
                client
                    .send(Method::PATCH, &format!("{DRUGS}/{id}"), &[], &body)
                    .await
            }
            Self::Refill { packages, key } => {
                let key = key.as_deref().map(|key| ("Idempotency-Key", key));
                let headers: Vec<_> = key.into_iter().collect();
                let body = json!({"packages": packages});
                client
                    .send(
                        Method::POST,
                        &format!("{DRUGS}/{shared}/refill"),
                        &headers,
                        &body,
                    )
                    .await
            }
        }
    }
}

/// One client: creates, changes and refills until the service is gone.
async fn write(
    address: SocketAddr,
    prefix: String,
    shared: i64,
    count: Arc<(AtomicU32, Notify)>,
) -> Done {
    let mut done = Done::default();
    let Ok(mut client) = Client::connect(address).await else {
        return done;
    };
    let mut last = (String::new(), 0);
    for n in 0.. {
        let write = match n % 4 {
            0 => Write::Create {
                name: format!("{prefix}-{n}"),
                text: format!("{}1", "as written ".repeat(n % 60)),
            },
            1 => Write::Refill {
                packages: 1,
                key: None,
            },
            2 => Write::Patch {
                name: last.0.clone(),
                id: last.1,
                text: format!("{}2", "and changed ".repeat(n % 60)),
            },
            _ => Write::Refill {
                packages: 1,
                key: Some(format!("{prefix}-{n}")),
            },
        };
        let Ok(answer) = write.send(&mut client, shared).await else {
            done.cut_off = Some(write);
            break;
        };
        assert!(answer.status.is_success(), "{answer:?}");
        let id = answer.body["id"].as_i64().expect("a drug has an id");
        if let Write::Create { name, .. } = &write {
            last = (name.clone(), id);
        }
        done.acknowledged.push(write);
        count.0.fetch_add(1, Ordering::Relaxed);
        count.1.notify_one();
    }
    done
}

/// Lets the clients write until so many writes are acknowledged, and kills the service in the middle of the
/// others; answers how many were acknowledged, and what was cut off.
async fn round(
    process: &mut Process,
    ledger: &mut Ledger,
    name: &str,
    writes: u32,
) -> (u32, Vec<Write>) {
    let mut acknowledged = 0;
    let count = Arc::new((AtomicU32::new(0), Notify::new()));
    let address = process.address();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|n| {
            tokio::spawn(write(
                address,
                format!("{name}-{n}"),
                ledger.shared,
                Arc::clone(&count),
            ))
        })
        .collect();
    let begun = Instant::now();
    while count.0.load(Ordering::Relaxed) < writes {
        count.1.notified().await;
    }
    // The rounds differ in how far the next write has come: from its beginning to its end.
    let one_write = begun.elapsed() / writes;
    std::thread::sleep(one_write * (writes % 10) / 9);
    process.kill();
    let mut cut_off = Vec::new();
    for client in clients {
        let done = client.await.expect("no client panics");
        for write in &done.acknowledged {
            ledger.acknowledge(write);
            acknowledged += 1;
        }
        cut_off.extend(done.cut_off);
    }
    (acknowledged, cut_off)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_during_writes_loses_nothing_acknowledged_and_leaves_nothing_half_written() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("medicine.db");
    let mut process = Process::start(&url(&file));
    let mut ledger = Ledger::begin(&mut process.ready().await).await;
    let (mut cut_off_in_all, mut present, mut acknowledged, mut replayed) = (0, 0, 0, 0);
    let rounds = rounds(20);
    for number in 0..rounds {
        // From the first write of all to one among many.
        let writes = 1 + number % 33;
        let name = format!("r{number}");
        let (written, cut_off) = round(&mut process, &mut ledger, &name, writes).await;
        acknowledged += written;
        cut_off_in_all += cut_off.len();
        present += ledger
            .settle(&Found::read(&file).await, &cut_off)
            .unwrap_or_else(|wrong| panic!("round {number}: {wrong}"));

        process = Process::start(&url(&file));
        let mut client = process.ready().await;
        // Who sends a booking with its key again gets it booked, and once.
        for write in &cut_off {
            if let Write::Refill {
                packages,
                key: Some(_),
            } = write
            {
                let answer = write
                    .send(&mut client, ledger.shared)
                    .await
                    .expect("it answers");
                assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
                if answer.header("idempotent-replayed") == "true" {
                    replayed += 1;
                } else {
                    ledger.packages += packages;
                }
            }
        }
        let found = Found::read(&file).await;
        assert_eq!(
            (found.stock / PACKAGE, found.drugs.len()),
            (ledger.packages, ledger.drugs.len())
        );
        let drugs = client.get(&format!("{DRUGS}?limit=1")).await;
        assert_eq!(
            drugs.header("x-total-count"),
            (ledger.drugs.len() + 1).to_string()
        );
    }
    figures(&format!(
        "{rounds} kills during writes: {acknowledged} acknowledged, 0 lost; {cut_off_in_all} were cut off, \
         of which {present} are there, each whole; \
         {replayed} bookings sent again with their key had been made; {rounds} restarts serve"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_an_acknowledged_write_that_is_lost_or_changed_is_seen() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("medicine.db");
    let mut process = Process::start(&url(&file));
    let mut ledger = Ledger::begin(&mut process.ready().await).await;
    let (_, cut_off) = round(&mut process, &mut ledger, "control", 40).await;
    let found = Found::read(&file).await;
    assert!(ledger.settle(&found, &cut_off).is_ok());
    for (change, complaint) in [
        (
            "DELETE FROM drugs WHERE name = 'control-0-0'",
            "was acknowledged and is gone",
        ),
        (
            "UPDATE drugs SET instructions = 'else 2' WHERE name = 'control-0-0'",
            "and not",
        ),
        (
            "UPDATE drugs SET version = version + 1 WHERE name = 'control-0-0'",
            "in version",
        ),
        (
            "UPDATE drugs SET current_amount = current_amount - 10000 WHERE name = 'shared'",
            "were in flight",
        ),
        (
            "INSERT INTO drugs SELECT NULL, 'ghost', dosage_strength, unit, schedule_type, morning_pre_food, \
             morning_post_food, noon_pre_food, noon_post_food, evening_pre_food, evening_post_food, night, \
             even_week_pills, odd_week_pills, start_date, end_date, current_amount, counted_on, package_size, \
             reorder_lead_days, archived, run_out_date, reorder_date, search_text, version, created_at, updated_at, \
             instructions FROM drugs WHERE name = 'control-0-0'",
            "nobody has sent it",
        ),
    ] {
        let (_copy, file) = copy(&file);
        execute(&file, change).await;
        let wrong = ledger.settle(&Found::read(&file).await, &[]);
        assert!(
            wrong.as_ref().is_err_and(|wrong| wrong.contains(complaint)),
            "{change}: {wrong:?}"
        );
    }
}
