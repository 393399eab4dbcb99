//! The 24 hard drugs: each stored, normalised or refused, and with the right computed members.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::on_both;

const CASES: &str = include_str!("../../../../testdata/drugs_hard_cases.json");

/// What must come of each case on Sunday 2026-11-22, in the odd ISO week 47: the members named here have these values.
/// A refusal is named by its place.
#[expect(clippy::too_many_lines, reason = "a table")]
fn expected() -> Vec<(&'static str, Value)> {
    let stored = |members: Value| members;
    let refused = |place: &str| json!({"refused": place});
    vec![
        (
            "U+00B5 MICRO SIGN",
            stored(json!({
            "dosage_strength": "75\u{b5}g", "days_remaining": 98, "run_out_date": "2027-02-28",
            "order_by": "2027-02-07", "current_week_type": "odd", "current_week_pills": 3})),
        ),
        (
            "U+03BC GREEK MU",
            stored(json!({"dosage_strength": "75\u{3bc}g", "days_remaining": 98})),
        ),
        (
            "exactly 21 days",
            stored(json!({
            "days_remaining": 21, "weeks_remaining": 3, "needs_reorder": false, "order_by": "2026-11-22"})),
        ),
        (
            "decimal comma strength",
            stored(json!({
            "dosage_strength": "0,3 mg", "days_remaining": 20, "weeks_remaining": 2, "current_amount": 62.5,
            "needs_reorder": true})),
        ),
        (
            "half tablets",
            stored(json!({
            "days_remaining": 0, "weeks_remaining": 0, "run_out_date": "2026-11-22", "needs_reorder": true})),
        ),
        (
            "combination strength",
            stored(json!({
            "name": "Ramipril/HCT", "dosage_strength": "5 mg/25 mg", "days_remaining": 20, "needs_reorder": true})),
        ),
        (
            "quarter tablets",
            stored(json!({"days_remaining": 12, "run_out_date": "2026-12-04"})),
        ),
        // One a day in odd weeks: today, then nothing in week 48, then 7 in week 49, then nothing, then 2 in week 51.
        (
            "odd weeks only",
            stored(json!({
            "days_remaining": 24, "run_out_date": "2026-12-16", "current_week_pills": 7, "needs_reorder": false})),
        ),
        (
            "ONCE WEEKLY",
            stored(json!({
            "schedule_type": "weekly_alternating", "days_remaining": 28, "weeks_remaining": 4,
            "morning_post_food": 0, "current_week_type": "odd", "current_week_pills": 1})),
        ),
        (
            "as needed / no schedule",
            stored(json!({
            "days_remaining": null, "weeks_remaining": null, "run_out_date": null, "order_by": null,
            "needs_reorder": false, "current_amount": 37})),
        ),
        // One in week 48 and one in week 50; week 52 is not covered.
        (
            "German thousands dot",
            stored(json!({
            "dosage_strength": "20.000 I.E.", "run_out_date": "2026-12-21", "days_remaining": 29,
            "current_week_pills": 0})),
        ),
        (
            "drops, empty stock",
            stored(json!({
            "unit": "drop", "current_amount": 0, "days_remaining": null, "needs_reorder": false})),
        ),
        (
            "one year: leap-year",
            stored(json!({"days_remaining": 365, "run_out_date": "2027-11-22"})),
        ),
        (
            "zero stock",
            stored(json!({
            "days_remaining": 0, "run_out_date": "2026-11-22", "order_by": "2026-11-01", "needs_reorder": true})),
        ),
        (
            "units, not pills",
            stored(json!({"unit": "IU", "days_remaining": 107, "evening_post_food": 14})),
        ),
        (
            "quotes and semicolon",
            stored(json!({"name": "Amlodipin \"neu\"; 5mg", "days_remaining": 100})),
        ),
        (
            "CSV formula injection",
            stored(json!({"name": "=HYPERLINK(\"http://x\")", "days_remaining": 10})),
        ),
        ("newline in name", refused("/name")),
        ("NFD", stored(json!({"name": "B\u{fc}scopan"}))),
        ("NFC", stored(json!({"name": "B\u{fc}scopan"}))),
        (
            "0.1+0.2 float trap",
            stored(json!({
            "days_remaining": 1, "current_amount": 0.3, "run_out_date": "2026-11-23"})),
        ),
        (
            "non-BMP emoji",
            stored(json!({"name": "Calcium \u{1f48a}", "days_remaining": 120})),
        ),
        (
            "leading/trailing blanks",
            stored(json!({"name": "Leerzeichen", "days_remaining": 30})),
        ),
        (
            "200-character name",
            stored(json!({"name": "A".repeat(200), "days_remaining": 30})),
        ),
    ]
}

on_both! {
    async fn each_hard_case_gives_what_its_description_says(service: &Service) {
        let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
        let expected = expected();
        assert_eq!(cases.len(), expected.len());
        for (case, (about, expected)) in cases.iter().zip(expected) {
            assert!(case["about"].as_str().unwrap().contains(about), "{} is not {about}", case["about"]);
            let answer = service.post("/api/v1/drugs", &case["request"]).await;
            if let Some(place) = expected["refused"].as_str() {
                assert_eq!(answer.problem(), (422, vec![place]), "{about}");
                continue;
            }
            assert_eq!(answer.status, StatusCode::CREATED, "{about}: {}", answer.body);
            let read = service.get(answer.header("location")).await.body;
            for (member, value) in expected.as_object().unwrap() {
                assert_eq!(&read[member], value, "{about}: {member}");
            }
        }
        assert_eq!(service.number("SELECT count(*) FROM drugs").await, 23);
    }

    async fn a_name_whose_spelling_unfolds_to_pages_is_stored_and_found(service: &Service) {
        let drug = json!({"name": "\u{fdfa}".repeat(200), "schedule_type": "daily", "package_size": 1});
        let drug = service.created("/api/v1/drugs", &drug).await;
        let found = service.get("/api/v1/drugs?q=%EF%B7%BA").await;
        assert_eq!(found.body[0]["id"], drug["id"]);
    }

    async fn spellings_of_one_text_find_each_other(service: &Service) {
        for case in serde_json::from_str::<Vec<Value>>(CASES).unwrap() {
            service.post("/api/v1/drugs", &case["request"]).await;
        }
        for (search, found) in [
            ("75%CE%BCg", 2),               // Greek mu finds the micro sign
            ("75%C2%B5G", 2),               // and the other way round, in another case
            ("THYROXIN", 3),
            ("thyroxin+mcg", 1),            // every word is found
            ("bu%CC%88scopan", 2),          // decomposed
            ("B%C3%9CSCOPAN", 2),           // composed, in capitals
            ("20.000", 1),
            ("%F0%9F%92%8A", 1),
            ("%25", 0),                     // no wildcard
            ("_", 0),
            ("%22neu%22%3B", 1),
            ("%3DHYPERLINK", 1),
        ] {
            let answer = service.get(&format!("/api/v1/drugs?q={search}")).await;
            assert_eq!(answer.header("x-total-count"), found.to_string(), "{search}: {}", answer.body);
        }
    }
}
