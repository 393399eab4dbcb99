//! One spelling for texts that mean the same.

use std::collections::BTreeSet;

use super::token::{Kind, Token, name_of};

/// The names of tables and columns that a text may speak of, in lower case.
///
/// A word in double quotes is a name only where there is such a name; elsewhere SQLite takes it for a text, and in
/// a text the case matters.
#[derive(Debug, Default, Clone)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    pub(crate) fn insert(&mut self, name: &str) {
        self.0.insert(name.to_lowercase());
    }

    fn contains(&self, name: &str) -> bool {
        self.0.contains(&name.to_lowercase())
    }
}

/// Spells tokens without blanks and comments, keywords and names in lower case, and no brackets around the whole.
pub(crate) fn normal(tokens: &[Token], names: &Names) -> String {
    let mut text = String::new();
    let mut previous: Option<&Token> = None;
    for token in without_brackets(tokens) {
        let sticks = matches!(&*token.text, "," | ")" | "." | ";")
            || previous.is_some_and(|p| matches!(&*p.text, "(" | "."))
            || (token.is_symbol("(") && previous.is_some_and(|p| p.kind == Kind::Word));
        if previous.is_some() && !sticks {
            text.push(' ');
        }
        text.push_str(&spelled(token, names));
        previous = Some(token);
    }
    text
}

/// Spells the value of a DEFAULT, where a lone word is a text and not a name.
pub(crate) fn default_value(tokens: &[Token], names: &Names) -> String {
    const VALUES: [&str; 6] = [
        "true",
        "false",
        "null",
        "current_time",
        "current_date",
        "current_timestamp",
    ];
    match without_brackets(tokens) {
        [token]
            if token.kind == Kind::Quoted
                || (token.kind == Kind::Word && !VALUES.iter().any(|value| token.is(value))) =>
        {
            format!("'{}'", name_of(&token.text).replace('\'', "''"))
        }
        [sign, number] if sign.is_symbol("+") => spelled(number, names),
        [sign, number] if sign.is_symbol("-") => format!("-{}", number.text),
        other => normal(other, names),
    }
}

fn spelled(token: &Token, names: &Names) -> String {
    match token.kind {
        Kind::Word | Kind::Literal => token.text.to_lowercase(),
        Kind::Quoted => {
            let name = name_of(&token.text);
            if names.contains(&name) {
                let name = name.to_lowercase();
                if is_plain(&name) {
                    name
                } else {
                    super::quote(&name)
                }
            } else {
                super::quote(&name)
            }
        }
        Kind::Symbol => match &*token.text {
            "==" => "=".to_owned(),
            "!=" => "<>".to_owned(),
            other => other.to_owned(),
        },
        Kind::Text => token.text.clone(),
    }
}

fn is_plain(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c == '_' || !c.is_ascii();
    name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

fn without_brackets(tokens: &[Token]) -> &[Token] {
    match tokens {
        [open, inner @ .., close]
            if open.is_symbol("(") && close.is_symbol(")") && is_balanced(inner) =>
        {
            without_brackets(inner)
        }
        _ => tokens,
    }
}

fn is_balanced(tokens: &[Token]) -> bool {
    let mut depth = 0_i32;
    for token in tokens {
        match &*token.text {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}
