//! What is kept beside the drugs for the sake of speed says what the drugs say, whatever was done to them.

use axum::http::Method;
use sea_orm::{ConnectionTrait, DbErr, TransactionTrait as _};
use serde_json::{Value, json};

use crate::support::{Service, on_both};

const DRUGS: &str = "/api/v1/drugs";
const KINDS: [&str; 3] = ["daily", "weekly_alternating", "as_needed"];
const NAMES: [&str; 10] = [
    "L-Thyroxin",
    "Thyronajod",
    "Ölweide \"extra\"",
    "\u{b5}-Metasone",
    "100% Aloe_vera",
    "\u{1f48a}\u{1f48a}\u{1f48a} pill",
    "Straße AND Near",
    "ACC*",
    "Hydrochlorothiazide with Levothyroxine, for the morning",
    "Сердце 心臓病の薬",
];
const WORDS: [&str; 22] = [
    "thy",
    "THYRO xin",
    "\"ex",
    "\"",
    "öl",
    "Ölw",
    "μ-m",
    "00%",
    "e_v",
    "\u{1f48a}\u{1f48a}\u{1f48a}",
    "strasse",
    "and",
    "cc*",
    "x",
    "75",
    "thyr nowhere",
    "ochlorothiazi levothyroxine",
    "hydrochlorothiazidewith",
    "ердц",
    "心臓病",
    "AND near",
    "\"and\"",
];

/// What one change after another makes of a few dozen drugs; the same each time.
async fn changes(service: &Service, count: u64) {
    let mut state = 7_u64;
    let mut dice = move |sides: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % sides
    };
    let mut ids: Vec<Value> = Vec::new();
    for _ in 0..count {
        let name = NAMES[dice(NAMES.len())];
        let which = dice(ids.len().max(1));
        match (ids.get(which).cloned(), dice(8)) {
            (Some(id), 0) => {
                ids.remove(which);
                let answer = service.delete(&format!("{DRUGS}/{id}")).await;
                assert_eq!(answer.status, 204, "{}", answer.body);
            }
            (Some(id), turn @ 1..=4) => {
                let change = match turn {
                    1 => json!({"name": name}),
                    2 => json!({"archived": dice(2) == 0}),
                    3 => {
                        json!({"schedule_type": KINDS[dice(3)], "even_week_pills": 1, "odd_week_pills": 1})
                    }
                    _ => json!({"instructions": "as before"}),
                };
                // Some are refused, which changes nothing either.
                let answer = service.patch(&format!("{DRUGS}/{id}"), &change).await;
                assert!(
                    answer.status.is_success() || answer.status == 422,
                    "{}",
                    answer.body
                );
            }
            _ => {
                let drug = json!({
                    "name": name, "dosage_strength": "75 \u{b5}g", "schedule_type": KINDS[2 * dice(2)],
                    "package_size": 10, "current_amount": dice(60), "archived": dice(4) == 0,
                });
                ids.push(service.created(DRUGS, &drug).await["id"].clone());
            }
        }
    }
}

/// Every count and every search of the list is what its rows say.
async fn lists_agree(service: &Service) {
    for filter in [
        "archived=any",
        "archived=true",
        "",
        "schedule_type=as_needed",
        "needs_reorder=true",
        "needs_reorder=false",
    ] {
        let all = service.get(&format!("{DRUGS}?limit=200&{filter}")).await;
        let all_rows = all.body.as_array().unwrap();
        assert_eq!(
            all.header("x-total-count"),
            all_rows.len().to_string(),
            "{filter}"
        );
        for q in WORDS {
            let key = domain::text::search_key(q);
            let holds = |drug: &&Value| {
                let text = format!(
                    "{}\n{}",
                    drug["name"].as_str().unwrap(),
                    drug["dosage_strength"].as_str().unwrap()
                );
                let text = domain::text::search_key(&text);
                key.split_whitespace().all(|word| text.contains(word))
            };
            let expected: Vec<&Value> = all_rows
                .iter()
                .filter(holds)
                .map(|drug| &drug["id"])
                .collect();
            let pairs = form_urlencoded::Serializer::new(String::new())
                .append_pair("q", q)
                .finish();
            for sort in ["", "&sort=name,id"] {
                let found = service
                    .get(&format!("{DRUGS}?limit=200&{filter}&{pairs}{sort}"))
                    .await;
                let mut ids: Vec<&Value> = found
                    .body
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|drug| &drug["id"])
                    .collect();
                ids.sort_by_key(|id| id.as_i64());
                assert_eq!(
                    (&ids, found.header("x-total-count")),
                    (&expected, &*expected.len().to_string()),
                    "{filter} {q}{sort}"
                );
            }
        }
    }
}

/// Whether SQLite's counts and search index are those of the drugs.
async fn is_true(service: &Service) -> Result<(), String> {
    let wrong = service
        .number(
            "SELECT (SELECT count(*) FROM (
                SELECT archived, schedule_type, count(*) FROM drugs GROUP BY archived, schedule_type
                EXCEPT SELECT archived, schedule_type, n FROM drug_counts))
             + (SELECT (SELECT coalesce(sum(n), 0) FROM drug_counts) <> (SELECT count(*) FROM drugs))",
        )
        .await;
    if wrong != 0 {
        return Err("the counts are wrong".to_owned());
    }
    let tx = service.connection().begin().await.unwrap();
    let check = "INSERT INTO drugs_search (drugs_search, rank) VALUES ('integrity-check', 1)";
    let checked: Result<_, DbErr> = tx.execute_unprepared(check).await;
    tx.rollback().await.unwrap();
    checked.map(|_| ()).map_err(|error| error.to_string())
}

on_both! {
    async fn counts_and_searches_are_what_the_rows_say(service: &Service) {
        changes(service, 150).await;
        lists_agree(service).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_counts_and_the_search_index_follow_every_change() {
    let service = Service::sqlite().await;
    is_true(&service).await.unwrap();
    changes(&service, 200).await;
    is_true(&service).await.unwrap();
}

/// The negative control: what a trigger no longer does is noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_that_is_gone_is_noticed() {
    let drug = json!({"name": "Aspirin", "schedule_type": "as_needed", "package_size": 10});
    for (trigger, method, change) in [
        ("drug_counts_insert", Method::POST, drug.clone()),
        ("drugs_search_insert", Method::POST, drug.clone()),
        ("drug_counts_delete", Method::DELETE, Value::Null),
        ("drugs_search_delete", Method::DELETE, Value::Null),
        (
            "drug_counts_update",
            Method::PATCH,
            json!({"archived": true}),
        ),
        (
            "drugs_search_update",
            Method::PATCH,
            json!({"name": "Ibuprofen"}),
        ),
    ] {
        let service = Service::sqlite().await;
        let id = service.created(DRUGS, &drug).await["id"].clone();
        let tx = service.connection().begin().await.unwrap();
        tx.execute_unprepared(&format!("DROP TRIGGER {trigger}"))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let path = format!("{DRUGS}/{id}");
        let answer = match method {
            Method::POST => service.post(DRUGS, &change).await,
            Method::PATCH => service.patch(&path, &change).await,
            _ => service.delete(&path).await,
        };
        assert!(answer.status.is_success(), "{trigger}: {}", answer.body);
        is_true(&service).await.expect_err(trigger);
    }
}
