//! `CREATE TABLE`, as SQLite keeps it: parsed so that its parts can be read and changed, and printed word for word.

use super::clause::{begins_column_clause, begins_table_clause, clause};
use super::cursor::{Cursor, split};
use super::token::{Token, tokenize};
use super::{Clause, Malformed, Rule};

/// A table's text in its parts.
#[derive(Debug, Clone)]
pub(crate) struct CreateTable {
    /// `CREATE TABLE`.
    pub(super) head: Vec<Token>,
    pub(super) name: Token,
    /// The bracket, with what stands in front of it.
    pub(super) open: Token,
    pub(crate) columns: Vec<ColumnText>,
    /// The constraints of the table itself.
    pub(crate) clauses: Vec<Clause>,
    pub(super) close: Token,
    /// `STRICT` and `WITHOUT ROWID`.
    pub(super) options: Vec<Token>,
    pub(super) end: String,
}

/// A column in its parts.
#[derive(Debug, Clone)]
pub(crate) struct ColumnText {
    pub(super) token: Token,
    pub(crate) type_tokens: Vec<Token>,
    pub(crate) clauses: Vec<Clause>,
}

impl ColumnText {
    pub(crate) fn name(&self) -> String {
        self.token.name().unwrap_or_default()
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    pub(crate) fn is_generated(&self) -> bool {
        self.rules()
            .any(|rule| matches!(rule, Rule::Generated { .. }))
    }

    pub(crate) fn is_not_null(&self) -> bool {
        self.rules()
            .any(|rule| matches!(rule, Rule::NotNull { .. }))
    }

    /// What a row that is there has in it right after the column was added.
    pub(crate) fn default_text(&self) -> String {
        let default = self.rules().find_map(|rule| match rule {
            Rule::Default { value } => Some(value),
            _ => None,
        });
        let mut text = String::new();
        match default {
            Some(value) => print(&mut text, value),
            None => text.push_str("NULL"),
        }
        text
    }

    pub(crate) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.clauses.iter().map(|clause| &clause.rule)
    }

    /// The type as it is written, with single blanks.
    pub(crate) fn type_text(&self) -> String {
        super::normal(&self.type_tokens, &super::Names::default())
    }

    pub(super) fn parse(tokens: &[Token]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(tokens);
        let token = cursor
            .next()
            .ok_or_else(|| cursor.stuck("a column"))?
            .clone();
        if token.name().is_none() {
            return Err(cursor.stuck("the name of a column"));
        }
        let start = cursor.at();
        while let Some(next) = cursor.peek() {
            if begins_column_clause(next) {
                break;
            }
            if next.is_symbol("(") {
                cursor.brackets()?;
            } else {
                cursor.next();
            }
        }
        let type_tokens = cursor.since(start).to_vec();
        let mut clauses = Vec::new();
        while !cursor.is_at_end() {
            clauses.push(clause(&mut cursor, Some(&token))?);
        }
        Ok(Self {
            token,
            type_tokens,
            clauses,
        })
    }
}

impl CreateTable {
    /// Reads the text of a table; that of a virtual one, or one made by other means, is refused.
    pub(crate) fn parse(sql: &str) -> Result<Self, Malformed> {
        let (tokens, end) = tokenize(sql)?;
        let mut cursor = Cursor::new(&tokens);
        if !cursor.eat(&["CREATE", "TABLE"]) {
            return Err(cursor.stuck("CREATE TABLE"));
        }
        let head = cursor.since(0).to_vec();
        let name = cursor.next().filter(|token| token.name().is_some());
        let name = name.ok_or_else(|| cursor.stuck("a name"))?.clone();
        let open = cursor.peek().ok_or_else(|| cursor.stuck("("))?.clone();
        let inner = cursor.brackets()?;
        let close = cursor
            .since(0)
            .last()
            .expect("the closing bracket was read")
            .clone();
        let (columns, clauses) = items(inner)?;
        let options = cursor.rest().to_vec();
        for option in split(&options) {
            match option {
                [] => {}
                [strict] if strict.is("STRICT") => {}
                [without, rowid] if without.is("WITHOUT") && rowid.is("ROWID") => {}
                _ => return Err(cursor.stuck("STRICT or WITHOUT ROWID")),
            }
        }
        Ok(Self {
            head,
            name,
            open,
            columns,
            clauses,
            close,
            options,
            end,
        })
    }

    /// Its name, as it is written.
    pub(crate) fn name(&self) -> String {
        self.name.name().unwrap_or_default()
    }

    pub(crate) fn column(&self, name: &str) -> Option<&ColumnText> {
        self.columns.iter().find(|column| column.is(name))
    }

    /// Every constraint of the table and of its columns.
    pub(crate) fn all_clauses(&self) -> impl Iterator<Item = &Clause> {
        let of_columns = self.columns.iter().flat_map(|column| &column.clauses);
        of_columns.chain(&self.clauses)
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.options.iter().any(|token| token.is("STRICT"))
    }

    /// Whether it has no rowid, so that its primary key is all that tells its rows apart.
    pub(crate) fn is_without_rowid(&self) -> bool {
        self.options.iter().any(|token| token.is("WITHOUT"))
    }

    /// The text again; unchanged, it is the one that was parsed.
    pub(crate) fn print(&self) -> String {
        let mut text = String::new();
        print(&mut text, &self.head);
        print(&mut text, std::slice::from_ref(&self.name));
        print(&mut text, std::slice::from_ref(&self.open));
        let mut first = true;
        let mut comma = |text: &mut String| {
            if !std::mem::take(&mut first) {
                text.push(',');
            }
        };
        for column in &self.columns {
            comma(&mut text);
            print(&mut text, std::slice::from_ref(&column.token));
            print(&mut text, &column.type_tokens);
            for clause in &column.clauses {
                print(&mut text, &clause.tokens);
            }
        }
        for clause in &self.clauses {
            comma(&mut text);
            print(&mut text, &clause.tokens);
        }
        print(&mut text, std::slice::from_ref(&self.close));
        print(&mut text, &self.options);
        text.push_str(&self.end);
        text
    }
}

fn print(text: &mut String, tokens: &[Token]) {
    for token in tokens {
        // An edit may have put together what was apart, and two words or quotes would become one.
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let merges = match (text.chars().next_back(), token.text.chars().next()) {
            (Some(last), Some(first)) => {
                last == first && first == '"' || is_word(last) && is_word(first)
            }
            _ => false,
        };
        if token.lead.is_empty() && merges {
            text.push(' ');
        }
        text.push_str(&token.lead);
        text.push_str(&token.text);
    }
}

fn items(tokens: &[Token]) -> Result<(Vec<ColumnText>, Vec<Clause>), Malformed> {
    let mut columns = Vec::new();
    let mut clauses = Vec::new();
    for part in split(tokens) {
        if !part.first().is_some_and(begins_table_clause) {
            columns.push(ColumnText::parse(part)?);
            continue;
        }
        // SQLite does not insist on commas between the constraints of a table.
        let mut cursor = Cursor::new(part);
        while !cursor.is_at_end() {
            clauses.push(clause(&mut cursor, None)?);
        }
    }
    Ok((columns, clauses))
}

#[cfg(test)]
mod tests {
    use super::CreateTable;

    #[test]
    fn a_text_that_is_parsed_and_printed_is_the_same_text() {
        for sql in [
            "CREATE TABLE t (a)",
            "CREATE TABLE \"t\"(\"a\"int,b text CHECK(b<>''))",
            "CREATE TABLE t ( -- the ids, all of them\n  a integer PRIMARY KEY ASC AUTOINCREMENT NOT NULL, /* ) */ b TEXT DEFAULT 'it''s; -- no, comment' COLLATE NOCASE\n)",
            "CREATE TABLE t (a int, b varchar(10) NOT NULL DEFAULT (lower('A)')), c GENERATED ALWAYS AS (a + 1) STORED) STRICT, WITHOUT ROWID",
            "CREATE TABLE t (a REFERENCES p ON DELETE SET NULL NOT DEFERRABLE NOT NULL, CONSTRAINT [c ,] CHECK (a IN ('(', ')')), UNIQUE (a COLLATE nocase DESC) ON CONFLICT IGNORE)",
            "CREATE TABLE t (a unsigned big int DEFAULT -1.5e-3, b double precision DEFAULT x'00', FOREIGN KEY (a, b) REFERENCES p (x, y) DEFERRABLE INITIALLY DEFERRED)",
            "CREATE TABLE t (a, CONSTRAINT x CONSTRAINT y PRIMARY KEY (a ASC))",
        ] {
            assert_eq!(CreateTable::parse(sql).unwrap().print(), sql);
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for sql in [
            "CREATE VIRTUAL TABLE t USING fts5(a)",
            "CREATE TABLE t (a CHECK)",
            "CREATE TABLE t (a int",
            "CREATE TABLE t (a int) WITH LOVE",
            "CREATE TABLE t AS SELECT 1",
        ] {
            assert!(CreateTable::parse(sql).is_err(), "{sql}");
        }
    }
}
