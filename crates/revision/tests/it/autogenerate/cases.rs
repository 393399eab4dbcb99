//! Two schemas each, and what lies between them.

use revision::autogenerate::Decisions;

/// Where a case is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum On {
    /// The SQL is understood by both.
    Both,
    /// Only SQLite has such a thing.
    Sqlite,
}

/// A schema before and after.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) on: On,
    pub(super) before: Vec<String>,
    pub(super) after: Vec<String>,
    pub(super) decisions: Decisions,
    pub(super) expected: Vec<String>,
}

fn case(name: &'static str, before: &str, after: &str, expected: &[&str]) -> Case {
    let statements = |text: &str| -> Vec<String> {
        let each = text
            .split(";\n")
            .map(str::trim)
            .filter(|text| !text.is_empty());
        each.map(str::to_owned).collect()
    };
    Case {
        name,
        on: On::Both,
        before: statements(before),
        after: statements(after),
        decisions: Decisions::default(),
        expected: expected.iter().map(|line| (*line).to_owned()).collect(),
    }
}

impl Case {
    fn on_sqlite(self) -> Self {
        Self {
            on: On::Sqlite,
            ..self
        }
    }

    fn rename(mut self, from: &str, to: &str) -> Self {
        self.decisions
            .renames
            .push((from.to_owned(), to.to_owned()));
        self
    }

    fn fill(mut self, place: &str, expression: &str) -> Self {
        self.decisions
            .fills
            .push((place.to_owned(), expression.to_owned()));
        self
    }
}

const DRUG: &str =
    "CREATE TABLE drug (id integer NOT NULL PRIMARY KEY, name varchar(20) NOT NULL, stock integer)";

pub(super) fn all() -> Vec<Case> {
    let drug =
        |columns: &str| format!("CREATE TABLE drug (id integer NOT NULL PRIMARY KEY, {columns})");
    let base = "name varchar(20) NOT NULL, stock integer";
    vec![
        case("nothing", DRUG, DRUG, &[]),
        case("add a nullable column", DRUG, &drug(&format!("{base}, note text")), &["drug: add column note text"]),
        case("drop a column", DRUG, &drug("name varchar(20) NOT NULL"), &["drug: drop column stock"]),
        case("rename a column", DRUG, &drug("title varchar(20) NOT NULL, stock integer"), &["drug: rename column name to title"])
            .rename("drug.name", "title"),
        case("add a filled column", DRUG, &drug(&format!("{base}, unit varchar NOT NULL")), &["drug: add column unit varchar NOT NULL"])
            .fill("drug.unit", "'tablet'"),
        case("widen", DRUG, &drug("name varchar(40) NOT NULL, stock bigint"), &["drug: set type of name to varchar(40)", "drug: set type of stock to bigint"]),
        case("forbid null", DRUG, &drug("name varchar(20) NOT NULL, stock integer NOT NULL"), &["drug: forbid NULL in stock"]),
        case("default with a quote", DRUG, &drug("name varchar(20) NOT NULL DEFAULT 'it''s', stock integer"), &["drug: set default of name to 'it''s'"]),
        case("create a table", DRUG, &format!("{DRUG};\nCREATE TABLE batch (id integer NOT NULL PRIMARY KEY, drug_id integer NOT NULL, CONSTRAINT \"fk-batch-drug_id\" FOREIGN KEY (drug_id) REFERENCES drug (id) ON DELETE CASCADE);\nCREATE INDEX batch_by_drug ON batch (drug_id DESC)"),
            &["create table batch", "batch: create index batch_by_drug (drug_id desc)"]),
        case("unnamed check changes", &drug("name varchar(20) NOT NULL, stock integer CHECK (stock >= 0)"), &drug("name varchar(20) NOT NULL, stock integer CHECK (stock > 0)"),
            &["drug: drop check (stock >= 0)", "drug: add check (stock > 0)"]),
        case("partial index", DRUG, &format!("{DRUG};\nCREATE UNIQUE INDEX drug_by_name ON drug (name) WHERE stock > 0"), &["drug: create unique index drug_by_name (name) where stock > 0"]),
        case("expression index", &format!("{DRUG};\nCREATE INDEX drug_by_name ON drug (name)"), &format!("{DRUG};\nCREATE INDEX drug_by_name ON drug (lower(name))"),
            &["drug: drop index drug_by_name", "drug: create index drug_by_name (lower(name))"]),
        case("unnamed unique", DRUG, &drug("name varchar(20) NOT NULL UNIQUE, stock integer"), &["drug: add unique (name)"]),
        case("primary key", &drug("name varchar(20) NOT NULL, stock integer"), "CREATE TABLE drug (id integer NOT NULL, name varchar(20) NOT NULL, stock integer, CONSTRAINT \"pk-drug\" PRIMARY KEY (id, name))",
            &["drug: drop primary key", "drug: add primary key (id, name)"]),
        case("collation", DRUG, &drug("name varchar(20) COLLATE NOCASE NOT NULL, stock integer"), &["drug: set collation of name to NOCASE"]).on_sqlite(),
        case("autoincrement", DRUG, "CREATE TABLE drug (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, name varchar(20) NOT NULL, stock integer)", &["drug: never give an id of id twice"]).on_sqlite(),
        case("generated", DRUG, &drug(&format!("{base}, twice integer GENERATED ALWAYS AS (stock * 2) STORED")), &["drug: add column twice integer GENERATED ALWAYS AS (stock * 2) STORED"]),
        case("rename a table", DRUG, &DRUG.replace("drug", "medicine"), &["rename table drug to medicine", "medicine: rename constraint drug_pkey to medicine_pkey"]).rename("drug", "medicine"),
    ]
}
