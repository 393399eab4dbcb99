//! One operation as one statement of a migration.

use super::call::{Chain, array, call};
use super::column::named_check;
use super::{Scope, literal};
use crate::ddl::quote;
use crate::operation::{AlterTable, Change, CreateIndex, CreateTable, Key, Operation};
use crate::schema::{Action, ForeignKey, KeyPart};

pub(super) fn statement(scope: &mut Scope, operation: &Operation) -> String {
    let (method, statement) = match operation {
        Operation::CreateTable(create) => ("create_table", scope.create_table(create)),
        Operation::DropTable { table } => {
            let drop = Chain::new("Table::drop()").call("table", &[scope.names.table(table)]);
            ("drop_table", drop)
        }
        Operation::RenameTable { from, to } => {
            let names = [scope.names.table(from), scope.names.table(to)];
            let rename = Chain::new("Table::rename()").call("table", &names);
            ("rename_table", rename)
        }
        Operation::AlterTable(alter) => match only_rename(alter) {
            Some((from, to)) => {
                let names = [from, to].map(|name| scope.names.column(&alter.table, name));
                let rename = Chain::new("Table::alter()")
                    .call("table", &[scope.names.table(&alter.table)])
                    .call("rename_column", &names);
                ("alter_table", rename)
            }
            None => return scope.rebuild(alter),
        },
        Operation::CreateIndex(create) => {
            if create.statement().is_none() {
                let sql = scope.sql(|backend| create.sql(backend));
                return execute(sql);
            }
            ("create_index", scope.create_index(create))
        }
        Operation::DropIndex { index, .. } if index.contains('"') => {
            return execute(literal::text(&format!("DROP INDEX {}", quote(index))));
        }
        Operation::DropIndex { table, index } => {
            let drop = Chain::new("Index::drop()")
                .call("name", &[literal::text(index)])
                .call("table", &[scope.names.table(table)]);
            ("drop_index", drop)
        }
        Operation::CreateEnum { .. }
        | Operation::AddEnumValue { .. }
        | Operation::RenameEnumValue { .. }
        | Operation::ReplaceEnum { .. }
        | Operation::DropEnum { .. } => return scope.change_enum(operation),
    };
    Chain::new("manager")
        .call(method, &[statement.call("to_owned", &[]).text()])
        .statement()
}

/// What sea-query has no words for.
fn execute(sql: String) -> String {
    let (binding, sql) = if sql.contains('\n') {
        (format!("let sql = {sql};\n"), "sql".to_owned())
    } else {
        (String::new(), sql)
    };
    let execute = Chain::new("manager")
        .call("get_connection", &[])
        .call("execute_unprepared", &[sql]);
    binding + &execute.statement()
}

/// A rename that is all there is to be done: sea-query has words for it on both databases.
fn only_rename(alter: &AlterTable) -> Option<(&str, &str)> {
    match &alter.changes[..] {
        [Change::RenameColumn { from, to }] => Some((from, to)),
        _ => None,
    }
}

impl Scope {
    fn create_table(&mut self, create: &CreateTable) -> Chain {
        let CreateTable {
            table,
            columns,
            primary_key,
            uniques,
            checks,
            foreign_keys,
        } = create;
        let mut chain = Chain::new("Table::create()").call("table", &[self.names.table(table)]);
        for column in columns {
            chain = chain.call("col", &[self.column(table, column)]);
        }
        if let Some(key) = primary_key {
            chain = chain.call("primary_key", &[self.key(table, key).text()]);
        }
        for unique in uniques {
            let key = self.key(table, unique).call("unique", &[]);
            chain = chain.call("index", &[key.text()]);
        }
        for (name, expression) in checks {
            let expression = self.expression(expression);
            chain = chain.call("check", &[named_check(name.as_deref(), expression)]);
        }
        for key in foreign_keys {
            chain = chain.call("foreign_key", &[self.foreign_key(table, key)]);
        }
        chain
    }

    fn key(&mut self, table: &str, key: &Key) -> Chain {
        let mut chain = Chain::new("Index::create()");
        if let Some(name) = &key.name {
            chain = chain.call("name", &[literal::text(name)]);
        }
        for column in self.names.columns(table, &key.columns) {
            chain = chain.call("col", &[column]);
        }
        chain
    }

    pub(super) fn foreign_key(&mut self, table: &str, key: &ForeignKey) -> String {
        let mut chain = Chain::new("ForeignKey::create()");
        if let Some(name) = &key.name {
            chain = chain.call("name", &[literal::text(name)]);
        }
        for (method, table, columns) in [
            ("from", table, &key.columns),
            ("to", &key.parent, &key.parent_columns),
        ] {
            let columns = self.names.columns(table, columns);
            let table = self.names.table(table);
            chain = match &columns[..] {
                [column] => chain.call(method, &[table, column.clone()]),
                // A tuple of names has at most three.
                [_, _] | [_, _, _] => {
                    chain.call(method, &[table, format!("({})", columns.join(", "))])
                }
                _ => columns.into_iter().fold(
                    chain.call(&format!("{method}_tbl"), &[table]),
                    |chain, column| chain.call(&format!("{method}_col"), &[column]),
                ),
            };
        }
        for (method, action) in [("on_delete", key.on_delete), ("on_update", key.on_update)] {
            if action != Action::NoAction {
                chain = chain.call(method, &[format!("ForeignKeyAction::{action:?}")]);
            }
        }
        chain.text()
    }

    fn create_index(&mut self, create: &CreateIndex) -> Chain {
        let CreateIndex { table, index, .. } = create;
        let mut chain = Chain::new("Index::create()")
            .call("name", &[literal::text(&index.name)])
            .call("table", &[self.names.table(table)]);
        for key in &index.keys {
            chain = chain.call("col", &[self.index_key(table, key)]);
        }
        if index.unique {
            chain = chain.call("unique", &[]);
        }
        if let Some(predicate) = &index.predicate {
            let predicate = call("Expr::cust", &[literal::text(predicate)]);
            chain = chain.call("and_where", &[predicate]);
        }
        chain
    }

    fn index_key(&mut self, table: &str, key: &KeyPart) -> String {
        let text = self.names.column(table, &key.text);
        if key.descending {
            format!("({text}, IndexOrder::Desc)")
        } else {
            text
        }
    }

    fn change_enum(&mut self, operation: &Operation) -> String {
        self.imports.insert("revision::enums");
        let all = |values: &[String]| {
            let values: Vec<String> = values.iter().map(|value| literal::text(value)).collect();
            array(&values)
        };
        let (method, name, arguments) = match operation {
            Operation::CreateEnum { name, values } => ("create", name, vec![all(values)]),
            Operation::ReplaceEnum { name, values } => ("replace", name, vec![all(values)]),
            Operation::AddEnumValue {
                name,
                value,
                before: None,
            } => ("add_value", name, vec![literal::text(value)]),
            Operation::AddEnumValue {
                name,
                value,
                before: Some(before),
            } => {
                let values = vec![literal::text(value), literal::text(before)];
                ("add_value_before", name, values)
            }
            Operation::RenameEnumValue { name, from, to } => {
                let values = vec![literal::text(from), literal::text(to)];
                ("rename_value", name, values)
            }
            Operation::DropEnum { name } => ("drop", name, Vec::new()),
            _ => unreachable!("statement() has taken the others"),
        };
        let mut all = vec![literal::text(name)];
        all.extend(arguments);
        Chain::new("enums(manager)").call(method, &all).statement()
    }
}
