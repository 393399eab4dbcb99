//! `GET /drugs`: filters, orders, and pages that neither repeat nor miss a drug.

use std::collections::HashSet;

use chrono::{DateTime, Days, NaiveDate, Utc};
use entity::drug;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, Statement, TransactionTrait as _};
use serde_json::{Value, json};

use crate::support::{Service, TODAY, on_both};

const DRUGS: &str = "/api/v1/drugs";

fn names(body: &Value) -> Vec<&str> {
    body.as_array()
        .unwrap()
        .iter()
        .map(|drug| drug["name"].as_str().unwrap())
        .collect()
}

/// Every drug of a list, page by page.
async fn walk(service: &Service, first: &str) -> Vec<Value> {
    let mut drugs = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(path) = next {
        let page = service.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.body);
        drugs.extend(page.body.as_array().unwrap().iter().cloned());
        next = page.next_page();
    }
    drugs
}

async fn some_drugs(service: &Service) {
    for (name, kind, amount, extra) in [
        ("beta", "daily", 30, json!({})),
        ("Alpha", "daily", 5, json!({})),
        ("gamma", "as_needed", 7, json!({})),
        ("delta", "daily", 30, json!({})),
        (
            "Epsilon",
            "weekly_alternating",
            7,
            json!({"even_week_pills": 7, "odd_week_pills": 7}),
        ),
        ("old", "daily", 1, json!({"archived": true})),
        ("later", "daily", 0, json!({"start_date": "2026-12-01"})),
        ("ended", "daily", 0, json!({"end_date": "2026-11-21"})),
    ] {
        let mut drug = json!({
            "name": name, "schedule_type": kind, "package_size": 10, "current_amount": amount,
            "morning_pre_food": 1,
        });
        drug.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        service.created(DRUGS, &drug).await;
    }
}

on_both! {
    async fn filters_select_what_they_say(service: &Service) {
        some_drugs(service).await;
        for (query, expected) in [
            ("", vec!["beta", "Alpha", "gamma", "delta", "Epsilon", "later", "ended"]),
            ("?archived=true", vec!["old"]),
            ("?archived=any&limit=2", vec!["beta", "Alpha"]),
            ("?needs_reorder=true", vec!["Alpha", "Epsilon"]),
            ("?needs_reorder=false", vec!["beta", "gamma", "delta", "later", "ended"]),
            ("?schedule_type=as_needed", vec!["gamma"]),
            ("?schedule_type=daily&needs_reorder=true", vec!["Alpha"]),
            ("?sort=name", vec!["Alpha", "beta", "delta", "ended", "Epsilon", "gamma", "later"]),
            ("?sort=-name&limit=1", vec!["later"]),
            ("?sort=days_remaining,-name&needs_reorder=false&schedule_type=daily", vec!["later", "delta", "beta", "ended"]),
            ("?q=e+a&sort=name", vec!["beta", "delta", "later"]),
        ] {
            let answer = service.get(&format!("{DRUGS}{query}")).await;
            assert_eq!(names(&answer.body), expected, "{query}");
        }
        let page = service.get("/api/v1/drugs?archived=any&limit=2").await;
        assert_eq!(page.header("x-total-count"), "8");
        assert!(page.header("link").starts_with("</api/v1/drugs?archived=any&limit=2>; rel=\"first\""));
    }

    async fn the_filter_and_the_member_needs_reorder_agree_on_every_day(service: &Service) {
        some_drugs(service).await;
        service.created("/api/v1/doctor-vacations", &json!({"start_date": "2026-12-05", "end_date": "2026-12-20"})).await;
        let first: NaiveDate = TODAY.parse().unwrap();
        for day in 0..45 {
            let day = (first + Days::new(day)).to_string();
            service.set_day(&day);
            for drug in walk(service, "/api/v1/drugs?archived=any&needs_reorder=true").await {
                assert_eq!(drug["needs_reorder"], true, "{day}: {drug}");
            }
            for drug in walk(service, "/api/v1/drugs?archived=any&needs_reorder=false").await {
                assert_eq!(drug["needs_reorder"], false, "{day}: {drug}");
            }
        }
    }

    async fn pages_in_every_order_bring_each_drug_once(service: &Service) {
        insert(service, 500, |n| (n % 7 == 0).then_some(n % 40)).await;
        for sort in [
            "id", "-id", "name", "-name", "days_remaining", "-days_remaining,name", "order_by,-name,id",
            "-order_by,-id", "name,-days_remaining",
        ] {
            let drugs = walk(service, &format!("{DRUGS}?limit=37&sort={sort}")).await;
            let ids: HashSet<i64> = drugs.iter().map(|drug| drug["id"].as_i64().unwrap()).collect();
            assert_eq!((drugs.len(), ids.len()), (500, 500), "{sort}");
            let all = walk(service, &format!("{DRUGS}?limit=200&sort={sort}")).await;
            assert_eq!(drugs, all, "{sort}");
            if sort.starts_with("-days_remaining") {
                let days: Vec<_> = drugs.iter().filter_map(|drug| drug["days_remaining"].as_i64()).collect();
                assert!(days.is_sorted_by(|a, b| a >= b), "{sort}: {days:?}");
            }
        }
    }

    async fn what_is_no_parameter_of_the_list_is_refused_and_what_is_gets_named(service: &Service) {
        for (query, places) in [
            ("?limit=0", vec!["limit"]),
            ("?limit=201", vec!["limit"]),
            ("?limit=ten&sort=colour", vec!["sort", "limit"]),
            ("?sort=name,name", vec!["sort"]),
            ("?sort=", vec!["sort"]),
            ("?cursor=abc", vec!["cursor"]),
            ("?archived=1", vec!["archived"]),
            ("?needs_reorder=yes", vec!["needs_reorder"]),
            ("?schedule_type=hourly", vec!["schedule_type"]),
            ("?q=%00", vec!["q"]),
            ("?page=2", vec!["page"]),
            ("?limit=1&limit=2", vec!["limit"]),
        ] {
            let answer = service.get(&format!("{DRUGS}{query}")).await;
            let (status, mut named) = answer.problem();
            named.sort_unstable_by_key(|name| std::cmp::Reverse(*name));
            assert_eq!((status, named), (400, places), "{query}");
        }
        let unknown = service.get("/api/v1/drugs?page=2").await.body;
        assert_eq!(
            unknown["errors"][0]["detail"],
            "is not a known parameter; known are needs_reorder, archived, schedule_type, q, limit, sort, cursor"
        );
        // A cursor belongs to one order.
        insert(service, 3, |_| None).await;
        let page = service.get("/api/v1/drugs?limit=1&sort=name").await;
        let next = page.next_page().unwrap().replace("sort=name", "sort=id");
        assert_eq!(service.get(&next).await.problem(), (400, vec!["cursor"]));
    }
}

/// Every statement of the list at 100,000 drugs of which 100 are due, with the plan that SQLite makes for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_list_is_ranges_of_an_index_and_only_what_is_found_is_sorted() {
    let service = Service::sqlite().await;
    insert(&service, 100_000, |n| {
        (n % 1000 == 0).then_some(n / 1000 % 20)
    })
    .await;
    let due = service
        .get("/api/v1/drugs?needs_reorder=true&limit=200")
        .await;
    assert_eq!(due.header("x-total-count"), "100");
    assert_eq!(due.body.as_array().unwrap().len(), 100);
    first_pages_count_on_the_way(&service).await;

    let due_range = range("reorder_date", " AND reorder_date<?");
    let sorted = "USE TEMP B-TREE FOR ORDER BY".to_owned();
    let found = || {
        let by_id = "SEARCH drugs USING INTEGER PRIMARY KEY (rowid=?)";
        let words = "SCAN drugs_search VIRTUAL TABLE INDEX 0:M1";
        [by_id, "LIST SUBQUERY 1", words, "CREATE BLOOM FILTER"].map(str::to_owned)
    };
    let counted = |by: &str| format!("SEARCH drug_counts USING PRIMARY KEY ({by})");
    let (one, all) = (
        vec![counted("archived=? AND schedule_type=?")],
        counted("archived=? AND schedule_type=?"),
    );
    for (query, page, total) in [
        ("", vec![covered("id", "")], one.clone()),
        (
            "archived=any&sort=-name",
            vec![covered("search_text", "")],
            one.clone(),
        ),
        (
            "schedule_type=as_needed",
            vec![covered("id", "")],
            one.clone(),
        ),
        (
            "schedule_type=as_needed&sort=name",
            vec![covered("search_text", "")],
            one,
        ),
        (
            "needs_reorder=true",
            vec![due_range.clone()],
            vec![due_range.clone()],
        ),
        (
            "needs_reorder=true&schedule_type=daily&sort=name",
            vec![due_range.clone(), sorted.clone()],
            vec![due_range.clone()],
        ),
        (
            "needs_reorder=false",
            vec![range("id", "")],
            vec![
                "SCAN CONSTANT ROW".to_owned(),
                "SCALAR SUBQUERY 1".to_owned(),
                all,
                "SCALAR SUBQUERY 2".to_owned(),
                due_range,
            ],
        ),
        (
            "q=drug+00&sort=name",
            [&found()[..], &[sorted]].concat(),
            found().to_vec(),
        ),
        // In the order of the ids nothing is sorted, and the first page counts what it passes.
        ("q=drug+00&sort=-id", found().to_vec(), found().to_vec()),
        // One word that is long enough leads there, whatever it is made of.
        ("q=ru+%22*%22", found().to_vec(), found().to_vec()),
        ("q=drugdrugdrug", found().to_vec(), found().to_vec()),
    ] {
        assert_eq!(
            plans(service.connection(), query).await,
            [page, total],
            "{query}"
        );
    }

    pages_are_ranges(&service).await;

    // The negative controls: two letters are looked for everywhere, and without its index an order is sorted.
    let short = plans(service.connection(), "q=ru")
        .await
        .pop()
        .unwrap()
        .concat();
    assert!(!short.contains("drugs_search"), "{short}");
    let tx = service.connection().begin().await.unwrap();
    tx.execute_unprepared("DROP INDEX \"idx-drugs-group-search_text\"")
        .await
        .unwrap();
    let sorts = plans(&tx, "sort=name").await.concat();
    assert!(
        sorts.iter().any(|line| line.contains("TEMP B-TREE")),
        "{sorts:?}"
    );
}

/// A first page that counts on the way, and the page behind it, have the same total as the whole.
async fn first_pages_count_on_the_way(service: &Service) {
    for (query, total) in [
        ("needs_reorder=true", "100"),
        ("q=drug+00&sort=-id", "4006"),
    ] {
        let first = service.get(&format!("{DRUGS}?{query}&limit=7")).await;
        let second = service.get(&first.next_page().unwrap()).await;
        for page in [first, second] {
            assert_eq!(page.header("x-total-count"), total, "{query}");
            assert_eq!(page.body.as_array().unwrap().len(), 7, "{query}");
        }
    }
}

/// A page begins within the ties of the row before it and goes on behind them, by ranges of an index.
async fn pages_are_ranges(service: &Service) {
    for (sort, column, beyond) in [
        ("id", "id", '>'),
        ("-id", "id", '<'),
        ("name", "search_text", '>'),
        ("days_remaining", "run_out_date", '>'),
        ("-order_by", "reorder_date", '<'),
    ] {
        let page = service.get(&format!("{DRUGS}?limit=1&sort={sort}")).await;
        let next = page.next_page().unwrap();
        let (_, query) = next.split_once('?').unwrap();
        let mut plan = plans(service.connection(), query).await;
        plan.pop();
        let mut ranges = vec![vec![covered(column, &format!(" AND {column}{beyond}?"))]];
        if column != "id" {
            let tied = format!(" AND {column}=? AND id{beyond}?");
            ranges.insert(0, vec![covered(column, &tied)]);
        }
        assert_eq!(plan, ranges, "sort={sort}");
    }
}

/// What SQLite would do for each statement of a list, the count last: each line once, but for those on merging.
async fn plans(connection: &impl ConnectionTrait, query: &str) -> Vec<Vec<String>> {
    let today: NaiveDate = TODAY.parse().unwrap();
    let backend = connection.get_database_backend();
    let statements = server::drugs::list_statements(Some(query), today, backend);
    let mut plans = Vec::new();
    for statement in statements.expect("a valid query") {
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let explain = Statement::from_string(backend, explain);
        let mut lines: Vec<String> = Vec::new();
        for row in connection.query_all_raw(explain).await.unwrap() {
            let line: String = row.try_get("", "detail").unwrap();
            if !matches!(&*line, "MERGE (UNION ALL)" | "LEFT" | "RIGHT") && !lines.contains(&line) {
                lines.push(line);
            }
        }
        plans.push(lines);
    }
    plans
}

fn range(order: &str, more: &str) -> String {
    format!(
        "SEARCH drugs USING INDEX idx-drugs-group-{order} (archived=? AND schedule_type=?{more})"
    )
}

/// A range in which the index has all that is asked for.
fn covered(order: &str, more: &str) -> String {
    range(order, more).replace("USING INDEX", "USING COVERING INDEX")
}

/// Puts drugs straight into the table: `days` says for how many days the nth lasts, none for one that is not consumed.
async fn insert(service: &Service, count: i64, days: impl Fn(i64) -> Option<i64>) {
    let today: NaiveDate = TODAY.parse().unwrap();
    let never = domain::Projection::NEVER;
    let now: DateTime<Utc> = "2026-11-22T11:00:00Z".parse().unwrap();
    let rows = (0..count).map(|n| {
        let days = days(n);
        let run_out = days.map_or(never, |days| today + Days::new(days.unsigned_abs()));
        drug::ActiveModel {
            name: Set(format!("Drug {:03}", n % 300)),
            schedule_type: Set(drug::ScheduleType::Daily),
            night: Set(if days.is_some() { 1000 } else { 0 }),
            current_amount: Set(days.unwrap_or(7) * 1000),
            counted_on: Set(today),
            package_size: Set(10_000),
            run_out_date: Set(run_out),
            reorder_date: Set(if run_out == never {
                never
            } else {
                run_out - Days::new(21)
            }),
            search_text: Set(format!("drug {:03}\n", n % 300)),
            version: Set(1),
            created_at: Set(now),
            updated_at: Set(now),
            ..Default::default()
        }
    });
    let rows: Vec<_> = rows.collect();
    let tx = service.connection().begin().await.unwrap();
    for rows in rows.chunks(500) {
        drug::Entity::insert_many(rows.to_vec())
            .exec_without_returning(&tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}
