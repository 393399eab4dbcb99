//! PostgreSQL's enums.

use super::Way;
use crate::operation::Operation;

impl Way<'_> {
    /// What is done before the tables are changed, and what after.
    pub(super) fn enums(&self) -> (Vec<Operation>, Vec<Operation>) {
        let (old, new) = (self.from.enums(), self.to.enums());
        let mut before = Vec::new();
        for (name, values) in new {
            match old.get(name) {
                None => before.push(Operation::CreateEnum {
                    name: name.clone(),
                    values: values.clone(),
                }),
                Some(former) => before.extend(self.values(name, former, values)),
            }
        }
        let gone = old.keys().filter(|name| !new.contains_key(*name));
        let after = gone.map(|name| Operation::DropEnum { name: name.clone() });
        (before, after.collect())
    }

    /// Values can be added one by one; anything else, and a value that a default needs at once, needs another enum.
    fn values(&self, name: &str, old: &[String], new: &[String]) -> Vec<Operation> {
        if old == new {
            return Vec::new();
        }
        let kept: Vec<&String> = new.iter().filter(|value| old.contains(value)).collect();
        let added: Vec<&String> = new.iter().filter(|value| !old.contains(value)).collect();
        let grows =
            kept.iter().copied().eq(old) && !added.iter().any(|value| self.is_default(value));
        if !grows {
            return vec![Operation::ReplaceEnum {
                name: name.to_owned(),
                values: new.to_vec(),
            }];
        }
        let behind = |value: &String| {
            let rest = new.iter().skip_while(move |other| *other != value);
            rest.skip(1).find(|other| old.contains(other)).cloned()
        };
        let each = added.into_iter().map(|value| Operation::AddEnumValue {
            name: name.to_owned(),
            value: value.clone(),
            before: behind(value),
        });
        each.collect()
    }

    /// A new value cannot be used in the transaction that adds it.
    fn is_default(&self, value: &str) -> bool {
        let quoted = format!("'{}'", value.replace('\'', "''"));
        let tables = self.to.reading.tables();
        let mut columns = tables.flat_map(|table| {
            table
                .columns()
                .map(|(column, _)| column.default.clone())
                .collect::<Vec<_>>()
        });
        columns.any(|default| default.as_ref() == Some(&quoted))
    }
}
