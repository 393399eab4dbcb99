//! Walking over tokens.

use super::token::{Kind, Token};
use super::{KeyPart, Malformed};

/// A place in a list of tokens.
pub(crate) struct Cursor<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(tokens: &'a [Token]) -> Self {
        Self { tokens, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn since(&self, start: usize) -> &'a [Token] {
        &self.tokens[start..self.at]
    }

    pub(crate) fn rest(&self) -> &'a [Token] {
        &self.tokens[self.at..]
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at == self.tokens.len()
    }

    pub(crate) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    pub(crate) fn sees(&self, words: &[&str]) -> bool {
        let rest = self.rest();
        rest.len() >= words.len() && words.iter().zip(rest).all(|(word, token)| token.is(word))
    }

    /// Steps over the words when they are next.
    pub(crate) fn eat(&mut self, words: &[&str]) -> bool {
        let found = self.sees(words);
        if found {
            self.at += words.len();
        }
        found
    }

    pub(crate) fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is_symbol(symbol));
        if found {
            self.at += 1;
        }
        found
    }

    pub(crate) fn next(&mut self) -> Option<&'a Token> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    pub(crate) fn name(&mut self) -> Result<String, Malformed> {
        let name = self.next().and_then(Token::name);
        name.ok_or_else(|| self.stuck("a name"))
    }

    /// Steps over a pair of brackets and returns what is between them.
    pub(crate) fn brackets(&mut self) -> Result<&'a [Token], Malformed> {
        if !self.eat_symbol("(") {
            return Err(self.stuck("("));
        }
        let start = self.at;
        let mut depth = 1;
        while let Some(token) = self.next() {
            if token.is_symbol("(") {
                depth += 1;
            } else if token.is_symbol(")") {
                depth -= 1;
                if depth == 0 {
                    return Ok(&self.tokens[start..self.at - 1]);
                }
            }
        }
        Err(self.stuck(")"))
    }

    /// The names in a pair of brackets.
    pub(crate) fn names(&mut self) -> Result<Vec<String>, Malformed> {
        let parts = split(self.brackets()?);
        parts
            .into_iter()
            .map(|part| match part {
                [name] => name.name().ok_or_else(|| self.stuck("a name")),
                _ => Err(self.stuck("a list of names")),
            })
            .collect()
    }

    /// The columns of a key or an index, in a pair of brackets.
    pub(crate) fn keys(&mut self) -> Result<Vec<KeyPart>, Malformed> {
        Ok(split(self.brackets()?)
            .into_iter()
            .map(KeyPart::parse)
            .collect())
    }

    /// `ON CONFLICT x`.
    pub(crate) fn conflict(&mut self) -> Result<Option<String>, Malformed> {
        if self.eat(&["ON", "CONFLICT"]) {
            Ok(Some(self.name()?.to_lowercase()))
        } else {
            Ok(None)
        }
    }

    pub(crate) fn stuck(&self, expected: &str) -> Malformed {
        let near: Vec<&str> = self
            .tokens
            .iter()
            .skip(self.at.saturating_sub(2))
            .take(5)
            .map(|token| &*token.text)
            .collect();
        Malformed(format!("expected {expected} near: {}", near.join(" ")))
    }
}

/// The parts of a list, divided at the commas that are not in brackets.
pub(crate) fn split(tokens: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0_usize;
    let mut parts: Vec<&[Token]> = Vec::new();
    let mut start = 0;
    for (index, token) in tokens.iter().enumerate() {
        if token.kind != Kind::Symbol {
            continue;
        }
        match &*token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            "," if depth == 0 => {
                parts.push(&tokens[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&tokens[start..]);
    parts
}
