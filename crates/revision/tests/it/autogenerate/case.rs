//! A case as a text: two schemas, what was decided, and what must come out.
//!
//! ```text
//! # a column renamed
//! - CREATE TABLE drug (id integer NOT NULL PRIMARY KEY, name text)
//! + CREATE TABLE drug (id integer NOT NULL PRIMARY KEY, title text)
//! $ --rename drug.name:title
//! > drug: rename column name to title
//! ```
//!
//! | begins with | says |
//! | --- | --- |
//! | `#` | the name of the case |
//! | two blanks, `-`, `+` | a statement of both schemas, of the one before, of the one after |
//! | `$` | a decision, as it is typed |
//! | `>`, `<` | a line of what an upgrade does, of what a downgrade does; without any `>` there is nothing to be done |
//! | `?` | a question that is asked instead, with the ways to go on |
//! | `!` | what the error says that comes instead |
//! | `x up`, `x down` | why rows forbid it, where they do |
//! | `~` | a statement that meddles with the rows in between, to see that it is noticed
//! | `=` | a column, and what every row has in it after the upgrade |
//! | `@` | `sqlite`: only there; `database`: in a database of its own; `no nulls`: in no row; `no rows` |
//!
//! `{this|that}` is this on SQLite and that on PostgreSQL, `↵` a new line within a statement.

use revision::autogenerate::Decisions;
use sea_orm::DbBackend;

/// Where a case can be run, and with which rows.
const STANDS: [&str; 4] = ["sqlite", "database", "no nulls", "no rows"];

/// A schema before and after, and what lies between them.
#[derive(Clone, Debug, Default)]
pub(super) struct Case {
    pub(super) name: String,
    stands: Vec<String>,
    before: Vec<String>,
    after: Vec<String>,
    pub(super) decisions: Decisions,
    pub(super) up: Vec<String>,
    pub(super) down: Vec<String>,
    pub(super) questions: Vec<String>,
    pub(super) errors: Vec<String>,
    pub(super) refused_up: Option<String>,
    pub(super) refused_down: Option<String>,
    pub(super) meddling: Vec<String>,
    /// `table.column`, and its value in every row.
    pub(super) values: Vec<(String, String)>,
}

impl Case {
    /// Every case of a text.
    pub(super) fn all(text: &str) -> Vec<Self> {
        let mut cases: Vec<Self> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (mark, rest) = line.split_at_checked(2).unwrap_or((line, ""));
            if mark == "# " {
                cases.push(Self {
                    name: rest.to_owned(),
                    ..Self::default()
                });
            } else {
                let case = cases.last_mut().expect("a name comes first");
                case.add(mark, rest.replace('↵', "\n"));
            }
        }
        cases
    }

    fn add(&mut self, mark: &str, rest: String) {
        match mark {
            "  " => {
                self.before.push(rest.clone());
                self.after.push(rest);
            }
            "- " => self.before.push(rest),
            "+ " => self.after.push(rest),
            "$ " => self.decide(&rest),
            "> " => self.up.push(rest),
            "< " => self.down.push(rest),
            "? " => self.questions.push(rest),
            "! " => self.errors.push(rest),
            "~ " => self.meddling.push(rest),
            "= " => {
                let (place, value) = rest.split_once(" = ").expect("a place and its value");
                self.values.push((place.to_owned(), value.to_owned()));
            }
            "x " => match rest.split_once(' ') {
                Some(("up", why)) => self.refused_up = Some(why.to_owned()),
                Some(("down", why)) => self.refused_down = Some(why.to_owned()),
                _ => panic!("{}: which way is refused?", self.name),
            },
            "@ " => rest.split(", ").for_each(|word| self.stand(word)),
            _ => panic!("{}: what is {mark}{rest}?", self.name),
        }
    }

    fn stand(&mut self, word: &str) {
        assert!(STANDS.contains(&word), "{}: where is {word}?", self.name);
        self.stands.push(word.to_owned());
    }

    /// Whether it is said of the case: one of `sqlite`, `database`, `no nulls`, `no rows`.
    pub(super) fn is(&self, word: &str) -> bool {
        assert!(STANDS.contains(&word), "nobody says {word}");
        self.stands.iter().any(|stand| stand == word)
    }

    fn decide(&mut self, decision: &str) {
        let (flag, rest) = decision.split_once(' ').expect("a decision");
        let pair = |sign| {
            let (place, rest) = rest.split_once(sign).expect("a place, and what of it");
            (place.to_owned(), rest.to_owned())
        };
        match flag {
            "--rename" => self.decisions.renames.push(pair(':')),
            "--default" => self.decisions.fills.push(pair('=')),
            "--drop" => self.decisions.drops.push(rest.to_owned()),
            _ => panic!("{}: what is {flag}?", self.name),
        }
    }

    /// The statements that make the schema before.
    pub(super) fn before(&self, backend: DbBackend) -> Vec<String> {
        spoken(&self.before, backend)
    }

    /// The statements that make the schema after.
    pub(super) fn after(&self, backend: DbBackend) -> Vec<String> {
        spoken(&self.after, backend)
    }
}

/// The statements as one of the databases hears them.
fn spoken(statements: &[String], backend: DbBackend) -> Vec<String> {
    let each = statements.iter().map(|text| {
        let mut said = String::new();
        let mut rest = &**text;
        while let Some((before, choice)) = rest.split_once('{') {
            let (choice, after) = choice.split_once('}').expect("a } behind each {");
            let (sqlite, postgres) = choice.split_once('|').expect("a | in each choice");
            said.push_str(before);
            said.push_str(if backend == DbBackend::Sqlite {
                sqlite
            } else {
                postgres
            });
            rest = after;
        }
        said + rest
    });
    each.filter(|text| !text.trim().is_empty()).collect()
}
