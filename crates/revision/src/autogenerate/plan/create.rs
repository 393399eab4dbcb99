//! A table that is new.

use super::table::{columns, expression};
use super::{Way, column, empty_table, key};
use crate::autogenerate::reading::Both;
use crate::operation::{Change, CreateTable, Key};
use crate::schema::Deferral;

impl Way<'_> {
    /// As sea-query can say it, and the rest of it.
    pub(super) fn create(&mut self, table: Both<'_>) -> (CreateTable, Vec<Change>) {
        let mut create = empty_table(table.name());
        let mut rest = Vec::new();
        let primary_key = table.sqlite.primary_key.as_ref();
        let lone = primary_key.and_then(|primary_key| key::lone(table, primary_key));
        let lone_uniques: Vec<String> = table
            .sqlite
            .uniques
            .iter()
            .filter(|unique| unique.name.is_none() && unique.keys.len() == 1)
            .flat_map(|unique| columns(&unique.keys, table.sqlite))
            .collect();
        for (column, postgres) in table.columns() {
            let mut definition = self.definition(table, column, postgres);
            if lone.as_ref() == Some(&column.name) {
                definition.primary_key();
                if column::is_autoincrement(table, column) {
                    definition.auto_increment();
                }
            }
            if lone_uniques.contains(&column.name) {
                definition.unique_key();
            }
            create.columns.push(definition);
            rest.extend(column::collation(None, (column, postgres)));
            rest.extend(column::comment(None, (column, postgres)));
        }
        if let (Some(primary_key), None) = (primary_key, &lone) {
            create.primary_key = Some(Key {
                name: primary_key.name.clone(),
                columns: columns(&primary_key.keys, table.sqlite),
            });
            let counting = table.columns().map(|(column, _)| column);
            let mut counting = counting.filter(|column| column::is_autoincrement(table, column));
            rest.extend(counting.next().map(|column| Change::SetAutoincrement {
                column: column.name.clone(),
                on: true,
            }));
        }
        for unique in &table.sqlite.uniques {
            let key = Key {
                name: unique.name.clone(),
                columns: columns(&unique.keys, table.sqlite),
            };
            if key.name.is_some() || key.columns.len() != 1 {
                create.uniques.push(key);
            }
        }
        for check in &table.sqlite.checks {
            let text = expression(&check.expression, table.sqlite);
            create.checks.push((check.name.clone(), text));
        }
        for key in &table.sqlite.foreign_keys {
            let key = self.foreign_key(table, key);
            if key.deferral == Deferral::NotDeferrable {
                create.foreign_keys.push(key);
            } else {
                rest.push(Change::AddForeignKey(key));
            }
        }
        for option in &table.sqlite.options {
            rest.push(match &**option {
                "strict" => Change::SetStrict(true),
                _ => Change::SetWithoutRowid(true),
            });
        }
        if let Some(comment) = table.postgres.and_then(|table| table.comment.clone()) {
            rest.push(Change::SetComment {
                column: None,
                comment: Some(comment),
            });
        }
        (create, rest)
    }
}
