//! Requests that cannot be served: each gets a problem document, none writes, none shows a driver's text.

use axum::http::{Method, StatusCode};
use serde_json::Value;

use crate::support::{Service, on_both};

const JSON: &str = "Content-Type: application/json";

on_both! {
    async fn what_the_framework_refuses_is_a_problem_document_as_well(service: &Service) {
        for (method, path, headers, body, status) in [
            (Method::GET, "/nowhere", vec![], "", 404),
            (Method::GET, "/api/v1", vec![], "", 404),
            (Method::GET, "/api/v2/drugs", vec![], "", 404),
            (Method::PUT, "/api/v1/drugs", vec![JSON], "{}", 405),
            (Method::POST, "/api/v1/drugs/1", vec![JSON], "{}", 405),
            (Method::TRACE, "/health/live", vec![], "", 405),
            (Method::POST, "/api/v1/drugs", vec![], "{}", 415),
            (Method::POST, "/api/v1/drugs", vec!["Content-Type: text/plain"], "{}", 415),
            (Method::PATCH, "/api/v1/drugs/1", vec!["Content-Type: application/xml"], "{}", 415),
            (Method::POST, "/api/v1/drugs", vec![JSON], "", 400),
            (Method::POST, "/api/v1/drugs", vec![JSON], "{\"name\":", 400),
            (Method::POST, "/api/v1/drugs", vec![JSON], "{\"name\": 1,}", 400),
            (Method::POST, "/api/v1/drugs", vec![JSON], "[]", 422),
            (Method::POST, "/api/v1/drugs", vec![JSON], "null", 422),
            (Method::POST, "/api/v1/drugs", vec![JSON], "{\"name\": \"\\ud800\"}", 422),
            (Method::GET, "/api/v1/drugs/0", vec![], "", 404),
            (Method::GET, "/api/v1/drugs/-1", vec![], "", 404),
            (Method::GET, "/api/v1/drugs/+1", vec![], "", 404),
            (Method::GET, "/api/v1/drugs/abc", vec![], "", 404),
            (Method::GET, "/api/v1/drugs/9223372036854775808", vec![], "", 404),
            (Method::GET, "/api/v1/drugs/%00", vec![], "", 404),
            (Method::DELETE, "/api/v1/drugs/1%2f", vec![], "", 404),
            (Method::POST, "/api/v1/drugs/1/refill", vec!["Sec-Fetch-Site: cross-site"], "", 403),
            (Method::POST, "/api/v1/drugs/1/refill", vec!["Origin: https://elsewhere.example", "Host: localhost"], "", 403),
        ] {
            let answer = service.request(method.clone(), path, &headers, body).await;
            assert_eq!(answer.problem().0, status, "{method} {path} {body}: {}", answer.body);
        }
        let not_allowed = service.request(Method::PUT, "/api/v1/drugs", &[], "").await;
        assert_eq!(not_allowed.header("allow"), "GET,HEAD,POST");
        let too_large = format!("{{\"name\": \"{}\"}}", "x".repeat(70_000));
        let too_large = service.request(Method::POST, "/api/v1/drugs", &[JSON], too_large).await;
        assert_eq!(too_large.problem(), (413, vec![]));
        assert_eq!(service.number("SELECT count(*) FROM drugs").await, 0);
    }

    async fn a_request_names_one_host(service: &Service) {
        for host in ["Host: ", "Host: a b", "Host: a/b"] {
            let answer = service.request(Method::GET, "/health/live", &[host], "").await;
            assert_eq!(answer.problem(), (400, vec!["Host"]), "{host}");
        }
        let two = service.request(Method::GET, "/health/live", &["Host: a", "Host: b"], "").await;
        assert_eq!(two.problem(), (400, vec!["Host"]));
        for host in ["Host: localhost:8000", "Host: [::1]:8000", "Host: medicine.example"] {
            assert_eq!(service.request(Method::GET, "/health/live", &[host], "").await.status, StatusCode::OK);
        }
    }

    async fn a_request_id_is_taken_over_where_it_can_stand_in_a_log(service: &Service) {
        let given = service.request(Method::GET, "/nowhere", &["X-Request-Id: carer-7.a_b"], "").await;
        assert_eq!(given.header("x-request-id"), "carer-7.a_b");
        assert_eq!(given.body["request_id"], "carer-7.a_b");
        for id in ["X-Request-Id: a b", "X-Request-Id: a;b=[31m", "X-Request-Id: "] {
            let long = format!("X-Request-Id: {}", "x".repeat(65));
            for id in [id, &long] {
                let answer = service.request(Method::GET, "/health/live", &[id], "").await;
                assert_eq!(answer.header("x-request-id").len(), "9f1c47d2a0b38e65-00002a".len(), "{id:?}");
            }
        }
    }

    async fn the_pages_around_the_api_are_there(service: &Service) {
        let live = service.get("/health/live").await;
        assert_eq!((live.status, &live.body["status"]), (StatusCode::OK, &Value::from("live")));
        let ready = service.get("/health/ready").await;
        assert_eq!((ready.status, &ready.body["status"]), (StatusCode::OK, &Value::from("ready")));
        let document = service.get("/openapi.json").await.body;
        assert_eq!(document["openapi"], "3.1.0");
        let docs = service.get("/docs").await;
        assert_eq!((docs.status, docs.header("location")), (StatusCode::SEE_OTHER, "/docs/"));
        let page = service.get("/docs/").await;
        assert!(page.body.as_str().unwrap().contains("swagger-ui"));
        assert_eq!(service.get("/docs/swagger-ui-bundle.js").await.status, StatusCode::OK);
        let page = page.body.as_str().unwrap().to_owned()
            + service.get("/docs/swagger-initializer.js").await.body.as_str().unwrap();
        assert!(!page.contains("https://"), "an asset comes from elsewhere: {page}");
    }

    async fn lists_are_compressed_and_records_keep_their_bytes(service: &Service) {
        let drug = serde_json::json!({"name": "A", "schedule_type": "daily", "package_size": 1});
        service.created("/api/v1/drugs", &drug).await;
        let gzip = ["Accept-Encoding: gzip"];
        let list = service.request(Method::GET, "/api/v1/drugs", &gzip, "").await;
        assert_eq!(list.header("content-encoding"), "gzip");
        let record = service.request(Method::GET, "/api/v1/drugs/1", &gzip, "").await;
        assert_eq!((record.header("content-encoding"), record.header("etag").is_empty()), ("", false));
    }
}

/// Every operation that the description names can be reached, and every route is described.
#[tokio::test]
async fn the_description_covers_every_resource_of_the_contract() {
    let service = Service::sqlite().await;
    let document = service.get("/openapi.json").await.body;
    let mut operations: Vec<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .keys()
                .map(move |method| format!("{method} {path}"))
        })
        .collect();
    operations.sort();
    assert_eq!(
        operations,
        [
            "delete /api/v1/doctor-vacations/{id}",
            "delete /api/v1/drugs/{id}",
            "get /api/v1/doctor-vacations",
            "get /api/v1/doctor-vacations/{id}",
            "get /api/v1/drugs",
            "get /api/v1/drugs/{id}",
            "get /health/live",
            "get /health/ready",
            "patch /api/v1/doctor-vacations/{id}",
            "patch /api/v1/drugs/{id}",
            "post /api/v1/doctor-vacations",
            "post /api/v1/drugs",
            "post /api/v1/drugs/{id}/refill",
            "put /api/v1/doctor-vacations/{id}",
            "put /api/v1/drugs/{id}",
        ]
    );
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let problem = &operation["responses"]["default"]["content"]["application/problem+json"];
            assert_eq!(
                problem["schema"]["$ref"], "#/components/schemas/Problem",
                "{operation}"
            );
        }
    }
}
