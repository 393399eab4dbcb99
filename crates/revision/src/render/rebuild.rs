//! Changes of a table as calls of its builder, `rebuild_table`.

use super::call::{Chain, array};
use super::{Scope, column_type, literal};
use crate::operation::{AlterTable, Change};
use crate::schema::{Deferral, ForeignKey};

impl Scope {
    pub(super) fn rebuild(&mut self, alter: &AlterTable) -> String {
        self.imports.insert("revision::rebuild_table");
        let table = &alter.table;
        let mut chain = Chain::new(format!(
            "rebuild_table(manager, {})",
            self.names.table(table)
        ));
        for change in &alter.changes {
            let (method, arguments) = self
                .change_of_column(table, change)
                .or_else(|| self.change_of_constraint(table, change))
                .unwrap_or_else(|| self.change_of_table(table, change));
            chain = chain.call(method, &arguments);
        }
        chain.call("run", &[]).statement()
    }

    fn change_of_column(
        &mut self,
        table: &str,
        change: &Change,
    ) -> Option<(&'static str, Vec<String>)> {
        let mut name = |column: &str| self.names.column(table, column);
        Some(match change {
            Change::AddColumn { column, fill: None } => {
                ("add_column", vec![self.column(table, column)])
            }
            Change::AddColumn {
                column,
                fill: Some(fill),
            } => {
                let arguments = vec![self.column(table, column), self.expression(fill)];
                ("add_column_with", arguments)
            }
            Change::DropColumn { column } => ("drop_column", vec![name(column)]),
            Change::RenameColumn { from, to } => ("rename_column", vec![name(from), name(to)]),
            Change::SetType {
                column,
                column_type,
                using: None,
            } => (
                "set_type",
                vec![name(column), column_type::value(column_type)],
            ),
            Change::SetType {
                column,
                column_type,
                using: Some(using),
            } => {
                let arguments = vec![
                    name(column),
                    column_type::value(column_type),
                    self.expression(using),
                ];
                ("set_type_using", arguments)
            }
            Change::SetNotNull { column, fill: None } => ("set_not_null", vec![name(column)]),
            Change::SetNotNull {
                column,
                fill: Some(fill),
            } => (
                "set_not_null_with",
                vec![name(column), self.expression(fill)],
            ),
            Change::DropNotNull { column } => ("drop_not_null", vec![name(column)]),
            Change::SetDefault { column, value } => {
                ("set_default", vec![name(column), self.expression(value)])
            }
            Change::DropDefault { column } => ("drop_default", vec![name(column)]),
            Change::SetCollation {
                column,
                sqlite,
                postgres,
            } => {
                let arguments = vec![
                    name(column),
                    option(sqlite.as_ref()),
                    option(postgres.as_ref()),
                ];
                ("set_collation", arguments)
            }
            Change::SetGenerated {
                column,
                expression,
                stored,
            } => {
                let method = if *stored {
                    "set_generated"
                } else {
                    "set_generated_virtual"
                };
                (method, vec![name(column), self.expression(expression)])
            }
            Change::DropGenerated { column } => ("drop_generated", vec![name(column)]),
            Change::SetAutoincrement { column, on } => {
                ("set_autoincrement", vec![name(column), on.to_string()])
            }
            _ => return None,
        })
    }

    fn change_of_constraint(
        &mut self,
        table: &str,
        change: &Change,
    ) -> Option<(&'static str, Vec<String>)> {
        let mut keyed = |name: Option<&String>, columns: &[String], named, unnamed| {
            let columns = array(&self.names.columns(table, columns));
            match name {
                Some(name) => (named, vec![literal::text(name), columns]),
                None => (unnamed, vec![columns]),
            }
        };
        Some(match change {
            Change::AddPrimaryKey { name, columns } => keyed(
                name.as_ref(),
                columns,
                "add_named_primary_key",
                "add_primary_key",
            ),
            Change::AddUnique { name, columns } => {
                keyed(name.as_ref(), columns, "add_unique", "add_unnamed_unique")
            }
            Change::DropUnique { name, columns } => {
                keyed(name.as_ref(), columns, "drop_unique", "drop_unnamed_unique")
            }
            Change::DropForeignKey { name, columns } => keyed(
                name.as_ref(),
                columns,
                "drop_foreign_key",
                "drop_unnamed_foreign_key",
            ),
            Change::AddForeignKey(key) => {
                let method = add_foreign_key(key);
                (method, vec![self.foreign_key(table, key)])
            }
            Change::AddCheck { name, expression } => {
                let expression = self.expression(expression);
                match name {
                    Some(name) => ("add_check", vec![literal::text(name), expression]),
                    None => ("add_unnamed_check", vec![expression]),
                }
            }
            Change::DropCheck { name, expression } => {
                let expression = expression
                    .as_ref()
                    .map(|expression| self.expression(expression));
                match (name, expression) {
                    (Some(name), None) => ("drop_check", vec![literal::text(name)]),
                    (Some(name), Some(expression)) => {
                        ("drop_check_of", vec![literal::text(name), expression])
                    }
                    (None, expression) => ("drop_unnamed_check", expression.into_iter().collect()),
                }
            }
            _ => return None,
        })
    }

    fn change_of_table(&mut self, table: &str, change: &Change) -> (&'static str, Vec<String>) {
        match change {
            Change::RenameConstraint { from, to } => {
                let names = vec![literal::text(from), literal::text(to)];
                ("rename_constraint", names)
            }
            Change::SetComment { column, comment } => {
                let column = column
                    .as_ref()
                    .map(|column| self.names.column(table, column));
                let comment = comment.as_ref().map(|comment| literal::text(comment));
                let method = match (&column, &comment) {
                    (Some(_), Some(_)) => "set_comment",
                    (Some(_), None) => "drop_comment",
                    (None, Some(_)) => "set_table_comment",
                    (None, None) => "drop_table_comment",
                };
                (method, column.into_iter().chain(comment).collect())
            }
            Change::SetStrict(strict) => ("set_strict", vec![strict.to_string()]),
            Change::SetWithoutRowid(without) => ("set_without_rowid", vec![without.to_string()]),
            _ => ("drop_primary_key", Vec::new()),
        }
    }
}

fn add_foreign_key(key: &ForeignKey) -> &'static str {
    match key.deferral {
        Deferral::NotDeferrable => "add_foreign_key",
        Deferral::InitiallyImmediate => "add_deferrable_foreign_key",
        Deferral::InitiallyDeferred => "add_deferred_foreign_key",
    }
}

fn option(text: Option<&String>) -> String {
    match text {
        Some(text) => format!("Some({})", literal::text(text)),
        None => "None".to_owned(),
    }
}
