//! `POST /drugs/{id}/refill`: a booking is made once, whole, and beside others.

use axum::http::{Method, StatusCode};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Service, on_both};

const DRUGS: &str = "/api/v1/drugs";

async fn drug(service: &Service, amount: &str) -> String {
    let drug = json!({
        "name": "Torasemid", "schedule_type": "daily", "morning_post_food": 1,
        "package_size": 30, "current_amount": amount,
    });
    let drug = service.created(DRUGS, &drug).await;
    format!("{DRUGS}/{}", drug["id"])
}

async fn refill(service: &Service, path: &str, key: &str, body: &str) -> crate::support::Answer {
    let headers = [
        format!("Idempotency-Key: {key}"),
        "Content-Type: application/json".into(),
    ];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    service
        .request(
            Method::POST,
            &format!("{path}/refill"),
            &headers,
            body.to_owned(),
        )
        .await
}

on_both! {
    async fn a_refill_adds_packages_or_an_amount_and_moves_the_dates(service: &Service) {
        let path = drug(service, "12").await;
        let one = service.request(Method::POST, &format!("{path}/refill"), &[], "").await;
        assert_eq!(one.status, StatusCode::OK, "{}", one.body);
        assert_eq!((&one.body["current_amount"], &one.body["days_remaining"]), (&json!(42), &json!(42)));
        let two = service.post(&format!("{path}/refill"), &json!({"packages": 2})).await.body;
        assert_eq!(two["current_amount"], 102);
        let loose = service.post(&format!("{path}/refill"), &json!({"amount": 0.5})).await;
        assert_eq!(loose.body["current_amount"], 102.5);
        assert_eq!(loose.body["run_out_date"], "2027-03-04");
        let read = service.get(&path).await;
        assert_eq!(read.body, loose.body);
        assert_eq!(read.header("etag"), loose.header("etag"));
    }

    async fn a_refill_of_a_stock_that_was_used_up_begins_with_what_came_in(service: &Service) {
        let path = drug(service, "2.5").await;
        service.set_day("2026-12-22");
        let refilled = service.request(Method::POST, &format!("{path}/refill"), &[], "").await.body;
        assert_eq!(refilled["current_amount"], 30);
        assert_eq!(refilled["counted_on"], "2026-12-22");
        assert_eq!(refilled["run_out_date"], "2027-01-21");
    }

    async fn a_refill_fits_where_what_was_counted_long_ago_is_gone_by_now(service: &Service) {
        let path = drug(service, "999990").await;
        let url = format!("{path}/refill");
        assert_eq!(service.post(&url, &json!({"amount": 11})).await.problem(), (409, vec![]));
        service.set_day("2026-11-23");
        let refilled = service.post(&url, &json!({"amount": 11})).await.body;
        assert_eq!((&refilled["current_amount"], &refilled["counted_on"]), (&json!(1_000_000), &json!("2026-11-23")));
        assert_eq!(service.number("SELECT version FROM drugs").await, 2);
    }

    async fn a_changed_package_size_changes_no_stock(service: &Service) {
        let path = drug(service, "10").await;
        let patched = service.patch(&path, &json!({"package_size": 50})).await.body;
        assert_eq!(patched["current_amount"], 10);
        let refilled = service.request(Method::POST, &format!("{path}/refill"), &[], "").await.body;
        assert_eq!(refilled["current_amount"], 60);
    }

    async fn a_hundred_refills_at_once_are_exactly_a_hundred_packages(service: &Service) {
        let path = drug(service, "0").await;
        let url = format!("{path}/refill");
        let answers = join_all((0..100).map(|_| service.request(Method::POST, &url, &[], ""))).await;
        assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
        let drug = service.get(&path).await.body;
        assert_eq!(drug["current_amount"], 3000);
        assert_eq!(drug["days_remaining"], 3000);
        assert_eq!(service.number("SELECT version FROM drugs").await, 101);
    }

    async fn a_retried_booking_is_made_once(service: &Service) {
        let path = drug(service, "0").await;
        let first = refill(service, &path, "k-1", r#"{"packages": 1}"#).await;
        assert_eq!((first.status, first.header("idempotent-replayed")), (StatusCode::OK, ""));
        let again = refill(service, &path, "k-1", r#"{"packages": 1}"#).await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (StatusCode::OK, "true"));
        assert_eq!((&again.body, again.header("etag")), (&first.body, first.header("etag")));
        assert_eq!(service.get(&path).await.body["current_amount"], 30);

        let other_body = refill(service, &path, "k-1", r#"{"packages": 2}"#).await;
        assert_eq!(other_body.problem(), (422, vec!["Idempotency-Key"]));
        let other_drug = drug(service, "0").await;
        let other_path = refill(service, &other_drug, "k-1", r#"{"packages": 1}"#).await;
        assert_eq!(other_path.problem(), (422, vec!["Idempotency-Key"]));
        for key in [&"k".repeat(256), "a\tb", "a b"] {
            let refused = refill(service, &path, key, "").await;
            assert_eq!(refused.problem(), (400, vec!["Idempotency-Key"]), "{key:?}");
        }

        let same_time = join_all((0..20).map(|_| refill(service, &path, "k-2", ""))).await;
        assert!(same_time.iter().all(|answer| answer.status == StatusCode::OK));
        assert_eq!(service.get(&path).await.body["current_amount"], 60);
    }

    async fn a_key_is_free_again_where_the_booking_failed_and_after_a_week(service: &Service) {
        let path = drug(service, "999990").await;
        let full = refill(service, &path, "k-1", "").await;
        assert_eq!(full.problem(), (409, vec![]));
        service.patch(&path, &json!({"current_amount": 0})).await;
        assert_eq!(refill(service, &path, "k-1", "").await.status, StatusCode::OK);
        service.set_day("2026-11-30");
        let later = refill(service, &path, "k-1", "").await;
        assert_eq!((later.status, later.header("idempotent-replayed")), (StatusCode::OK, ""));
        assert_eq!(service.number("SELECT count(*) FROM idempotency_keys").await, 1);
    }

    async fn what_cannot_be_booked_is_refused_and_changes_nothing(service: &Service) {
        let path = drug(service, "5").await;
        let before = service.get(&path).await.body;
        let url = format!("{path}/refill");
        for (body, places) in [
            (json!({"packages": 0}), vec!["/packages"]),
            (json!({"packages": 1.5}), vec!["/packages"]),
            (json!({"packages": 1001}), vec!["/packages"]),
            (json!({"amount": 0}), vec!["/amount"]),
            (json!({"amount": 1, "packages": 1}), vec!["/amount"]),
            (json!({"boxes": 1}), vec!["/boxes"]),
            (json!([]), vec![""]),
        ] {
            assert_eq!(service.post(&url, &body).await.problem(), (422, places), "{body}");
        }
        let too_much = service.post(&url, &json!({"amount": 1_000_000})).await;
        assert_eq!(too_much.problem(), (409, vec![]));
        assert!(too_much.body["detail"].as_str().unwrap().contains("1000000 units"));
        assert_eq!(service.post("/api/v1/drugs/77/refill", &Value::Null).await.problem().0, 422);
        assert_eq!(service.post("/api/v1/drugs/77/refill", &json!({})).await.problem(), (404, vec![]));
        assert_eq!(service.get(&path).await.body, before);
    }
}
