//! Changes that wait for the disk at the same time share one commit.

use std::future::poll_fn;
use std::task::Poll;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, Statement, TransactionTrait as _};
use serde_json::{Value, json};

use crate::support::Service;

const DRUGS: &str = "/api/v1/drugs";

fn drug(amount: u32) -> Value {
    json!({"name": "Ibuprofen", "schedule_type": "as_needed", "package_size": 1000, "current_amount": amount})
}

/// How many pages the log holds.
async fn frames(service: &Service) -> i64 {
    let connection = service.connection();
    let sql = Statement::from_string(
        connection.get_database_backend(),
        "PRAGMA wal_checkpoint(NOOP)",
    );
    let row = connection.query_one_raw(sql).await.unwrap().unwrap();
    row.try_get_by_index(1).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_wait_together_are_committed_together_and_fail_apart() {
    let service = Service::sqlite().await;
    let full = service.created(DRUGS, &drug(1_000_000)).await["id"].clone();
    let refill = format!("{DRUGS}/{full}/refill");
    let begun = frames(&service).await;
    for _ in 0..20 {
        service.created(DRUGS, &drug(1)).await;
    }
    let one_by_one = frames(&service).await - begun;

    let begun = frames(&service).await;
    // Somebody else writes, so that everything has to wait.
    let other = service.connection().begin().await.unwrap();
    other
        .execute_unprepared("UPDATE drugs SET unit = unit WHERE id = 0")
        .await
        .unwrap();
    let (good, bad) = (drug(1), json!({}));
    let mut waiting = join_all((0..40).map(|number| match number % 2 {
        0 => service.post(DRUGS, &good),
        _ => service.post(&refill, &bad),
    }));
    let first = poll_fn(|context| Poll::Ready(waiting.poll_unpin(context))).await;
    assert!(
        first.is_pending(),
        "nothing is answered before it is on disk"
    );
    other.rollback().await.unwrap();

    for (number, answer) in waiting.await.iter().enumerate() {
        let expected = [201, 409][number % 2];
        assert_eq!(answer.status, expected, "{number}: {}", answer.body);
    }
    let together = frames(&service).await - begun;
    assert!(
        together * 2 < one_by_one,
        "{together} pages for twenty changes at once, {one_by_one} for twenty one by one"
    );
    assert_eq!(service.number("SELECT count(*) FROM drugs").await, 41);
    let amount = service.get(&format!("{DRUGS}/{full}")).await;
    assert_eq!(
        amount.body["current_amount"], 1_000_000,
        "what was refused left nothing"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_has_not_changed_is_not_read_again() {
    for service in [Service::sqlite().await, Service::postgres().await] {
        for (list, member) in [
            (DRUGS, drug(1)),
            (
                "/api/v1/doctor-vacations",
                json!({"start_date": "2026-12-01", "end_date": "2026-12-02"}),
            ),
        ] {
            service.created(list, &member).await;
            let page = service.get(list).await;
            let tag = page.header("etag").to_owned();
            assert!(tag.starts_with("W/\""), "{tag}");
            let again = |path: String| {
                let (service, header) = (&service, format!("If-None-Match: {tag}"));
                async move {
                    let method = axum::http::Method::GET;
                    service.request(method, &path, &[&header], "").await
                }
            };
            let unchanged = again(list.to_owned()).await;
            assert_eq!(
                (unchanged.status.as_u16(), &unchanged.body),
                (304, &Value::Null)
            );
            assert_eq!(unchanged.header("etag"), tag);
            let other = again(format!("{list}?limit=7")).await;
            assert_eq!(other.status, 200, "it is the tag of another page");

            service.created(list, &member).await;
            assert_eq!(
                again(list.to_owned()).await.status,
                200,
                "there is one more"
            );
            service.set_day("2026-11-23");
            let tomorrow = again(list.to_owned()).await;
            assert_eq!(tomorrow.status, 200, "what is left depends on the day");
            service.set_day(crate::support::TODAY);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_by_another_program_is_seen_at_once() {
    let service = Service::sqlite().await;
    service.created(DRUGS, &drug(1)).await;
    let tag = service.get(DRUGS).await.header("etag").to_owned();
    assert_eq!(service.get(DRUGS).await.header("etag"), tag);
    let connection = service.connection();
    connection
        .execute_unprepared("UPDATE drugs SET unit = 'drop'")
        .await
        .unwrap();
    let page = service.get(DRUGS).await;
    assert_ne!(page.header("etag"), tag);
    assert_eq!(page.body[0]["unit"], "drop");
}
