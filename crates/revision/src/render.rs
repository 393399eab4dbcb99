//! Operations as the source of a migration: the file that a person would write for them.
//!
//! The text is whole Rust as it stands; rustfmt, which is run over it afterwards, only breaks its lines.

mod call;
mod column;
mod column_type;
mod expression;
mod literal;
mod names;
mod prose;
mod rebuild;
mod review;
mod statement;
mod widening;

use std::collections::BTreeSet;

use crate::operation::Operation;
use call::indented;
use names::Names;

/// A migration to be written.
#[derive(Clone, Copy, Debug)]
pub struct Migration<'a> {
    /// What it is for, in one line.
    pub message: &'a str,
    /// The name of the migration that it follows; nothing for the first one.
    pub revises: Option<&'a str>,
    /// What is done by an upgrade.
    pub up: &'a [Operation],
    /// What is done by a downgrade.
    pub down: &'a [Operation],
    /// What a person should look at, in whole sentences.
    pub notes: &'a [String],
}

/// What the file needs beside its statements.
struct Scope {
    names: Names,
    imports: BTreeSet<&'static str>,
}

/// The text of the file.
pub fn migration(migration: &Migration<'_>) -> String {
    let mut scope = Scope::default();
    let (up, down) = (migration.up, migration.down);
    let remarks = [review::up(up, down), review::down(down, up)];
    let [up, down] = [("up", up, &remarks[0]), ("down", down, &remarks[1])]
        .map(|(name, operations, remarks)| Method::new(&mut scope, name, operations, remarks));
    let mut text = prose::header(migration.message, migration.revises, migration.notes);
    text.push('\n');
    for import in &scope.imports {
        text.extend(["use ", import, ";\n"]);
    }
    text.push_str("\n#[derive(Debug, DeriveMigrationName)]\npub(crate) struct Migration;\n\n");
    text.push_str("#[async_trait::async_trait]\nimpl MigrationTrait for Migration {\n");
    text.extend([&indented(&up.text), "\n", &indented(&down.text), "}\n"]);
    for part in up.parts.iter().chain(&down.parts) {
        text.extend(["\n", part]);
    }
    text.push_str(&scope.names.declarations());
    text
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            names: Names::default(),
            imports: BTreeSet::from(["sea_orm_migration::prelude::*"]),
        }
    }
}

/// What a person should look at before an upgrade by these operations, in whole sentences; `down` says what was before.
pub fn remarks(up: &[Operation], down: &[Operation]) -> Vec<String> {
    review::up(up, down).concat()
}

/// More lines than these are told apart by table, each part in a function of its own.
const LONG: usize = 80;

/// clippy's limit of the lines in a function.
const TOO_LONG: usize = 100;

/// `up` or `down`.
struct Method {
    text: String,
    /// The functions that it calls, where it would be too long without.
    parts: Vec<String>,
}

impl Method {
    fn new(
        scope: &mut Scope,
        name: &str,
        operations: &[Operation],
        remarks: &[Vec<String>],
    ) -> Self {
        let mut statements: Vec<(String, String)> = Vec::new();
        for (operation, remarks) in operations.iter().zip(remarks) {
            let mut text = prose::remarks(remarks);
            text.push_str(&statement::statement(scope, operation));
            text.push('\n');
            // What is done to one table stays together.
            let about = about(operation);
            match statements.last_mut() {
                Some((last, before)) if *last == about => before.push_str(&text),
                _ => statements.push((about, text)),
            }
        }
        let manager = if operations.is_empty() { "_" } else { "" };
        let head = format!(
            "async fn {name}(&self, {manager}manager: &SchemaManager) -> Result<(), DbErr>"
        );
        let body: String = statements.iter().map(|(_, text)| text.as_str()).collect();
        if body.lines().count() <= LONG {
            return Self {
                text: function(&head, &body),
                parts: Vec::new(),
            };
        }
        let (mut calls, mut parts, mut taken) = (String::new(), Vec::new(), Vec::new());
        for (about, body) in statements {
            let part = names::function(name, &about, &taken);
            calls.extend([&part, "(manager).await?;\n"]);
            let head = format!("async fn {part}(manager: &SchemaManager<'_>) -> Result<(), DbErr>");
            parts.push(function(&head, &body));
            taken.push(part);
        }
        Self {
            text: function(&head, &calls),
            parts,
        }
    }
}

fn function(head: &str, body: &str) -> String {
    let code = body.lines().filter(|line| !line.trim().starts_with("//"));
    let attribute = if code.count() + 1 > TOO_LONG {
        "#[expect(clippy::too_many_lines, reason = \"it is one statement\")]\n"
    } else {
        ""
    };
    format!("{attribute}{head} {{\n{}    Ok(())\n}}\n", indented(body))
}

/// The table or the enum that an operation is about.
fn about(operation: &Operation) -> String {
    let name = match operation {
        Operation::CreateTable(create) => &create.table,
        Operation::DropTable { table } | Operation::DropIndex { table, .. } => table,
        Operation::RenameTable { to, .. } => to,
        Operation::AlterTable(alter) => &alter.table,
        Operation::CreateIndex(create) => &create.table,
        Operation::CreateEnum { name, .. }
        | Operation::AddEnumValue { name, .. }
        | Operation::RenameEnumValue { name, .. }
        | Operation::ReplaceEnum { name, .. }
        | Operation::DropEnum { name } => name,
    };
    name.clone()
}
