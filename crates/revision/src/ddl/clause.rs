//! The constraints of a column or a table, each kept word for word.

use super::Malformed;
use super::cursor::Cursor;
use super::token::{Kind, Token};

/// A constraint, and what it says.
#[derive(Debug, Clone)]
pub(crate) struct Clause {
    /// The name that `CONSTRAINT` gives it.
    pub(crate) name: Option<String>,
    pub(crate) rule: Rule,
    /// All of it, its name included.
    pub(crate) tokens: Vec<Token>,
}

/// What a constraint says; one of a column names that column as its only one.
#[derive(Debug, Clone)]
pub(crate) enum Rule {
    PrimaryKey {
        keys: Vec<KeyPart>,
        conflict: Option<String>,
        autoincrement: bool,
    },
    Unique {
        keys: Vec<KeyPart>,
        conflict: Option<String>,
    },
    Check {
        expression: Vec<Token>,
        conflict: Option<String>,
    },
    ForeignKey {
        columns: Vec<String>,
        parent: String,
        /// Empty when the parent's primary key is meant.
        parent_columns: Vec<String>,
        on_delete: Option<String>,
        on_update: Option<String>,
        deferred: bool,
    },
    NotNull {
        conflict: Option<String>,
    },
    Null,
    Default {
        value: Vec<Token>,
    },
    Collate {
        collation: String,
    },
    Generated {
        expression: Vec<Token>,
        stored: bool,
    },
}

/// One column or expression of a key.
#[derive(Debug, Clone)]
pub(crate) struct KeyPart {
    /// The name, or the tokens of the expression.
    pub(crate) tokens: Vec<Token>,
    pub(crate) collation: Option<String>,
    pub(crate) descending: bool,
    /// `nulls first` or `nulls last`; PostgreSQL only.
    pub(crate) nulls: Option<String>,
}

impl KeyPart {
    pub(super) fn parse(mut tokens: &[Token]) -> Self {
        let mut descending = false;
        let mut collation = None;
        let mut nulls = None;
        if let [rest @ .., word, place] = tokens
            && word.is("NULLS")
        {
            nulls = Some(format!("nulls {}", place.text.to_lowercase()));
            tokens = rest;
        }
        if let [rest @ .., order] = tokens
            && (order.is("ASC") || order.is("DESC"))
        {
            descending = order.is("DESC");
            tokens = rest;
        }
        if let [rest @ .., collate, name] = tokens
            && collate.is("COLLATE")
        {
            collation = name.name();
            tokens = rest;
        }
        Self {
            tokens: tokens.to_vec(),
            collation,
            descending,
            nulls,
        }
    }

    fn of_column(column: &Token, descending: bool) -> Self {
        Self {
            tokens: vec![column.clone()],
            collation: None,
            descending,
            nulls: None,
        }
    }

    /// The column, where it is one and not an expression.
    pub(crate) fn column(&self) -> Option<String> {
        match &self.tokens[..] {
            [token] => token.name(),
            _ => None,
        }
    }
}

/// Words that begin a constraint of a column, and so end its type.
const BEGINNINGS: [&str; 11] = [
    "CONSTRAINT",
    "PRIMARY",
    "NOT",
    "NULL",
    "UNIQUE",
    "CHECK",
    "DEFAULT",
    "COLLATE",
    "REFERENCES",
    "GENERATED",
    "AS",
];

pub(super) fn begins_column_clause(token: &Token) -> bool {
    BEGINNINGS.iter().any(|word| token.is(word))
}

pub(super) fn begins_table_clause(token: &Token) -> bool {
    ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"]
        .iter()
        .any(|word| token.is(word))
}

/// Reads one constraint of `column`, or of the table when there is none.
pub(super) fn clause(cursor: &mut Cursor<'_>, column: Option<&Token>) -> Result<Clause, Malformed> {
    let start = cursor.at();
    let mut name = None;
    while cursor.eat(&["CONSTRAINT"]) {
        name = Some(cursor.name()?);
    }
    let rule = rule(cursor, column)?;
    Ok(Clause {
        name,
        rule,
        tokens: cursor.since(start).to_vec(),
    })
}

fn rule(cursor: &mut Cursor<'_>, column: Option<&Token>) -> Result<Rule, Malformed> {
    if cursor.eat(&["PRIMARY", "KEY"]) {
        return primary_key(cursor, column);
    }
    if cursor.eat(&["UNIQUE"]) {
        let keys = match column {
            Some(column) => vec![KeyPart::of_column(column, false)],
            None => cursor.keys()?,
        };
        let conflict = cursor.conflict()?;
        return Ok(Rule::Unique { keys, conflict });
    }
    if cursor.eat(&["CHECK"]) {
        let expression = cursor.brackets()?.to_vec();
        let conflict = cursor.conflict()?;
        return Ok(Rule::Check {
            expression,
            conflict,
        });
    }
    match column {
        None if cursor.eat(&["FOREIGN", "KEY"]) => {
            let columns = cursor.names()?;
            foreign_key(cursor, columns)
        }
        None => Err(cursor.stuck("a constraint")),
        Some(column) => column_rule(cursor, column),
    }
}

fn column_rule(cursor: &mut Cursor<'_>, column: &Token) -> Result<Rule, Malformed> {
    if cursor.eat(&["NOT", "NULL"]) {
        let conflict = cursor.conflict()?;
        Ok(Rule::NotNull { conflict })
    } else if cursor.eat(&["NULL"]) {
        cursor.conflict()?;
        Ok(Rule::Null)
    } else if cursor.eat(&["DEFAULT"]) {
        let value = default(cursor)?;
        Ok(Rule::Default { value })
    } else if cursor.eat(&["COLLATE"]) {
        let collation = cursor.name()?.to_lowercase();
        Ok(Rule::Collate { collation })
    } else if cursor.sees(&["REFERENCES"]) {
        let name = column.name().ok_or_else(|| cursor.stuck("a name"))?;
        foreign_key(cursor, vec![name])
    } else if cursor.eat(&["GENERATED", "ALWAYS", "AS"]) || cursor.eat(&["AS"]) {
        let expression = cursor.brackets()?.to_vec();
        let stored = cursor.eat(&["STORED"]);
        if !stored {
            cursor.eat(&["VIRTUAL"]);
        }
        Ok(Rule::Generated { expression, stored })
    } else {
        Err(cursor.stuck("a constraint"))
    }
}

fn primary_key(cursor: &mut Cursor<'_>, column: Option<&Token>) -> Result<Rule, Malformed> {
    let mut autoincrement = false;
    let keys = if let Some(column) = column {
        let descending = cursor.eat(&["DESC"]);
        if !descending {
            cursor.eat(&["ASC"]);
        }
        vec![KeyPart::of_column(column, descending)]
    } else {
        // SQLite also takes AUTOINCREMENT behind the column of a table's key.
        let parts = super::cursor::split(cursor.brackets()?).into_iter();
        let parts = parts.map(|part| match part {
            [rest @ .., last] if last.is("AUTOINCREMENT") => {
                autoincrement = true;
                KeyPart::parse(rest)
            }
            other => KeyPart::parse(other),
        });
        parts.collect()
    };
    let conflict = cursor.conflict()?;
    autoincrement |= cursor.eat(&["AUTOINCREMENT"]);
    Ok(Rule::PrimaryKey {
        keys,
        conflict,
        autoincrement,
    })
}

fn default(cursor: &mut Cursor<'_>) -> Result<Vec<Token>, Malformed> {
    let start = cursor.at();
    if cursor.peek().is_some_and(|token| token.is_symbol("(")) {
        cursor.brackets()?;
    } else {
        if !cursor.eat_symbol("+") {
            cursor.eat_symbol("-");
        }
        match cursor.next() {
            Some(token) if token.kind != Kind::Symbol => {}
            _ => return Err(cursor.stuck("a value")),
        }
    }
    Ok(cursor.since(start).to_vec())
}

fn foreign_key(cursor: &mut Cursor<'_>, columns: Vec<String>) -> Result<Rule, Malformed> {
    if !cursor.eat(&["REFERENCES"]) {
        return Err(cursor.stuck("REFERENCES"));
    }
    let parent = cursor.name()?;
    let parent_columns = if cursor.peek().is_some_and(|token| token.is_symbol("(")) {
        cursor.names()?
    } else {
        Vec::new()
    };
    let (mut on_delete, mut on_update, mut deferred) = (None, None, false);
    loop {
        if cursor.eat(&["ON", "DELETE"]) {
            on_delete = Some(action(cursor)?);
        } else if cursor.eat(&["ON", "UPDATE"]) {
            on_update = Some(action(cursor)?);
        } else if cursor.eat(&["ON", "INSERT"]) {
            action(cursor)?;
        } else if cursor.eat(&["MATCH"]) {
            // SQLite reads it and pays no attention to it.
            cursor.name()?;
        } else if cursor.eat(&["NOT", "DEFERRABLE"]) {
            initially(cursor);
            deferred = false;
        } else if cursor.eat(&["DEFERRABLE"]) {
            deferred = initially(cursor);
        } else {
            break;
        }
    }
    Ok(Rule::ForeignKey {
        columns,
        parent,
        parent_columns,
        on_delete,
        on_update,
        deferred,
    })
}

fn initially(cursor: &mut Cursor<'_>) -> bool {
    let deferred = cursor.eat(&["INITIALLY", "DEFERRED"]);
    if !deferred {
        cursor.eat(&["INITIALLY", "IMMEDIATE"]);
    }
    deferred
}

fn action(cursor: &mut Cursor<'_>) -> Result<String, Malformed> {
    for words in [
        &["SET", "NULL"][..],
        &["SET", "DEFAULT"],
        &["NO", "ACTION"],
        &["CASCADE"],
        &["RESTRICT"],
    ] {
        if cursor.eat(words) {
            return Ok(words.join(" ").to_lowercase());
        }
    }
    Err(cursor.stuck("an action"))
}
