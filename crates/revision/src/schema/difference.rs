//! What distinguishes two schemas, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::facts::{self, Fact};
use super::model::{Schema, Table};

/// One thing in which a schema is not as expected.
///
/// Its [`Display`](fmt::Display) is a line for a person: `table drugs: column note: is text, expected varchar(10)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table that it is in; `None` for a view, an enum and whatever else belongs to no table.
    pub table: Option<String>,
    /// What differs, such as `column note` or `index drugs_by_name`; `None` when it is the table itself.
    pub part: Option<String>,
    /// What there is; `None` when it is missing.
    pub found: Option<String>,
    /// What there should be; `None` when it should not be there.
    pub expected: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(table) = &self.table {
            write!(f, "table {table}: ")?;
        }
        if let Some(part) = &self.part {
            write!(f, "{part}: ")?;
        }
        match (&self.found, &self.expected) {
            (Some(found), Some(expected)) => write!(f, "is {found}, expected {expected}"),
            (None, Some(expected)) if expected.is_empty() => f.write_str("is missing"),
            (None, Some(expected)) => write!(f, "is missing, expected {expected}"),
            _ => f.write_str("is there, but should not be"),
        }
    }
}

impl Schema {
    /// Everything in which this schema is not as `expected`, table by table; empty exactly when the
    /// [fingerprints](Self::fingerprint) are equal.
    pub fn differences(&self, expected: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        if self.backend != expected.backend {
            differences.push(Difference {
                table: None,
                part: Some("database".to_owned()),
                found: Some(format!("{:?}", self.backend)),
                expected: Some(format!("{:?}", expected.backend)),
            });
            return differences;
        }
        let found_tables = by_name(self);
        let expected_tables = by_name(expected);
        let names: BTreeSet<&String> = found_tables.keys().chain(expected_tables.keys()).collect();
        for name in names {
            let table = Some(name.clone());
            match (found_tables.get(name), expected_tables.get(name)) {
                (Some(found), Some(wanted)) => {
                    let found = facts::of_table(found, self.backend);
                    let wanted = facts::of_table(wanted, self.backend);
                    compare(table.as_ref(), found, wanted, &mut differences);
                }
                (found, wanted) => differences.push(Difference {
                    table,
                    part: None,
                    found: found.map(|_| String::new()),
                    expected: wanted.map(|_| String::new()),
                }),
            }
        }
        compare(
            None,
            facts::of_schema(self),
            facts::of_schema(expected),
            &mut differences,
        );
        differences
    }
}

fn by_name(schema: &Schema) -> BTreeMap<String, &Table> {
    let tables = schema.tables.values();
    tables
        .map(|table| (schema.known_as(&table.name), table))
        .collect()
}

fn compare(
    table: Option<&String>,
    mut found: Vec<Fact>,
    mut expected: Vec<Fact>,
    differences: &mut Vec<Difference>,
) {
    // What is equal is out of the way first, so that what is left of nameless constraints belongs together.
    found.retain(|fact| {
        let same = expected.iter().position(|other| other == fact);
        same.inspect(|index| drop(expected.remove(*index)))
            .is_none()
    });
    for fact in found {
        let namesake = expected
            .iter()
            .position(|other| other.kind == fact.kind && other.name == fact.name);
        let other = namesake.map(|index| expected.remove(index));
        pair(table, Some(&fact), other.as_ref(), differences);
    }
    for other in expected {
        pair(table, None, Some(&other), differences);
    }
}

fn pair(
    table: Option<&String>,
    found: Option<&Fact>,
    expected: Option<&Fact>,
    differences: &mut Vec<Difference>,
) {
    let Some(one) = found.or(expected) else {
        return;
    };
    let part = match &one.name {
        Some(name) => Some(format!("{} {name}", one.kind)),
        None if one.kind == "table" => None,
        None => Some(one.kind.to_owned()),
    };
    let mut push = |found: Option<String>, expected: Option<String>| {
        differences.push(Difference {
            table: table.cloned(),
            part: part.clone(),
            found,
            expected,
        });
    };
    let (Some(here), Some(there)) = (found, expected) else {
        push(found.map(whole), expected.map(whole));
        return;
    };
    let mut facets: Vec<&'static str> = Vec::new();
    for (facet, _) in here.facets.iter().chain(&there.facets) {
        if !facets.contains(facet) {
            facets.push(facet);
        }
    }
    for facet in facets {
        let (here, there) = (said(here, facet), said(there, facet));
        if here != there {
            push(Some(or_usual(facet, here)), Some(or_usual(facet, there)));
        }
    }
}

fn said<'a>(thing: &'a Fact, facet: &str) -> Option<&'a str> {
    let mut facets = thing.facets.iter();
    facets
        .find(|(name, _)| *name == facet)
        .map(|(_, text)| &**text)
}

/// What a facet is when nothing is said of it.
fn or_usual(facet: &str, text: Option<&str>) -> String {
    match text {
        Some(text) => text.to_owned(),
        None => match facet {
            "null" => "nullable".to_owned(),
            "unique" => "not unique".to_owned(),
            other => format!("without {other}"),
        },
    }
}

fn whole(fact: &Fact) -> String {
    let texts: Vec<&str> = fact.facets.iter().map(|(_, text)| &**text).collect();
    texts.join(" ")
}
