//! Changing the parts of a `CREATE TABLE`.

use super::clause::clause;
use super::cursor::Cursor;
use super::token::{Kind, Token, name_of, quote, tokenize};
use super::{Clause, ColumnText, CreateTable, Malformed, Rule};

impl CreateTable {
    /// Gives the table another name, and takes its old one away from where columns were written with it.
    pub(crate) fn rename(&mut self, name: &str) {
        let old = self.name();
        for clause in self.clauses.iter_mut().chain(
            self.columns
                .iter_mut()
                .flat_map(|column| &mut column.clauses),
        ) {
            if matches!(clause.rule, Rule::Check { .. } | Rule::Generated { .. }) {
                unqualify(&mut clause.tokens, &old);
            }
        }
        self.name.text = quote(name);
        self.name.kind = Kind::Quoted;
    }

    pub(crate) fn add_column(&mut self, definition: &str) -> Result<(), Malformed> {
        let column = ColumnText::parse(&tokens(definition)?)?;
        self.columns.push(column);
        Ok(())
    }

    /// Removes a column with its own constraints, and those elsewhere that are about it alone.
    pub(crate) fn drop_column(&mut self, name: &str) {
        self.columns.retain(|column| !column.is(name));
        let others: Vec<String> = self.columns.iter().map(ColumnText::name).collect();
        self.drop_clauses(|clause| clause.is_about_alone(name, &others));
    }

    pub(crate) fn column_mut(&mut self, name: &str) -> Option<&mut ColumnText> {
        self.columns.iter_mut().find(|column| column.is(name))
    }

    pub(crate) fn add_clause(&mut self, text: &str) -> Result<(), Malformed> {
        let tokens = tokens(text)?;
        self.clauses.push(clause(&mut Cursor::new(&tokens), None)?);
        Ok(())
    }

    /// Removes constraints, wherever they stand; says how many.
    pub(crate) fn drop_clauses(&mut self, mut which: impl FnMut(&Clause) -> bool) -> usize {
        let before = self.all_clauses().count();
        self.clauses.retain(|clause| !which(clause));
        for column in &mut self.columns {
            column.clauses.retain(|clause| !which(clause));
        }
        before - self.all_clauses().count()
    }

    pub(crate) fn set_options(
        &mut self,
        strict: bool,
        without_rowid: bool,
    ) -> Result<(), Malformed> {
        let options: Vec<&str> = [(strict, "STRICT"), (without_rowid, "WITHOUT ROWID")]
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, word)| *word)
            .collect();
        self.options = tokens(&options.join(", "))?;
        if self.options.is_empty() {
            self.end = String::new();
        }
        Ok(())
    }
}

impl ColumnText {
    pub(crate) fn set_type(&mut self, text: &str) -> Result<(), Malformed> {
        self.type_tokens = tokens(text)?;
        Ok(())
    }

    pub(crate) fn add_clause(&mut self, text: &str) -> Result<(), Malformed> {
        let tokens = tokens(text)?;
        let column = self.token.clone();
        self.clauses
            .push(clause(&mut Cursor::new(&tokens), Some(&column))?);
        Ok(())
    }

    /// Removes the column's constraints of a kind.
    pub(crate) fn drop_rules(&mut self, which: impl Fn(&Rule) -> bool) {
        self.clauses.retain(|clause| !which(&clause.rule));
    }
}

impl Clause {
    /// The columns that it is about, in lower case; for an expression, every word in it.
    pub(crate) fn columns(&self) -> Vec<String> {
        let of_keys =
            |keys: &[super::KeyPart]| keys.iter().flat_map(|key| names(&key.tokens)).collect();
        match &self.rule {
            Rule::PrimaryKey { keys, .. } | Rule::Unique { keys, .. } => of_keys(keys),
            Rule::ForeignKey { columns, .. } => {
                columns.iter().map(|column| column.to_lowercase()).collect()
            }
            Rule::Check { expression, .. } | Rule::Generated { expression, .. } => {
                names(expression)
            }
            _ => Vec::new(),
        }
    }

    /// Whether it speaks of this column, and of none of the others.
    pub(crate) fn is_about_alone(&self, column: &str, others: &[String]) -> bool {
        let columns = self.columns();
        let speaks_of = |name: &str| columns.contains(&name.to_lowercase());
        let mut others = others
            .iter()
            .filter(|other| !other.eq_ignore_ascii_case(column));
        speaks_of(column) && !others.any(|other| speaks_of(other))
    }

    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name
            .as_deref()
            .is_some_and(|own| own.eq_ignore_ascii_case(name))
    }
}

/// Every word that may be a name, in lower case.
pub(crate) fn words(tokens: &[Token]) -> Vec<String> {
    let names = tokens
        .iter()
        .filter(|token| matches!(token.kind, Kind::Word | Kind::Quoted));
    names
        .map(|token| name_of(&token.text).to_lowercase())
        .collect()
}

/// Every word of an expression that may be the name of a column, in lower case; a function that is called is none.
pub(crate) fn names(tokens: &[Token]) -> Vec<String> {
    let next = tokens.iter().skip(1).map(Some).chain([None]);
    let is_called = |token: &Token, next: Option<&Token>| {
        token.kind == Kind::Word && next.is_some_and(|next| next.is_symbol("("))
    };
    let each = tokens.iter().zip(next);
    let names = each.filter(|(token, next)| !is_called(token, *next));
    names
        .flat_map(|(token, _)| words(std::slice::from_ref(token)))
        .collect()
}

/// Tokens of a text that is put where another token stands before it.
fn tokens(text: &str) -> Result<Vec<Token>, Malformed> {
    let (mut tokens, _) = tokenize(text)?;
    if let Some(first) = tokens.first_mut() {
        " ".clone_into(&mut first.lead);
    }
    Ok(tokens)
}

/// Removes `table.` in front of columns, where it says nothing, and would be wrong under another name of the table.
pub(crate) fn unqualify(tokens: &mut Vec<Token>, table: &str) {
    let mut at = 0;
    while at + 2 < tokens.len() {
        let is_table = matches!(tokens[at].kind, Kind::Word | Kind::Quoted)
            && name_of(&tokens[at].text).eq_ignore_ascii_case(table);
        if is_table && tokens[at + 1].is_symbol(".") {
            let lead = std::mem::take(&mut tokens[at].lead);
            tokens.drain(at..at + 2);
            tokens[at].lead = lead;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::CreateTable;
    use crate::ddl::Rule;

    const TABLE: &str = "CREATE TABLE t (a integer PRIMARY KEY, -- the id\n b text DEFAULT 'x' CHECK (t.b <> ''), CONSTRAINT c CHECK (\"T\".a > 0 AND b > 'a'), UNIQUE (b)) STRICT";

    fn edited(edit: impl FnOnce(&mut CreateTable)) -> String {
        let mut table = CreateTable::parse(TABLE).unwrap();
        edit(&mut table);
        table.print()
    }

    #[test]
    fn an_edit_changes_its_part_and_leaves_the_rest_word_for_word() {
        assert_eq!(
            edited(|table| table.rename("new")),
            TABLE
                .replace(" t (", " \"new\" (")
                .replace("t.b", "b")
                .replace("\"T\".a", "a")
        );
        assert_eq!(
            edited(|table| table
                .column_mut("B")
                .unwrap()
                .set_type("varchar(3)")
                .unwrap()),
            TABLE.replace("b text", "b varchar(3)")
        );
        assert_eq!(
            edited(|table| table.add_column("\"d\" int NOT NULL").unwrap()),
            TABLE.replace("(t.b <> ''),", "(t.b <> ''), \"d\" int NOT NULL,")
        );
        assert_eq!(
            edited(|table| table
                .column_mut("b")
                .unwrap()
                .drop_rules(|rule| matches!(rule, Rule::Default { .. }))),
            TABLE.replace(" DEFAULT 'x'", "")
        );
        assert_eq!(
            edited(|table| table.set_options(false, true).unwrap()),
            TABLE.replace("STRICT", "WITHOUT ROWID")
        );
    }

    #[test]
    fn a_check_that_says_a_column_twice_goes_with_it() {
        let text = "CREATE TABLE t (a int, b int, CHECK (\"b\" > 0 AND length(\"b\") < 9), CHECK (length(a) > 0))";
        let mut table = CreateTable::parse(text).unwrap();
        table.drop_column("b");
        assert_eq!(
            table.print(),
            "CREATE TABLE t (a int, CHECK (length(a) > 0))"
        );
    }

    #[test]
    fn a_dropped_column_takes_along_what_is_about_it_alone() {
        let text = edited(|table| table.drop_column("b"));
        assert_eq!(
            text,
            "CREATE TABLE t (a integer PRIMARY KEY, CONSTRAINT c CHECK (\"T\".a > 0 AND b > 'a')) STRICT"
        );
    }
}
