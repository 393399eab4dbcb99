//! Operations in words, a line for each thing that is done.

use std::fmt;

use sea_orm::DbBackend;
use sea_orm::sea_query::ColumnDef;

use super::{AlterTable, Change, CreateIndex, CreateTable, Operation, spell};
use crate::ddl::quote;
use crate::schema::{Deferral, ForeignKey, KeyPart};

/// In whose words types and values are told.
const WORDS: DbBackend = DbBackend::Postgres;

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl Operation {
    /// One line for each thing that is done.
    pub fn lines(&self) -> Vec<String> {
        let line = match self {
            Self::CreateTable(CreateTable { table, .. }) => format!("create table {table}"),
            Self::DropTable { table } => format!("drop table {table}"),
            Self::RenameTable { from, to } => format!("rename table {from} to {to}"),
            Self::AlterTable(AlterTable { table, changes }) => {
                let lines = changes.iter();
                return lines.map(|change| format!("{table}: {change}")).collect();
            }
            Self::CreateIndex(create) => index(create),
            Self::DropIndex { table, index } => format!("{table}: drop index {index}"),
            Self::CreateEnum { name, values } => {
                format!("create enum {name} ({})", values.join(", "))
            }
            Self::AddEnumValue {
                name,
                value,
                before: None,
            } => format!("enum {name}: add value {value}"),
            Self::AddEnumValue {
                name,
                value,
                before: Some(before),
            } => format!("enum {name}: add value {value} before {before}"),
            Self::RenameEnumValue { name, from, to } => {
                format!("enum {name}: rename value {from} to {to}")
            }
            Self::ReplaceEnum { name, values } => {
                format!("enum {name}: replace its values by ({})", values.join(", "))
            }
            Self::DropEnum { name } => format!("drop enum {name}"),
        };
        vec![line]
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sql = |expression| spell::expression(WORDS, expression);
        match self {
            Self::AddColumn { column, .. } => write!(f, "add column {}", definition(column)),
            Self::DropColumn { column } => write!(f, "drop column {column}"),
            Self::RenameColumn { from, to } => write!(f, "rename column {from} to {to}"),
            Self::SetType {
                column,
                column_type,
                ..
            } => {
                let column_type = spell::column_type(WORDS, column_type);
                write!(f, "set type of {column} to {column_type}")
            }
            Self::SetNotNull { column, .. } => write!(f, "forbid NULL in {column}"),
            Self::DropNotNull { column } => write!(f, "permit NULL in {column}"),
            Self::SetDefault { column, value } => {
                // PostgreSQL would escape a quote in a way that only it reads.
                let value = spell::default(DbBackend::Sqlite, value);
                write!(f, "set default of {column} to {value}")
            }
            Self::DropDefault { column } => write!(f, "drop default of {column}"),
            Self::SetCollation {
                column,
                sqlite,
                postgres,
            } => {
                let collation = sqlite.as_deref().or(postgres.as_deref());
                write!(
                    f,
                    "set collation of {column} to {}",
                    collation.unwrap_or("default")
                )
            }
            Self::SetGenerated {
                column,
                expression,
                stored,
            } => {
                let kind = if *stored { "stored" } else { "virtual" };
                write!(f, "compute {column} as {} {kind}", sql(expression))
            }
            Self::DropGenerated { column } => write!(f, "no longer compute {column}"),
            Self::AddPrimaryKey { columns, .. } => {
                write!(f, "add primary key ({})", columns.join(", "))
            }
            Self::DropPrimaryKey => f.write_str("drop primary key"),
            Self::SetAutoincrement { column, on: true } => {
                write!(f, "never give an id of {column} twice")
            }
            Self::SetAutoincrement { column, on: false } => {
                write!(f, "let an id of {column} be given again")
            }
            Self::AddUnique { name, columns } => {
                write!(
                    f,
                    "add unique {}({})",
                    named(name.as_ref()),
                    columns.join(", ")
                )
            }
            Self::DropUnique { name, columns } => {
                write!(
                    f,
                    "drop unique {}({})",
                    named(name.as_ref()),
                    columns.join(", ")
                )
            }
            Self::AddCheck { name, expression } => {
                write!(f, "add check {}({})", named(name.as_ref()), sql(expression))
            }
            Self::DropCheck {
                name: Some(name), ..
            } => write!(f, "drop check {name}"),
            Self::DropCheck { expression, .. } => write!(
                f,
                "drop check ({})",
                expression.as_ref().map(sql).unwrap_or_default()
            ),
            Self::AddForeignKey(key) => write!(f, "add foreign key {}", foreign_key(key)),
            Self::DropForeignKey { columns, .. } => {
                write!(f, "drop foreign key ({})", columns.join(", "))
            }
            Self::RenameConstraint { from, to } => write!(f, "rename constraint {from} to {to}"),
            Self::SetComment {
                column: Some(column),
                ..
            } => write!(f, "set comment of {column}"),
            Self::SetComment { column: None, .. } => f.write_str("set comment"),
            Self::SetStrict(true) => f.write_str("make strict"),
            Self::SetStrict(false) => f.write_str("make not strict"),
            Self::SetWithoutRowid(true) => f.write_str("do without rowid"),
            Self::SetWithoutRowid(false) => f.write_str("give rowids"),
        }
    }
}

fn named(name: Option<&String>) -> String {
    name.map_or_else(String::new, |name| format!("{name} "))
}

fn definition(column: &ColumnDef) -> String {
    let name = column.get_column_name();
    let mut text = spell::column(WORDS, column);
    if column.get_column_spec().nullable == Some(true) {
        // That it may be NULL goes without saying.
        text = text.replacen(" NULL", "", 1);
    }
    match text.strip_prefix(&quote(&name)) {
        Some(rest) => format!("{name}{rest}"),
        None => text,
    }
}

fn foreign_key(key: &ForeignKey) -> String {
    let mut text = format!(
        "({}) to {} ({})",
        key.columns.join(", "),
        key.parent,
        key.parent_columns.join(", ")
    );
    for (on, action) in [("delete", key.on_delete), ("update", key.on_update)] {
        if action != crate::schema::Action::NoAction {
            text.extend([" on ", on, " ", &action.sql().to_lowercase()]);
        }
    }
    if key.deferral != Deferral::NotDeferrable {
        text.push_str(" deferrable");
    }
    text
}

fn index(create: &CreateIndex) -> String {
    let CreateIndex { table, index, .. } = create;
    let key = |key: &KeyPart| {
        let desc = if key.descending { " desc" } else { "" };
        format!("{}{desc}", key.text)
    };
    let keys: Vec<String> = index.keys.iter().map(key).collect();
    let unique = if index.unique { "unique " } else { "" };
    let mut text = format!(
        "{table}: create {unique}index {} ({})",
        index.name,
        keys.join(", ")
    );
    if let Some(predicate) = &index.predicate {
        text.extend([" where ", predicate]);
    }
    text
}
