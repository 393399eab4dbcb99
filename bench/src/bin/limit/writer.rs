//! The one thread that writes: it takes what waits, and commits it together with one wait for the disk.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, LazyLock};

use axum::body::Bytes;
use chrono::SubsecRound;
use chrono_tz::Tz;
use domain::{Absences, Clock, Projection, Quantity, Stock, SystemClock};
use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params,
};
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::column;
use crate::counts::Counts;
use crate::input::Drug;
use crate::json::{self, Day};

/// How many writes share a commit at most.
const TOGETHER: usize = 256;

static SELECT: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM drugs WHERE id = ?1", column::DRUG));
static INSERT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO drugs (name, dosage_strength, unit, schedule_type, morning_pre_food, morning_post_food, \
         noon_pre_food, noon_post_food, evening_pre_food, evening_post_food, night, even_week_pills, \
         odd_week_pills, start_date, end_date, package_size, reorder_lead_days, archived, instructions, \
         current_amount, counted_on, run_out_date, reorder_date, search_text, created_at, updated_at, version) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
         ?22, ?23, ?24, ?25, ?25, 1) RETURNING {}",
        column::DRUG
    )
});
static UPDATE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE drugs SET name = ?1, dosage_strength = ?2, unit = ?3, schedule_type = ?4, morning_pre_food = ?5, \
         morning_post_food = ?6, noon_pre_food = ?7, noon_post_food = ?8, evening_pre_food = ?9, \
         evening_post_food = ?10, night = ?11, even_week_pills = ?12, odd_week_pills = ?13, start_date = ?14, \
         end_date = ?15, package_size = ?16, reorder_lead_days = ?17, archived = ?18, instructions = ?19, \
         current_amount = ?20, counted_on = ?21, run_out_date = ?22, reorder_date = ?23, search_text = ?24, \
         updated_at = ?25, version = version + 1 WHERE id = ?26 RETURNING {}",
        column::DRUG
    )
});
/// For a change of what no index holds.
static UPDATE_PLAIN: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE drugs SET unit = ?1, package_size = ?2, instructions = ?3, updated_at = ?4, version = version + 1 \
         WHERE id = ?5 RETURNING {}",
        column::DRUG
    )
});
static REFILL: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE drugs SET current_amount = ?1, counted_on = ?2, run_out_date = ?3, reorder_date = ?4, \
         updated_at = ?5, version = version + 1 WHERE id = ?6 RETURNING {}",
        column::DRUG
    )
});

/// What is to be written.
#[derive(Debug)]
pub(crate) enum Change {
    Create(Bytes),
    Patch(i64, Bytes),
    Refill(i64, Bytes),
}

/// What has become of it.
#[derive(Debug)]
pub(crate) enum Reply {
    Created(i64, json::Drug),
    Changed(json::Drug),
    NotFound,
    Refused(String),
    Failed(String),
}

/// The way to the thread.
#[derive(Debug)]
pub(crate) struct Writer(Sender<(Change, oneshot::Sender<Reply>)>);

/// The thread's own.
struct Desk {
    connection: Connection,
    counts: Arc<Counts>,
    absences: Absences,
    together: usize,
}

impl Writer {
    pub(crate) fn start(
        database: &Path,
        counts: Arc<Counts>,
        absences: Absences,
        groups: bool,
    ) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(database, flags)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", -64 * 1024)?;
        let (sender, receiver) = channel();
        let desk = Desk {
            connection,
            counts,
            absences,
            together: if groups { TOGETHER } else { 1 },
        };
        std::thread::spawn(move || desk.work(&receiver));
        Ok(Self(sender))
    }

    pub(crate) async fn change(&self, change: Change) -> Reply {
        let (sender, receiver) = oneshot::channel();
        let gone = || Reply::Failed("the writer is gone".to_owned());
        if self.0.send((change, sender)).is_err() {
            return gone();
        }
        receiver.await.unwrap_or_else(|_| gone())
    }
}

impl Desk {
    fn work(mut self, waiting: &Receiver<(Change, oneshot::Sender<Reply>)>) {
        while let Ok(first) = waiting.recv() {
            let mut changes = vec![first];
            changes.extend(waiting.try_iter().take(self.together - 1));
            let (changes, senders): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
            let replies = self.commit(&changes).unwrap_or_else(|error| {
                let failed = || Reply::Failed(error.to_string());
                changes.iter().map(|_| failed()).collect()
            });
            for (sender, reply) in senders.into_iter().zip(replies) {
                // Who has gone away meanwhile needs no answer.
                let _ = sender.send(reply);
            }
        }
    }

    /// Makes all of these changes or none.
    fn commit(&mut self, changes: &[Change]) -> rusqlite::Result<Vec<Reply>> {
        let day = Day {
            today: domain::today(&SystemClock, Tz::UTC),
            absences: &self.absences,
        };
        let tx = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut created = Vec::new();
        let mut replies = Vec::with_capacity(changes.len());
        for change in changes {
            replies.push(match change {
                Change::Create(body) => create(&tx, body, day, &mut created)?,
                Change::Patch(id, body) => patch(&tx, *id, body, day, &mut created)?,
                Change::Refill(id, body) => refill(&tx, *id, body, day)?,
            });
        }
        tx.commit()?;
        for (archived, schedule, drugs) in created {
            self.counts.add(archived, &schedule, drugs);
        }
        self.counts.committed();
        Ok(replies)
    }
}

/// By how much a count changes.
type Counted = (bool, String, i64);

fn create(
    tx: &Transaction<'_>,
    body: &[u8],
    day: Day<'_>,
    counted: &mut Vec<Counted>,
) -> rusqlite::Result<Reply> {
    let mut drug = Drug::default();
    if let Err(reason) = drug.apply(body) {
        return Ok(Reply::Refused(reason));
    }
    let stock = Stock {
        counted_amount: drug.current_amount.unwrap_or_default(),
        counted_on: day.today,
    };
    counted.push((drug.archived, drug.schedule_type.clone(), 1));
    let mut statement = tx.prepare_cached(&INSERT)?;
    bind(&mut statement, &drug, stock)?;
    let (id, drug) = returned(&mut statement, day)?;
    Ok(Reply::Created(id, drug))
}

fn patch(
    tx: &Transaction<'_>,
    id: i64,
    body: &[u8],
    day: Day<'_>,
    counted: &mut Vec<Counted>,
) -> rusqlite::Result<Reply> {
    let known = tx
        .prepare_cached(&SELECT)?
        .query_row([id], |row| {
            let (stock, therapy, _) = json::rules(row)?;
            Ok((Drug::of(row)?, stock, therapy))
        })
        .optional()?;
    let Some((before, stock, therapy)) = known else {
        return Ok(Reply::NotFound);
    };
    let mut drug = before.clone();
    if let Err(reason) = drug.apply(body) {
        return Ok(Reply::Refused(reason));
    }
    let is_plain = drug.current_amount.is_none()
        && drug.therapy() == therapy
        && drug.name == before.name
        && drug.dosage_strength == before.dosage_strength
        && drug.reorder_lead_days == before.reorder_lead_days;
    if is_plain {
        let mut statement = tx.prepare_cached(&UPDATE_PLAIN)?;
        let values = params![
            drug.unit,
            drug.package_size.thousandths(),
            drug.instructions,
            now(),
            id
        ];
        let drug = statement.query_row(values, |row| json::Drug::of(row, day))?;
        return Ok(Reply::Changed(drug));
    }
    let stock = match drug.current_amount {
        Some(counted_amount) => Stock {
            counted_amount,
            counted_on: day.today,
        },
        None if drug.therapy() == therapy => stock,
        None => stock.settle(&therapy, day.today),
    };
    counted.push((before.archived, before.schedule_type, -1));
    counted.push((drug.archived, drug.schedule_type.clone(), 1));
    let mut statement = tx.prepare_cached(&UPDATE)?;
    bind(&mut statement, &drug, stock)?;
    statement.raw_bind_parameter(26, id)?;
    Ok(Reply::Changed(returned(&mut statement, day)?.1))
}

fn refill(tx: &Transaction<'_>, id: i64, body: &[u8], day: Day<'_>) -> rusqlite::Result<Reply> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Packages {
        packages: i64,
    }
    let packages = match body {
        [] => 1,
        body => match serde_json::from_slice(body) {
            Ok(Packages { packages }) if (1..=1000).contains(&packages) => packages,
            _ => return Ok(Reply::Refused("packages are 1 to 1000".to_owned())),
        },
    };
    let known = tx
        .prepare_cached(&SELECT)?
        .query_row([id], |row| {
            let package = column::integer(row, column::PACKAGE_SIZE)?;
            Ok((json::rules(row)?, package))
        })
        .optional()?;
    let Some(((stock, therapy, lead), package)) = known else {
        return Ok(Reply::NotFound);
    };
    let added = Quantity::from_thousandths(package.saturating_mul(packages));
    let Ok(stock) = added.and_then(|added| stock.add(&therapy, added, day.today)) else {
        return Ok(Reply::Refused(
            "that is more than a drug can have".to_owned(),
        ));
    };
    let projection = Projection::of(&stock, &therapy, lead);
    let mut statement = tx.prepare_cached(&REFILL)?;
    let values = params![
        stock.counted_amount.thousandths(),
        stock.counted_on.to_string(),
        projection.run_out_date.to_string(),
        projection.reorder_date.to_string(),
        now(),
        id
    ];
    let drug = statement.query_row(values, |row| json::Drug::of(row, day))?;
    Ok(Reply::Changed(drug))
}

/// Binds the columns that an insert and an update share, by their places.
fn bind(
    statement: &mut rusqlite::Statement<'_>,
    drug: &Drug,
    stock: Stock,
) -> rusqlite::Result<()> {
    let projection = Projection::of(&stock, &drug.therapy(), drug.reorder_lead_days);
    let date = |date: chrono::NaiveDate| date.to_string();
    statement.raw_bind_parameter(1, &drug.name)?;
    statement.raw_bind_parameter(2, &drug.dosage_strength)?;
    statement.raw_bind_parameter(3, &drug.unit)?;
    statement.raw_bind_parameter(4, &drug.schedule_type)?;
    for (place, dose) in drug.doses.iter().enumerate() {
        statement.raw_bind_parameter(5 + place, dose.thousandths())?;
    }
    statement.raw_bind_parameter(12, drug.even_week_pills.map(Quantity::thousandths))?;
    statement.raw_bind_parameter(13, drug.odd_week_pills.map(Quantity::thousandths))?;
    statement.raw_bind_parameter(14, drug.start_date.map(date))?;
    statement.raw_bind_parameter(15, drug.end_date.map(date))?;
    statement.raw_bind_parameter(16, drug.package_size.thousandths())?;
    statement.raw_bind_parameter(17, drug.reorder_lead_days)?;
    statement.raw_bind_parameter(18, drug.archived)?;
    statement.raw_bind_parameter(19, &drug.instructions)?;
    statement.raw_bind_parameter(20, stock.counted_amount.thousandths())?;
    statement.raw_bind_parameter(21, date(stock.counted_on))?;
    statement.raw_bind_parameter(22, date(projection.run_out_date))?;
    statement.raw_bind_parameter(23, date(projection.reorder_date))?;
    statement.raw_bind_parameter(24, drug.search_text())?;
    statement.raw_bind_parameter(25, now())
}

fn returned(
    statement: &mut rusqlite::Statement<'_>,
    day: Day<'_>,
) -> rusqlite::Result<(i64, json::Drug)> {
    let mut rows = statement.raw_query();
    let row: &Row<'_> = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let answer = (column::integer(row, column::ID)?, json::Drug::of(row, day)?);
    // The statement is done when there is no further row.
    rows.next()?;
    Ok(answer)
}

/// The present instant as the service stores it.
fn now() -> String {
    SystemClock.now().trunc_subsecs(6).to_rfc3339()
}
