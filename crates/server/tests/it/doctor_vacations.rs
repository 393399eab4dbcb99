//! `/api/v1/doctor-vacations`: the record, and what it does to when a drug is ordered.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::on_both;

const VACATIONS: &str = "/api/v1/doctor-vacations";

on_both! {
    async fn an_absence_is_created_read_changed_and_deleted(service: &Service) {
        let body = json!({"start_date": "2026-12-20", "end_date": "2027-01-06", "notes": "Dr. Weber\r\nstands in"});
        let created = service.post(VACATIONS, &body).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
        assert_eq!(created.body["notes"], "Dr. Weber\nstands in");
        let path = created.header("location").to_owned();
        assert_eq!(service.get(&path).await.body, created.body);

        let patched = service.patch(&path, &json!({"notes": null})).await;
        assert_eq!((patched.status, &patched.body["notes"]), (StatusCode::OK, &Value::Null));
        let backwards = service.patch(&path, &json!({"end_date": "2026-12-19"})).await;
        assert_eq!(backwards.problem(), (422, vec!["/end_date"]));
        let replaced = service.put(&path, &json!({"start_date": "2026-12-21", "end_date": "2026-12-21"})).await;
        assert_eq!(replaced.body["end_date"], "2026-12-21");
        assert_eq!(service.get(VACATIONS).await.body, json!([replaced.body]));
        assert_eq!(service.delete(&path).await.status, StatusCode::NO_CONTENT);
        assert_eq!(service.get(&path).await.problem(), (404, vec![]));
    }

    async fn absences_are_listed_by_their_start_a_page_at_a_time(service: &Service) {
        for day in ["2027-03-01", "2026-12-01", "2027-02-01", "2026-12-01"] {
            service.created(VACATIONS, &json!({"start_date": day, "end_date": day})).await;
        }
        let first = service.get("/api/v1/doctor-vacations?limit=3").await;
        assert_eq!(first.header("x-total-count"), "4");
        let second = service.get(&first.next_page().unwrap()).await;
        let ids = |answer: &crate::support::Answer| {
            answer.body.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!((ids(&first), ids(&second)), (vec![2, 4, 3], vec![1]));
        assert_eq!(second.next_page(), None);
        assert_eq!(ids(&service.get("/api/v1/doctor-vacations?sort=-id").await), [4, 3, 2, 1]);
        assert_eq!(service.get("/api/v1/doctor-vacations?sort=notes").await.problem(), (400, vec!["sort"]));
    }

    async fn what_would_be_ordered_while_the_doctor_is_away_is_ordered_before(service: &Service) {
        service.set_day("2026-06-01");
        // 65 days: it runs out on 2026-08-05 and is ordered by 2026-07-15.
        let drug = json!({"name": "A", "schedule_type": "daily", "night": 1, "package_size": 1, "current_amount": 65});
        let drug = service.created("/api/v1/drugs", &drug).await;
        assert_eq!((&drug["run_out_date"], &drug["order_by"]), (&json!("2026-08-05"), &json!("2026-07-15")));
        let path = format!("/api/v1/drugs/{}", drug["id"]);

        service.created(VACATIONS, &json!({"start_date": "2026-07-10", "end_date": "2026-08-02"})).await;
        assert_eq!(service.get(&path).await.body["order_by"], "2026-07-09");
        service.created(VACATIONS, &json!({"start_date": "2026-07-06", "end_date": "2026-07-09"})).await;
        assert_eq!(service.get(&path).await.body["order_by"], "2026-07-05");

        let due = "/api/v1/drugs?needs_reorder=true";
        for (day, needed) in [("2026-07-04", false), ("2026-07-05", true), ("2026-07-20", true)] {
            service.set_day(day);
            assert_eq!(service.get(&path).await.body["needs_reorder"], needed, "{day}");
            assert_eq!(service.get(due).await.header("x-total-count"), i32::from(needed).to_string(), "{day}");
        }
        let away = &service.get(&path).await.body["doctor_away"];
        assert_eq!(away, &json!({"returns_on": "2026-08-03", "days_without_drug": 0}));
        service.patch(&path, &json!({"current_amount": 5})).await;
        let away = &service.get(&path).await.body["doctor_away"];
        assert_eq!(away, &json!({"returns_on": "2026-08-03", "days_without_drug": 9}));
    }
}
