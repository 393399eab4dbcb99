//! The words of an SQL text, each with the blanks and comments in front of it.

use super::Malformed;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or a name without quotes.
    Word,
    /// A name in `"…"`, `[…]` or backquotes.
    Quoted,
    /// A text in `'…'`.
    Text,
    /// A number, a blob `x'…'` or a parameter.
    Literal,
    /// An operator or a bracket.
    Symbol,
}

/// One token. All tokens of a text, printed one after the other, are that text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// Blanks and comments in front of it.
    pub(crate) lead: String,
    pub(crate) text: String,
    pub(crate) kind: Kind,
}

impl Token {
    /// Whether it is this keyword.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }

    /// What it names; SQLite takes a text in `'…'` for a name where only a name can be.
    pub(crate) fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Word => Some(self.text.clone()),
            Kind::Quoted | Kind::Text => Some(name_of(&self.text)),
            Kind::Literal | Kind::Symbol => None,
        }
    }
}

/// A name without its quotes.
pub(crate) fn name_of(text: &str) -> String {
    let quote = text.chars().next().unwrap_or_default();
    let close = if quote == '[' { ']' } else { quote };
    if !matches!(quote, '"' | '\'' | '`' | '[') || text.len() < 2 || !text.ends_with(close) {
        return text.to_owned();
    }
    let inner = &text[1..text.len() - 1];
    if quote == '[' {
        inner.to_owned()
    } else {
        inner.replace(&format!("{quote}{quote}"), &quote.to_string())
    }
}

/// A name in double quotes, as both databases read it.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Splits a text into its tokens; what comes after the last one is returned beside them.
pub(crate) fn tokenize(sql: &str) -> Result<(Vec<Token>, String), Malformed> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    loop {
        let lead = trivia(rest);
        let text = &rest[lead..];
        let Some(first) = text.chars().next() else {
            return Ok((tokens, rest.to_owned()));
        };
        let (kind, length) = one(text, first)
            .ok_or_else(|| Malformed(format!("a quote that is not closed, at: {}", head(text))))?;
        tokens.push(Token {
            lead: rest[..lead].to_owned(),
            text: text[..length].to_owned(),
            kind,
        });
        rest = &text[length..];
    }
}

fn one(text: &str, first: char) -> Option<(Kind, usize)> {
    let token = match first {
        '\'' => (Kind::Text, quoted(text, 0, '\'')?),
        '"' | '`' => (Kind::Quoted, quoted(text, 0, first)?),
        '[' => (Kind::Quoted, text.find(']')? + 1),
        'x' | 'X' if text[1..].starts_with('\'') => (Kind::Literal, quoted(text, 1, '\'')?),
        '0'..='9' => (Kind::Literal, number(text)),
        '.' if text[1..].starts_with(|c: char| c.is_ascii_digit()) => (Kind::Literal, number(text)),
        '?' | '@' | ':' | '#' => (Kind::Literal, 1 + word(&text[1..])),
        _ if is_word(first) => (Kind::Word, word(text)),
        _ => (Kind::Symbol, symbol(text, first)),
    };
    Some(token)
}

/// The length of the blanks and comments at the beginning.
fn trivia(text: &str) -> usize {
    let mut length = 0;
    loop {
        let rest = &text[length..];
        length += if rest.starts_with("--") {
            rest.find('\n').map_or(rest.len(), |end| end + 1)
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            match rest.chars().next() {
                Some(c) if c.is_ascii_whitespace() || c == '\u{feff}' => c.len_utf8(),
                _ => return length,
            }
        };
    }
}

/// The end of a quoted token whose quote opens at `open`; a doubled quote is a quote.
fn quoted(text: &str, open: usize, quote: char) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += text[at..].find(quote)? + 1;
        if !text[at..].starts_with(quote) {
            return Some(at);
        }
        at += 1;
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

fn word(text: &str) -> usize {
    text.find(|c| !is_word(c)).unwrap_or(text.len())
}

fn number(text: &str) -> usize {
    let mut previous = ' ';
    let is_hex = text.starts_with("0x") || text.starts_with("0X");
    let end = text.find(|c: char| {
        let exponent_sign = matches!(c, '+' | '-') && matches!(previous, 'e' | 'E') && !is_hex;
        let goes_on = is_word(c) || c == '.' || exponent_sign;
        previous = c;
        !goes_on
    });
    end.unwrap_or(text.len())
}

fn symbol(text: &str, first: char) -> usize {
    const LONG: [&str; 11] = [
        "->>", "->", "||", "<=", ">=", "<>", "!=", "==", "<<", ">>", "::",
    ];
    let long = LONG.iter().find(|symbol| text.starts_with(**symbol));
    long.map_or(first.len_utf8(), |symbol| symbol.len())
}

fn head(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::{name_of, quote, tokenize};

    fn texts(sql: &str) -> Vec<String> {
        let (tokens, _) = tokenize(sql).unwrap();
        tokens.into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn a_text_is_its_tokens() {
        let sql = " CREATE /* , ) */ TABLE [a b] (x'00', -- it's\n 'it''s; --', \"q\"\"\", 1e-3, .5, a->>'$.b', é)  ";
        let (tokens, end) = tokenize(sql).unwrap();
        let mut printed = String::new();
        for token in &tokens {
            printed.push_str(&token.lead);
            printed.push_str(&token.text);
        }
        assert_eq!(printed + &end, sql);
        assert_eq!(
            texts(sql)[2..],
            [
                "[a b]",
                "(",
                "x'00'",
                ",",
                "'it''s; --'",
                ",",
                "\"q\"\"\"",
                ",",
                "1e-3",
                ",",
                ".5",
                ",",
                "a",
                "->>",
                "'$.b'",
                ",",
                "é",
                ")"
            ]
        );
    }

    #[test]
    fn an_open_quote_is_refused() {
        assert!(tokenize("CREATE TABLE 'a").is_err());
    }

    #[test]
    fn names_lose_and_get_their_quotes() {
        for (text, name) in [
            ("a", "a"),
            ("\"a\"\"b\"", "a\"b"),
            ("[a]", "a"),
            ("`a``b`", "a`b"),
            ("'a'", "a"),
        ] {
            assert_eq!(name_of(text), name);
        }
        assert_eq!(quote("a\"b"), "\"a\"\"b\"");
    }
}
