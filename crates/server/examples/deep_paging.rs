//! Measures deep paging: the first, a middle and the last page of 1,000,000 drugs in every order, over HTTP.
//!
//! ```sh
//! cargo run --release -p server --example deep_paging
//! ```
//!
//! It fills a throw-away SQLite database, serves it on a port of its own, and asks for the pages in turn, again and
//! again, so that whatever else the machine does falls on all of them alike. What it prints are medians with their
//! spread, the ratio of the last page to the first, and the same without the count that every page carries in
//! `X-Total-Count`. It exits with 1 where a last page costs more than twice the first.
//! `DEEP_PAGING_DRUGS` and `DEEP_PAGING_ROUNDS` make it smaller.

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::NaiveDate;
use chrono_tz::Tz;
use domain::{Doses, FixedClock, Projection, Quantity, Schedule, Stock, Therapy};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use migration::Migrator;
use revision::{Engine, Options, Target};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use server::config::DatabaseLocation;
use server::database::Database;
use server::state::{App, Phase, Store};
use server::{listener, router};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const DRUGS: u64 = 1_000_000;
const ROUNDS: usize = 15;
/// How many drugs go into one transaction.
const CHUNK: u64 = 50_000;
const PAGE: u64 = 50;
/// What the last page may cost, in first pages.
const LIMIT: f64 = 2.0;

/// One page of one order.
struct Asked {
    name: &'static str,
    query: String,
    over_http: Vec<Duration>,
    /// The statements of the page alone, without the count.
    alone: Vec<Duration>,
}

/// A service in this process, over a database in a throw-away directory.
struct Service {
    database: Database,
    today: NaiveDate,
    client: SendRequest<Body>,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("{error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<bool> {
    let drugs = number("DEEP_PAGING_DRUGS", DRUGS)?;
    let rounds = usize::try_from(number("DEEP_PAGING_ROUNDS", ROUNDS as u64)?)?;
    let mut good = true;
    // Every third drug is never used up, so that a third of all tie at one date.
    let mut service = Service::start(drugs, |n| (n % 3 != 0).then_some(30 + n / 3 % 600)).await?;
    say(&format!(
        "{drugs} drugs, pages of {PAGE}, medians of {rounds} interleaved rounds"
    ));
    for (sort, column) in [
        ("id", "id"),
        ("name", "search_text"),
        ("days_remaining", "run_out_date"),
        ("-days_remaining", "run_out_date"),
        ("order_by", "reorder_date"),
        ("-order_by", "reorder_date"),
    ] {
        let mut pages = service.pages(sort, column, drugs).await?;
        service.measure(&mut pages, rounds).await?;
        say(&format!("sort={sort}"));
        for page in &mut pages {
            say(&page.line());
        }
        let [first, .., last] = &mut pages[..] else {
            unreachable!("there are three pages")
        };
        let whole = median(&mut last.over_http).0.as_secs_f64()
            / median(&mut first.over_http).0.as_secs_f64();
        let alone =
            median(&mut last.alone).0.as_secs_f64() / median(&mut first.alone).0.as_secs_f64();
        good &= whole <= LIMIT;
        say(&format!(
            "  last/first: {whole:.2} over HTTP, {alone:.2} without the count"
        ));
    }
    drop(service);

    let drugs = drugs / 10;
    let mut service = Service::start(drugs, |n| {
        Some(if n % (drugs / 100) == 0 {
            n % 20
        } else {
            400 + n % 200
        })
    })
    .await?;
    let mut due = [Asked::new(
        "due",
        format!("needs_reorder=true&limit={PAGE}"),
    )];
    service.measure(&mut due, rounds).await?;
    let found = service.ask(&due[0].query).await?;
    say(&format!("needs_reorder=true, {found} due of {drugs} drugs"));
    say(&due[0].line());
    Ok(good)
}

impl Service {
    /// `days` says for how many days the nth drug lasts; none for one that is never used up.
    async fn start(drugs: u64, days: impl Fn(u64) -> Option<u64>) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let location = DatabaseLocation::Sqlite(directory.path().join("medicine.db"));
        Engine::new::<Migrator>()
            .upgrade(&location.url(), &Target::Head, &Options::default())
            .await?;
        let database = Database::open(&location).await?;
        let now = "2026-11-22T11:00:00Z".parse()?;
        let today = "2026-11-22".parse()?;
        fill(&database, today, drugs, days).await?;

        let store = Store {
            database: database.clone(),
            clock: Arc::new(FixedClock::new(now)),
            time_zone: Tz::UTC,
            revision: "head".into(),
            volume: None,
        };
        let (phase, phases) = watch::channel(Phase::Serving(store));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            let _phase = phase;
            let service = router::service(App::new(phases));
            listener::serve(listener, service, std::future::pending()).await;
        });
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (client, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self {
            database,
            today,
            client,
            address,
            _directory: directory,
        })
    }

    /// The first page of an order, one in the middle, and the last.
    async fn pages(&self, sort: &str, column: &str, drugs: u64) -> Result<[Asked; 3]> {
        let first = format!("sort={sort}&limit={PAGE}");
        let after = |cursor: String| format!("{first}&cursor={cursor}");
        let middle = after(self.cursor(sort, column, drugs / 2).await?);
        let last = after(self.cursor(sort, column, drugs - PAGE - 1).await?);
        Ok([
            Asked::new("first", first.clone()),
            Asked::new("middle", middle),
            Asked::new("last", last),
        ])
    }

    /// The cursor behind the nth row of an order, as `server::page` writes it; walking there would take hours.
    async fn cursor(&self, sort: &str, column: &str, n: u64) -> Result<String> {
        let direction = if sort.starts_with('-') { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT CAST({column} AS text), id FROM drugs ORDER BY {column} {direction}, id {direction} LIMIT 1 OFFSET {n}"
        );
        let reader = self.database.reader();
        let row = reader
            .query_one_raw(Statement::from_string(reader.get_database_backend(), sql))
            .await?
            .ok_or("there are fewer drugs")?;
        let id: i64 = row.try_get_by_index(1)?;
        let cursor = if column == "id" {
            json!([sort, id])
        } else {
            json!([sort, row.try_get_by_index::<String>(0)?, id])
        };
        Ok(BASE64_URL_SAFE_NO_PAD.encode(cursor.to_string()))
    }

    /// Asks for all pages in turn, and the same again.
    async fn measure(&mut self, pages: &mut [Asked], rounds: usize) -> Result<()> {
        for round in 0..=rounds {
            for page in &mut *pages {
                let begun = Instant::now();
                self.ask(&page.query).await?;
                let over_http = begun.elapsed();

                let reader = self.database.reader();
                let mut statements = server::drugs::list_statements(Some(&page.query), self.today)
                    .map_err(|error| error.to_string())?;
                statements.pop();
                let begun = Instant::now();
                for sql in statements {
                    let rows = reader
                        .query_all_raw(Statement::from_string(reader.get_database_backend(), sql))
                        .await?;
                    if rows.len() as u64 > PAGE {
                        break;
                    }
                }
                // The first round fills the caches.
                if round > 0 {
                    page.over_http.push(over_http);
                    page.alone.push(begun.elapsed());
                }
            }
        }
        Ok(())
    }

    /// Gets a page, and answers how many drugs it says there are.
    async fn ask(&mut self, query: &str) -> Result<u64> {
        let request = Request::get(format!("/api/v1/drugs?{query}"))
            .header(header::HOST, self.address.to_string())
            .body(Body::empty())?;
        self.client.ready().await?;
        let response = self.client.send_request(request).await?;
        let status = response.status();
        let total = response.headers().get("x-total-count").cloned();
        let body = axum::body::to_bytes(Body::new(response.into_body()), usize::MAX).await?;
        let drugs: Vec<serde::de::IgnoredAny> = serde_json::from_slice(&body)
            .map_err(|_| format!("{status}: {}", String::from_utf8_lossy(&body)))?;
        let total = total.ok_or("the total is missing")?.to_str()?.parse()?;
        if drugs.len() as u64 == PAGE.min(total) {
            Ok(total)
        } else {
            Err(format!("{} drugs on a page: {query}", drugs.len()).into())
        }
    }
}

impl Asked {
    fn new(name: &'static str, query: String) -> Self {
        Self {
            name,
            query,
            over_http: Vec::new(),
            alone: Vec::new(),
        }
    }

    fn line(&mut self) -> String {
        let (http, http_low, http_high) = median(&mut self.over_http);
        let (alone, low, high) = median(&mut self.alone);
        format!(
            "  {:6} {:9.3} ms ({:.3} to {:.3}) over HTTP; without the count {:.3} ms ({:.3} to {:.3})",
            self.name,
            ms(http),
            ms(http_low),
            ms(http_high),
            ms(alone),
            ms(low),
            ms(high)
        )
    }
}

/// Puts drugs into the table in transactions of thousands; what is derived comes from the rules themselves.
async fn fill(
    database: &Database,
    today: NaiveDate,
    drugs: u64,
    days: impl Fn(u64) -> Option<u64>,
) -> Result<()> {
    let mut from = 0;
    while from < drugs {
        let tx = database.begin().await?;
        let to = (from + CHUNK).min(drugs);
        for begin in (from..to).step_by(500) {
            let rows: Vec<_> = (begin..(begin + 500).min(to))
                .map(|n| row(n, days(n), today))
                .collect::<Result<_>>()?;
            let sql = format!(
                "INSERT INTO drugs (name, schedule_type, night, current_amount, counted_on, package_size, run_out_date, \
                 reorder_date, search_text, version, created_at, updated_at) VALUES {}",
                rows.join(",")
            );
            tx.execute_unprepared(&sql).await?;
        }
        tx.commit().await?;
        from = to;
    }
    Ok(())
}

fn row(n: u64, days: Option<u64>, today: NaiveDate) -> Result<String> {
    let night = i64::from(days.is_some()) * 1000;
    let amount = i64::try_from(days.unwrap_or(7))? * 1000;
    let stock = Stock {
        counted_amount: Quantity::from_thousandths(amount)?,
        counted_on: today,
    };
    let therapy = Therapy {
        schedule: Schedule::Daily(Doses {
            night: Quantity::from_thousandths(night)?,
            ..Doses::default()
        }),
        start_date: None,
        end_date: None,
        archived: false,
    };
    let Projection {
        run_out_date,
        reorder_date,
    } = Projection::of(&stock, &therapy, 21);
    // Spread over the alphabet, so that the order by name is not the order of creation; names repeat.
    let name = n.wrapping_mul(2_654_435_761) % 400_000;
    Ok(format!(
        "('Drug {name:06}', 'daily', {night}, {amount}, '{today}', 10000, '{run_out_date}', '{reorder_date}', \
         'drug {name:06}' || char(10), 1, '2026-11-22 11:00:00+00:00', '2026-11-22 11:00:00+00:00')"
    ))
}

/// The median, the lowest and the highest.
fn median(samples: &mut [Duration]) -> (Duration, Duration, Duration) {
    samples.sort_unstable();
    let last = samples.len() - 1;
    (samples[last / 2], samples[0], samples[last])
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn number(name: &str, default: u64) -> Result<u64> {
    std::env::var(name).map_or(Ok(default), |text| {
        text.parse()
            .map_err(|_| format!("{name} is a number").into())
    })
}

fn say(text: &str) {
    // Where nobody reads there is nobody to tell.
    let _ = writeln!(std::io::stdout(), "{text}");
}
