//! The servers are compared before they are measured: who answers something else does something else.

use serde_json::Value;

use crate::case::CASES;
use crate::database::Databases;
use crate::http::{self, Answer};
use crate::measure::Stage;
use crate::options::Kind;
use crate::program::Programs;
use crate::server::Server;
use crate::{Result, say};

/// How many single drugs are compared.
const SINGLE: usize = 20;

/// Compares what every server that stores answers with what the first of them does.
pub(crate) fn compare(stage: &Stage<'_>) -> Result<()> {
    let size = stage.material.size();
    let mut compared = 0;
    for case in CASES.iter().filter(|case| case.name != "unchanged") {
        let mut asked = Vec::new();
        for server in &stage.servers {
            if server.kind.stores() && case.is_for(server.kind, size) {
                let requests = case.requests(server.kind, server.port, &stage.material, 0)?;
                asked.push((server, requests));
            }
        }
        // A write is made once on each, and single drugs are many.
        let count = if case.writes() { 1 } else { SINGLE };
        for place in 0..count.min(asked.first().map_or(0, |(_, requests)| requests.len())) {
            let mut answers = Vec::new();
            for (server, requests) in &asked {
                answers.push((server.kind, http::ask(server.port, &requests[place])?));
            }
            let Some(((first, expected), others)) = answers.split_first() else {
                continue;
            };
            for (kind, answer) in others {
                if let Some(difference) = difference(expected, answer)? {
                    return Err(format!(
                        "{} and {} do not answer {} alike, so nothing was measured: {difference}",
                        first.name(),
                        kind.name(),
                        case.name
                    )
                    .into());
                }
                compared += 1;
            }
        }
    }
    say(&format!("{size} drugs: {compared} answers compared"));
    Ok(())
}

/// Proves that the comparison sees a row that is not the same.
pub(crate) fn control(programs: &Programs, databases: &Databases) -> Result<()> {
    let (same, changed) = (databases.copy("same")?, databases.copy("changed")?);
    let connection = rusqlite::Connection::open(&changed)?;
    connection.execute(
        "UPDATE drugs SET package_size = package_size + 1 WHERE id = 1",
        [],
    )?;
    drop(connection);
    let one = Server::start(Kind::Limit, programs, &same, &[])?;
    let other = Server::start(Kind::Limit, programs, &changed, &[])?;
    for (path, is_noticed) in [
        ("/api/v1/drugs/1", true),
        ("/api/v1/drugs?archived=any&limit=2", true),
        ("/api/v1/drugs/2", false),
    ] {
        let request = http::request("GET", path, &[], "");
        let difference = difference(
            &http::ask(one.port, &request)?,
            &http::ask(other.port, &request)?,
        )?;
        if difference.is_some() != is_noticed {
            return Err(format!("a row was changed, and of {path} is said: {difference:?}").into());
        }
    }
    Ok(())
}

/// Where two answers differ in what a caller reads of the drugs.
fn difference(one: &Answer, other: &Answer) -> Result<Option<String>> {
    if one.status != other.status {
        return Ok(Some(format!("status {} and {}", one.status, other.status)));
    }
    for name in ["x-total-count", "link", "location"] {
        let (one, other) = (one.header(name), other.header(name));
        // The original leaves some headers out, and pages in another way.
        if let (Some(one), Some(other)) = (one, other)
            && one != other
        {
            return Ok(Some(format!("{name} {one} and {other}")));
        }
    }
    Ok(unequal("", &one.json()?, &other.json()?))
}

/// The first place at which two documents differ; 3 and 3.0 are one number.
fn unequal(place: &str, one: &Value, other: &Value) -> Option<String> {
    let differ = || Some(format!("at {place} {one} and {other}"));
    match (one, other) {
        (Value::Array(ones), Value::Array(others)) if ones.len() == others.len() => ones
            .iter()
            .zip(others)
            .enumerate()
            .find_map(|(index, (one, other))| unequal(&format!("{place}/{index}"), one, other)),
        (Value::Object(ones), Value::Object(others)) if ones.len() == others.len() => {
            ones.iter().find_map(|(name, one)| {
                let place = format!("{place}/{name}");
                match others.get(name) {
                    // Writes were made at moments of their own.
                    Some(Value::String(_)) if name == "created_at" || name == "updated_at" => None,
                    Some(other) => unequal(&place, one, other),
                    None => Some(format!("{place} is missing")),
                }
            })
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => None,
        (one, other) if one == other => None,
        _ => differ(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_difference_is_named_with_its_place() {
        let one = json!([{ "id": 1, "night": 0.5, "updated_at": "now" }]);
        assert_eq!(
            unequal(
                "",
                &one,
                &json!([{ "id": 1.0, "night": 0.5, "updated_at": "then" }])
            ),
            None
        );
        let other = json!([{ "id": 1, "night": 0.501, "updated_at": "now" }]);
        assert_eq!(
            unequal("", &one, &other),
            Some("at /0/night 0.5 and 0.501".to_owned())
        );
        assert!(unequal("", &one, &json!([])).is_some());
        assert!(
            unequal(
                "",
                &one,
                &json!([{ "id": 1, "day": 0.5, "updated_at": "now" }])
            )
            .is_some()
        );
    }
}
