//! What a PostgreSQL server would have heard: the types, enums and foreign keys that SQLite spells alike or not at all.
//!
//! A server need not be there: the statements are recorded and read. What is not understood is not known, and then
//! nothing is said about it.

use std::collections::BTreeMap;

use sea_orm::{DatabaseConnection, DbBackend};

use crate::ddl::{Cursor, Malformed, Names, Token, normal, split, tokenize};
use crate::operation::{Change, Operation};
use crate::tape;

/// What is known of a schema by the words in which it was made.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    tables: BTreeMap<String, Table>,
    enums: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, Default)]
struct Table {
    /// The type of each column.
    columns: BTreeMap<String, String>,
    /// The name of each foreign key, by its columns.
    foreign_keys: BTreeMap<Vec<String>, String>,
}

/// Somebody who plays the server and writes down what is said.
pub(super) struct Listener {
    pub(super) connection: DatabaseConnection,
    recording: tape::Recording,
}

impl Listener {
    pub(super) fn new() -> Self {
        let (connection, recording) = tape::scratch(DbBackend::Postgres, None);
        Self {
            connection,
            recording,
        }
    }

    /// What was understood of it.
    pub(super) fn words(&self) -> Words {
        let mut words = Words::default();
        for statement in tape::take(&self.recording) {
            words.hear(&statement);
        }
        words
    }
}

impl Words {
    pub(super) fn type_of(&self, table: &str, column: &str) -> Option<&String> {
        self.tables.get(table)?.columns.get(column)
    }

    pub(super) fn foreign_key(&self, table: &str, columns: &[String]) -> Option<&String> {
        self.tables.get(table)?.foreign_keys.get(columns)
    }

    pub(super) fn enums(&self) -> &BTreeMap<String, Vec<String>> {
        &self.enums
    }

    /// Follows one text, which may be more than one statement.
    pub(super) fn hear(&mut self, sql: &str) {
        let Ok((tokens, _)) = tokenize(sql) else {
            return;
        };
        for statement in tokens.split(|token| token.is_symbol(";")) {
            if self.follow(&mut Cursor::new(statement)).is_err() {
                self.forget(statement);
            }
        }
    }

    /// Brings along what is renamed.
    pub(super) fn renamed(mut self, operations: &[Operation]) -> Self {
        for operation in operations {
            match operation {
                Operation::RenameTable { from, to } => {
                    if let Some(table) = self.tables.remove(from) {
                        self.tables.insert(to.clone(), table);
                    }
                }
                Operation::RenameEnumValue { name, from, to } => {
                    let mut values = self.enums.get_mut(name).into_iter().flatten();
                    if let Some(value) = values.find(|value| *value == from) {
                        value.clone_from(to);
                    }
                }
                Operation::AlterTable(alter) => {
                    let Some(table) = self.tables.get_mut(&alter.table) else {
                        continue;
                    };
                    for change in &alter.changes {
                        if let Change::RenameColumn { from, to } = change {
                            table.rename_column(from, to);
                        }
                    }
                }
                _ => {}
            }
        }
        self
    }

    /// A table of which something was not understood is not known any more.
    fn forget(&mut self, statement: &[Token]) {
        for name in statement.iter().filter_map(Token::name) {
            self.tables.remove(&name);
            self.enums.remove(&name);
        }
    }

    fn follow(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
        if cursor.eat(&["CREATE", "TABLE"]) {
            cursor.eat(&["IF", "NOT", "EXISTS"]);
            let name = cursor.name()?;
            let mut table = Table::default();
            for part in split(cursor.brackets()?) {
                table.part(&mut Cursor::new(part))?;
            }
            self.tables.insert(name, table);
        } else if cursor.eat(&["DROP", "TABLE"]) {
            cursor.eat(&["IF", "EXISTS"]);
            self.tables.remove(&cursor.name()?);
        } else if cursor.eat(&["ALTER", "TABLE"]) {
            cursor.eat(&["ONLY"]);
            let name = cursor.name()?;
            if cursor.eat(&["RENAME", "TO"]) {
                if let Some(table) = self.tables.remove(&name) {
                    self.tables.insert(cursor.name()?, table);
                }
                return Ok(());
            }
            if let Some(table) = self.tables.get_mut(&name) {
                for action in split(cursor.rest()) {
                    table.alter(&mut Cursor::new(action))?;
                }
            }
        } else if cursor.eat(&["CREATE", "TYPE"]) {
            let name = cursor.name()?;
            if cursor.eat(&["AS", "ENUM"]) {
                let values = split(cursor.brackets()?).into_iter();
                let values = values.filter_map(|value| value.last()?.name());
                self.enums.insert(name, values.collect());
            }
        } else if cursor.eat(&["ALTER", "TYPE"]) {
            let name = cursor.name()?;
            self.alter_enum(&name, cursor)?;
        } else if cursor.eat(&["DROP", "TYPE"]) {
            cursor.eat(&["IF", "EXISTS"]);
            self.enums.remove(&cursor.name()?);
        }
        Ok(())
    }

    fn alter_enum(&mut self, name: &str, cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
        if cursor.eat(&["RENAME", "TO"]) {
            if let Some(values) = self.enums.remove(name) {
                self.enums.insert(cursor.name()?, values);
            }
            return Ok(());
        }
        let Some(values) = self.enums.get_mut(name) else {
            return Ok(());
        };
        let position = |values: &[String], value: &String| {
            values
                .iter()
                .position(|other| other == value)
                .unwrap_or(values.len())
        };
        if cursor.eat(&["ADD", "VALUE"]) {
            cursor.eat(&["IF", "NOT", "EXISTS"]);
            let value = cursor.name()?;
            let at = if cursor.eat(&["BEFORE"]) {
                position(values, &cursor.name()?)
            } else if cursor.eat(&["AFTER"]) {
                position(values, &cursor.name()?) + 1
            } else {
                values.len()
            };
            values.insert(at.min(values.len()), value);
        } else if cursor.eat(&["RENAME", "VALUE"]) {
            let at = position(values, &cursor.name()?);
            cursor.eat(&["TO"]);
            if let Some(value) = values.get_mut(at) {
                *value = cursor.name()?;
            }
        }
        Ok(())
    }
}

impl Table {
    /// A column or a constraint, as it stands in a `CREATE TABLE`.
    fn part(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
        let constraint = if cursor.eat(&["CONSTRAINT"]) {
            Some(cursor.name()?)
        } else {
            None
        };
        if cursor.eat(&["FOREIGN", "KEY"]) {
            let columns = cursor.names()?;
            self.foreign_keys
                .extend(constraint.map(|name| (columns, name)));
            return Ok(());
        }
        let others = ["PRIMARY", "UNIQUE", "CHECK", "EXCLUDE", "LIKE"];
        if constraint.is_none() && !others.iter().any(|word| cursor.sees(&[word])) {
            let name = cursor.name()?;
            self.columns.insert(name, type_text(cursor.rest()));
        }
        Ok(())
    }

    /// One action of an `ALTER TABLE`.
    fn alter(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
        if cursor.sees(&["ADD", "CONSTRAINT"]) || cursor.sees(&["ADD", "FOREIGN"]) {
            cursor.eat(&["ADD"]);
            return self.part(cursor);
        }
        let others = ["PRIMARY", "UNIQUE", "CHECK", "EXCLUDE"];
        if others.iter().any(|word| cursor.sees(&["ADD", word])) {
            return Ok(());
        }
        if cursor.eat(&["ADD"]) {
            cursor.eat(&["COLUMN"]);
            cursor.eat(&["IF", "NOT", "EXISTS"]);
            return self.part(cursor);
        }
        if cursor.eat(&["DROP", "CONSTRAINT"]) {
            cursor.eat(&["IF", "EXISTS"]);
            let name = cursor.name()?;
            self.foreign_keys.retain(|_, other| *other != name);
        } else if cursor.eat(&["DROP"]) {
            cursor.eat(&["COLUMN"]);
            cursor.eat(&["IF", "EXISTS"]);
            let name = cursor.name()?;
            self.columns.remove(&name);
            self.foreign_keys
                .retain(|columns, _| !columns.contains(&name));
        } else if cursor.eat(&["RENAME", "CONSTRAINT"]) {
            let from = cursor.name()?;
            cursor.eat(&["TO"]);
            let to = cursor.name()?;
            let mut names = self.foreign_keys.values_mut();
            if let Some(name) = names.find(|name| **name == from) {
                *name = to;
            }
        } else if cursor.eat(&["RENAME"]) {
            cursor.eat(&["COLUMN"]);
            let from = cursor.name()?;
            cursor.eat(&["TO"]);
            self.rename_column(&from, &cursor.name()?);
        } else if cursor.eat(&["ALTER"]) {
            cursor.eat(&["COLUMN"]);
            let name = cursor.name()?;
            if cursor.eat(&["TYPE"]) || cursor.eat(&["SET", "DATA", "TYPE"]) {
                self.columns.insert(name, type_text(cursor.rest()));
            }
        }
        Ok(())
    }

    fn rename_column(&mut self, from: &str, to: &str) {
        if let Some(column_type) = self.columns.remove(from) {
            self.columns.insert(to.to_owned(), column_type);
        }
        let keys = std::mem::take(&mut self.foreign_keys);
        self.foreign_keys = keys
            .into_iter()
            .map(|(mut columns, name)| {
                for column in columns.iter_mut().filter(|column| *column == from) {
                    to.clone_into(column);
                }
                (columns, name)
            })
            .collect();
    }
}

/// The type at the beginning of what is said of a column.
fn type_text(tokens: &[Token]) -> String {
    const BEHIND: [&str; 10] = [
        "NOT",
        "NULL",
        "DEFAULT",
        "PRIMARY",
        "UNIQUE",
        "CHECK",
        "REFERENCES",
        "GENERATED",
        "COLLATE",
        "USING",
    ];
    let end = tokens
        .iter()
        .position(|token| token.is("CONSTRAINT") || BEHIND.iter().any(|word| token.is(word)));
    normal(&tokens[..end.unwrap_or(tokens.len())], &Names::default())
}

#[cfg(test)]
mod tests {
    use super::Words;

    fn words(statements: &[&str]) -> Words {
        let mut words = Words::default();
        for statement in statements {
            words.hear(statement);
        }
        words
    }

    #[test]
    fn the_types_of_a_table_are_followed_through_its_changes() {
        let words = words(&[
            r#"CREATE TABLE "drug" ( "id" bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL PRIMARY KEY, "name" varchar(20) NOT NULL, "at" timestamp with time zone DEFAULT now(), CONSTRAINT "fk-a" FOREIGN KEY ("name") REFERENCES "x" ("y") )"#,
            r#"ALTER TABLE "drug" ADD COLUMN "stock" integer DEFAULT 0, ALTER COLUMN "name" TYPE varchar(40)"#,
            r#"ALTER TABLE "drug" RENAME COLUMN "name" TO "title"; ALTER TABLE "drug" RENAME TO "medicine""#,
            r#"ALTER TABLE "medicine" ALTER COLUMN "stock" SET DEFAULT 1"#,
        ]);
        let type_of = |column| words.type_of("medicine", column).cloned();
        assert_eq!(type_of("id").as_deref(), Some("bigint"));
        assert_eq!(type_of("title").as_deref(), Some("varchar(40)"));
        assert_eq!(type_of("at").as_deref(), Some("timestamp with time zone"));
        assert_eq!(type_of("stock").as_deref(), Some("integer"));
        assert_eq!(type_of("name"), None);
        let key = words.foreign_key("medicine", &["title".to_owned()]);
        assert_eq!(key.map(String::as_str), Some("fk-a"));
    }

    #[test]
    fn an_enum_is_followed_through_its_changes() {
        let words = words(&[
            r#"CREATE TYPE "route" AS ENUM ('oral', 'iv')"#,
            r#"ALTER TYPE "route" ADD VALUE 'nasal' BEFORE 'iv'"#,
            r#"ALTER TYPE "route" RENAME VALUE 'oral' TO 'by mouth'"#,
            r#"CREATE TYPE "gone" AS ENUM ('a')"#,
            r#"DROP TYPE "gone""#,
        ]);
        assert_eq!(words.enums()["route"], ["by mouth", "nasal", "iv"]);
        assert_eq!(words.enums().len(), 1);
    }

    #[test]
    fn what_is_not_understood_is_not_known() {
        let words = words(&[
            r#"CREATE TABLE "drug" ("id" bigint)"#,
            r#"ALTER TABLE "drug" ADD COLUMN"#,
        ]);
        assert_eq!(words.type_of("drug", "id"), None);
    }
}
