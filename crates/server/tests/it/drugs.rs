//! `/api/v1/drugs`: one record from its creation to its end.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::on_both;

const DRUGS: &str = "/api/v1/drugs";

fn aspirin() -> Value {
    json!({
        "name": "Aspirin", "dosage_strength": "100 mg", "schedule_type": "daily",
        "morning_post_food": 1, "package_size": 100, "current_amount": 62.5,
    })
}

on_both! {
    async fn a_drug_is_created_read_replaced_and_deleted(service: &Service) {
        let created = service.post(DRUGS, &aspirin()).await;
        assert_eq!(created.status, StatusCode::CREATED);
        let id = created.body["id"].as_i64().unwrap();
        let path = format!("{DRUGS}/{id}");
        assert_eq!(created.header("location"), path);
        assert_eq!(created.body["unit"], "tablet");
        assert_eq!(created.body["reorder_lead_days"], 21);
        assert_eq!(created.body["days_remaining"], 62);
        assert_eq!(created.body["weeks_remaining"], 8);
        assert_eq!(created.body["run_out_date"], "2027-01-23");
        assert_eq!(created.body["order_by"], "2027-01-02");
        assert_eq!(created.body["needs_reorder"], false);
        assert_eq!(created.body["current_week_type"], Value::Null);

        let read = service.get(&path).await;
        assert_eq!((read.status, &read.body), (StatusCode::OK, &created.body));
        assert_eq!(read.header("etag"), created.header("etag"));

        let mut replacement = aspirin();
        replacement["name"] = json!("Aspirin protect");
        replacement["current_amount"] = json!(20.5);
        let replaced = service.put(&path, &replacement).await;
        assert_eq!(replaced.status, StatusCode::OK, "{}", replaced.body);
        assert_eq!(replaced.body["name"], "Aspirin protect");
        assert_eq!(replaced.body["days_remaining"], 20);
        assert_eq!(replaced.body["needs_reorder"], true);
        assert_eq!(service.get(&path).await.body, replaced.body);

        assert_eq!(service.delete(&path).await.status, StatusCode::NO_CONTENT);
        assert_eq!(service.get(&path).await.problem(), (404, vec![]));
        assert_eq!(service.delete(&path).await.problem(), (404, vec![]));
        assert_eq!(service.number("SELECT count(*) FROM drugs").await, 0);
    }

    async fn a_trailing_slash_is_the_same_resource(service: &Service) {
        let drug = service.created("/api/v1/drugs/", &aspirin()).await;
        let read = service.get(&format!("{DRUGS}/{}/", drug["id"])).await;
        assert_eq!(read.body, drug);
        assert_eq!(service.get("/api/v1/drugs/?limit=1").await.body, json!([drug]));
        assert_eq!(service.get("/health/ready/").await.status, StatusCode::OK);
    }

    async fn the_stock_goes_down_by_itself_and_stops_at_nothing(service: &Service) {
        let drug = service.created(DRUGS, &aspirin()).await;
        let path = format!("{DRUGS}/{}", drug["id"]);
        for (day, amount, days) in
            [("2026-11-23", 61.5, 61), ("2027-01-22", 1.5, 1), ("2027-01-23", 0.5, 0), ("2027-01-24", 0.0, 0)]
        {
            service.set_day(day);
            let drug = service.get(&path).await.body;
            assert_eq!(drug["current_amount"].as_f64(), Some(amount), "{day}");
            assert_eq!(drug["days_remaining"], days, "{day}");
            assert_eq!(drug["run_out_date"], "2027-01-23", "{day}");
        }
    }

    async fn a_changed_schedule_applies_from_today_and_past_days_keep_the_old_one(service: &Service) {
        let drug = service.created(DRUGS, &aspirin()).await;
        let path = format!("{DRUGS}/{}", drug["id"]);
        service.set_day("2026-12-02");
        let patched = service.patch(&path, &json!({"night": 1})).await.body;
        assert_eq!(patched["current_amount"], 52.5);
        assert_eq!(patched["counted_on"], "2026-12-02");
        assert_eq!(patched["days_remaining"], 26);
        // What is no schedule leaves the count as it was.
        service.set_day("2026-12-03");
        let patched = service.patch(&path, &json!({"instructions": "with water"})).await.body;
        assert_eq!(patched["counted_on"], "2026-12-02");
        assert_eq!(patched["current_amount"], 50.5);
    }

    async fn a_merge_patch_tells_absent_null_and_value_apart(service: &Service) {
        let mut drug = aspirin();
        drug["instructions"] = json!("after breakfast");
        drug["unit"] = json!("capsule");
        let drug = service.created(DRUGS, &drug).await;
        let path = format!("{DRUGS}/{}", drug["id"]);

        let absent = service.patch(&path, &json!({})).await;
        assert_eq!(absent.status, StatusCode::OK, "{}", absent.body);
        assert_eq!(absent.body["instructions"], "after breakfast");
        let null = service.patch(&path, &json!({"instructions": null, "unit": null})).await.body;
        assert_eq!((&null["instructions"], &null["unit"]), (&Value::Null, &json!("tablet")));
        let value = service.patch(&path, &json!({"instructions": "with water"})).await.body;
        assert_eq!(value["instructions"], "with water");
        assert_eq!(value["name"], "Aspirin");

        for (patch, place) in [
            (json!({"name": null}), "/name"),
            (json!({"current_amount": null}), "/current_amount"),
            (json!({"package_size": 0}), "/package_size"),
            (json!({"colour": null}), "/colour"),
            (json!({"schedule_type": "weekly_alternating", "even_week_pills": 4}), "/odd_week_pills"),
            (json!({"even_week_pills": 4}), "/even_week_pills"),
            (json!({"start_date": "2026-12-01", "end_date": "2026-11-30"}), "/end_date"),
        ] {
            assert_eq!(service.patch(&path, &patch).await.problem(), (422, vec![place]), "{patch}");
        }
        assert_eq!(service.get(&path).await.body, value);

        let both = ["Content-Type: application/merge-patch+json"];
        let patched = service.request(Method::PATCH, &path, &both, r#"{"archived": true}"#).await.body;
        assert_eq!(patched["archived"], true);
        assert_eq!(patched["days_remaining"], Value::Null);
    }

    async fn a_correction_counts_from_today(service: &Service) {
        let drug = service.created(DRUGS, &aspirin()).await;
        let path = format!("{DRUGS}/{}", drug["id"]);
        service.set_day("2026-12-02");
        let corrected = service.patch(&path, &json!({"current_amount": "21"})).await.body;
        assert_eq!(corrected["current_amount"], 21);
        assert_eq!(corrected["counted_on"], "2026-12-02");
        assert_eq!((&corrected["days_remaining"], &corrected["needs_reorder"]), (&json!(21), &json!(false)));
        let forgotten = service.put(&path, &json!({"name": "A", "schedule_type": "daily", "package_size": 1})).await;
        assert_eq!(forgotten.problem(), (422, vec!["/current_amount"]));
    }

    async fn a_condition_on_the_entity_tag_keeps_two_edits_apart(service: &Service) {
        let created = service.post(DRUGS, &aspirin()).await;
        let path = format!("{DRUGS}/{}", created.body["id"]);
        let tag = created.header("etag").to_owned();
        let condition = format!("If-Match: {tag}");
        let json = "Content-Type: application/json";
        let change = |headers: Vec<String>, body: &'static str| {
            let path = path.clone();
            async move {
                let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
                service.request(Method::PATCH, &path, &headers, body).await
            }
        };
        let first = change(vec![json.into(), condition.clone()], r#"{"night": 1}"#).await;
        assert_eq!(first.status, StatusCode::OK);
        assert_ne!(first.header("etag"), tag);
        let second = change(vec![json.into(), condition.clone()], r#"{"night": 2}"#).await;
        assert_eq!(second.problem(), (412, vec![]));
        assert_eq!(service.get(&path).await.body["night"], 1);
        let deleted = service.request(Method::DELETE, &path, &[&condition], "").await;
        assert_eq!(deleted.problem(), (412, vec![]));
        let refilled = service.request(Method::POST, &format!("{path}/refill"), &[&condition], "").await;
        assert_eq!(refilled.problem(), (412, vec![]));
        let unquoted = change(vec![json.into(), "If-Match: 1".into()], "{}").await;
        assert_eq!(unquoted.problem(), (400, vec!["If-Match"]));

        // The tag of yesterday names the same version today, though the days that remain have changed.
        service.set_day("2026-11-23");
        let current = format!("If-Match: {}", first.header("etag"));
        let third = change(vec![json.into(), current], r#"{"night": 3}"#).await;
        assert_eq!(third.status, StatusCode::OK);
    }

    async fn what_the_caller_has_already_is_not_sent_again(service: &Service) {
        let created = service.post(DRUGS, &aspirin()).await;
        let path = format!("{DRUGS}/{}", created.body["id"]);
        let condition = format!("If-None-Match: {}", created.header("etag"));
        let same = service.request(Method::GET, &path, &[&condition], "").await;
        assert_eq!((same.status, &same.body), (StatusCode::NOT_MODIFIED, &Value::Null));
        service.set_day("2026-11-23");
        let next_day = service.request(Method::GET, &path, &[&condition], "").await;
        assert_eq!(next_day.status, StatusCode::OK);
        assert_eq!(next_day.body["days_remaining"], 61);
    }

    async fn every_invalid_member_is_named_at_once(service: &Service) {
        let answer = service.post(DRUGS, &json!({
            "name": "Zeile\numbruch", "unit": "", "schedule_type": "hourly", "morning_pre_food": -1,
            "night": 0.0001, "noon_pre_food": "1e3", "start_date": "2027-02-29", "package_size": "0",
            "reorder_lead_days": 366, "archived": "no", "instructions": 5, "colour": "red",
        })).await;
        assert_eq!(answer.problem(), (422, vec![
            "/name", "/unit", "/schedule_type", "/morning_pre_food", "/noon_pre_food", "/night",
            "/start_date", "/package_size", "/reorder_lead_days", "/archived", "/instructions", "/colour",
        ]));
        assert_eq!(service.number("SELECT count(*) FROM drugs").await, 0);
    }
}
