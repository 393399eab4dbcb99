//! The description of the API is one that generators and fuzzers can work with.

use std::collections::BTreeSet;

use serde_json::Value;

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

#[test]
fn every_operation_has_a_name_of_its_own() {
    let operations = operations();
    let names: BTreeSet<_> = operations
        .iter()
        .map(|operation| operation["operationId"].as_str().expect("a name"))
        .collect();
    assert_eq!(names.len(), operations.len(), "{names:?}");
}

#[test]
fn a_parameter_is_absent_and_never_null() {
    for operation in operations() {
        for parameter in operation["parameters"].as_array().unwrap_or(&Vec::new()) {
            let schema = parameter["schema"].to_string();
            assert!(!schema.contains("\"null\""), "{parameter}");
        }
    }
}

#[test]
fn a_replacement_of_a_drug_requires_its_stock() {
    let schemas = document()["components"]["schemas"].take();
    let required = |name: &str| schemas[name]["required"].clone();
    let stock = Value::from("current_amount");
    let has_stock = |list: &Value| list.as_array().expect("a list").contains(&stock);
    assert!(has_stock(&required("DrugReplacement")));
    assert!(!has_stock(&required("DrugIn")));
}

fn document() -> Value {
    serde_json::to_value(server::router::document()).expect("plain JSON")
}

#[test]
fn the_body_of_a_refill_may_be_left_out_and_is_not_null() {
    let document = serde_json::to_value(server::router::document()).expect("plain JSON");
    let body = &document["paths"]["/api/v1/drugs/{id}/refill"]["post"]["requestBody"];
    assert_eq!(body["required"], false);
    let schema = &body["content"]["application/json"]["schema"];
    assert_eq!(schema["$ref"], "#/components/schemas/RefillIn", "{body}");
}

fn operations() -> Vec<Value> {
    let document = document();
    let paths = document["paths"].as_object().expect("paths").values();
    paths
        .flat_map(|path| METHODS.map(|method| path[method].clone()))
        .filter(|operation| !operation.is_null())
        .collect()
}
