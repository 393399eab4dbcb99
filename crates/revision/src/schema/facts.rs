//! A schema as a list of facts, the one form that is hashed and compared.

use std::fmt::Write as _;

use sea_orm::DbBackend;
use sha2::{Digest as _, Sha256};

use super::model::{
    Action, Column, Deferral, ForeignKey, Index, KeyPart, PrimaryKey, Schema, Table,
};

/// One part of a schema, such as a column, and what there is to say of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fact {
    /// `column`, `index`, …
    pub(super) kind: &'static str,
    /// What it is known by; some constraints have no name.
    pub(super) name: Option<String>,
    /// What is said of it, beginning with its essence; nothing is said of what is usual.
    pub(super) facets: Vec<(&'static str, String)>,
}

impl Fact {
    fn new(kind: &'static str, name: Option<String>) -> Self {
        let facets = Vec::new();
        Self { kind, name, facets }
    }

    fn with(mut self, facet: &'static str, text: impl Into<String>) -> Self {
        self.facets.push((facet, text.into()));
        self
    }

    fn maybe(self, facet: &'static str, text: Option<&String>) -> Self {
        match text {
            Some(text) => self.with(facet, text),
            None => self,
        }
    }
}

/// The facts that belong to no table.
pub(super) fn of_schema(schema: &Schema) -> Vec<Fact> {
    let enums = schema.enums.iter().map(|(name, values)| {
        Fact::new("enum", Some(name.clone())).with("values", values.join(", "))
    });
    let objects = schema.objects.iter().map(|object| {
        Fact::new(object.kind, Some(object.name.clone())).with("text", &object.definition)
    });
    enums.chain(objects).collect()
}

/// Everything there is to say of a table.
pub(super) fn of_table(table: &Table, backend: DbBackend) -> Vec<Fact> {
    let mut facts = vec![Fact::new("table", None)];
    let options = table.options.iter();
    facts.extend(options.map(|option| Fact::new("option", None).with("text", option)));
    facts[0]
        .facets
        .extend(table.comment.clone().map(|comment| ("comment", comment)));
    facts.extend(
        table
            .columns
            .iter()
            .map(|column| of_column(column, backend)),
    );
    facts.extend(table.primary_key.as_ref().map(of_primary_key));
    facts.extend(table.uniques.iter().map(|unique| {
        let fact = Fact::new("unique", unique.name.clone());
        let fact = fact.with("columns", keys(&unique.keys));
        fact.maybe("extra", unique.extra.as_ref())
    }));
    let foreign_keys = table.foreign_keys.iter();
    facts.extend(foreign_keys.map(|key| of_foreign_key(key, backend)));
    facts.extend(table.checks.iter().map(|check| {
        let fact = Fact::new("check", check.name.clone()).with("expression", &check.expression);
        fact.maybe("extra", check.extra.as_ref())
    }));
    facts.extend(table.indexes.iter().map(of_index));
    facts.extend(
        table
            .triggers
            .iter()
            .map(|(name, text)| Fact::new("trigger", Some(name.clone())).with("text", text)),
    );
    facts.sort();
    facts
}

fn of_column(column: &Column, backend: DbBackend) -> Fact {
    let name = match backend {
        DbBackend::Sqlite => column.name.to_lowercase(),
        _ => column.name.clone(),
    };
    let type_ = if column.type_.is_empty() {
        "of no type"
    } else {
        &column.type_
    };
    let mut fact = Fact::new("column", Some(name)).with("type", type_);
    if !column.nullable {
        fact = fact.with("null", "not null");
    }
    if let Some(generated) = &column.generated {
        let kind = if generated.stored {
            "stored"
        } else {
            "virtual"
        };
        fact = fact.with("generated", format!("as ({}) {kind}", generated.expression));
    }
    if let Some(default) = &column.default {
        fact = fact.with("default", format!("default {default}"));
    }
    if let Some(collation) = &column.collation {
        fact = fact.with("collation", format!("collate {collation}"));
    }
    fact.maybe("identity", column.identity.as_ref())
        .maybe("comment", column.comment.as_ref())
        .maybe("extra", column.extra.as_ref())
}

fn of_primary_key(key: &PrimaryKey) -> Fact {
    let mut fact = Fact::new("primary key", None).with("columns", keys(&key.keys));
    if key.autoincrement {
        fact = fact.with("autoincrement", "autoincrement");
    }
    fact.maybe("name", key.name.as_ref())
        .maybe("extra", key.extra.as_ref())
}

fn of_foreign_key(key: &ForeignKey, backend: DbBackend) -> Fact {
    let name = key.name.clone().filter(|_| backend != DbBackend::Sqlite);
    let mut text = format!(
        "({}) references {} ({})",
        key.columns.join(", "),
        key.parent,
        key.parent_columns.join(", ")
    );
    if backend == DbBackend::Sqlite {
        text = text.to_lowercase();
    }
    let mut fact = Fact::new("foreign key", name).with("columns", text);
    for (facet, on, action) in [
        ("on delete", "delete", key.on_delete),
        ("on update", "update", key.on_update),
    ] {
        if action != Action::NoAction {
            fact = fact.with(facet, format!("on {on} {}", action.sql().to_lowercase()));
        }
    }
    match key.deferral {
        Deferral::NotDeferrable => {}
        Deferral::InitiallyImmediate => fact = fact.with("deferral", "deferrable"),
        Deferral::InitiallyDeferred => {
            fact = fact.with("deferral", "deferrable initially deferred");
        }
    }
    fact.maybe("extra", key.extra.as_ref())
}

fn of_index(index: &Index) -> Fact {
    let mut fact = Fact::new("index", Some(index.name.clone())).with("columns", keys(&index.keys));
    if index.unique {
        fact = fact.with("unique", "unique");
    }
    if let Some(predicate) = &index.predicate {
        fact = fact.with("predicate", format!("where {predicate}"));
    }
    fact.maybe("extra", index.extra.as_ref())
}

fn keys(keys: &[KeyPart]) -> String {
    let each: Vec<String> = keys
        .iter()
        .map(|key| {
            let mut text = if key.is_expression {
                format!("({})", key.text)
            } else {
                key.text.clone()
            };
            if let Some(collation) = &key.collation {
                let _ = write!(text, " collate {collation}");
            }
            if key.descending {
                text.push_str(" desc");
            }
            if let Some(extra) = &key.extra {
                let _ = write!(text, " {extra}");
            }
            text
        })
        .collect();
    format!("({})", each.join(", "))
}

impl Schema {
    /// A hash of the whole: equal exactly when [`differences`](Self::differences) finds none.
    ///
    /// Sixty-four hexadecimal digits of a SHA-256. It holds for one kind of database, and on PostgreSQL for one major
    /// version of the server, which prints its definitions as it likes.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            // The length in front keeps two texts from being taken for another two.
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        };
        add(match self.backend {
            DbBackend::Sqlite => "sqlite 1",
            _ => "postgres 1",
        });
        let mut fact = |fact: &Fact| {
            add(fact.kind);
            add(fact.name.as_deref().unwrap_or_default());
            for (facet, text) in &fact.facets {
                add(facet);
                add(text);
            }
            add("");
        };
        let mut loose = of_schema(self);
        loose.sort();
        loose.iter().for_each(&mut fact);
        let mut tables: Vec<(String, &Table)> = self
            .tables
            .values()
            .map(|table| (self.known_as(&table.name), table))
            .collect();
        tables.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, table) in tables {
            fact(&Fact::new("of table", Some(name)));
            of_table(table, self.backend).iter().for_each(&mut fact);
        }
        let mut text = String::new();
        for byte in hash.finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// The name by which a table is compared.
    pub(super) fn known_as(&self, name: &str) -> String {
        match self.backend {
            DbBackend::Sqlite => name.to_lowercase(),
            _ => name.to_owned(),
        }
    }
}
