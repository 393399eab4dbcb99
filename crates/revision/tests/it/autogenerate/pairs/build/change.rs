//! Changes a schema, by random numbers too.

use super::{Builder, COLUMNS, TABLES, generate};
use crate::autogenerate::pairs::dice::Dice;
use crate::autogenerate::pairs::model::{ACTIONS, DEFERRALS, Family, Kind};
use crate::autogenerate::pairs::repair::repair;

impl Builder {
    /// Changes one thing.
    pub(crate) fn change(&mut self, bytes: &[u8]) {
        let mut dice = Dice::new(bytes);
        let kind = dice.below(30);
        let rest: Vec<u8> = bytes[1..].to_vec();
        if kind == 0 {
            let (own, column) = rest.split_at(rest.len() / 2);
            let columns = [column.to_vec(), own.iter().rev().copied().collect()];
            return self.add_table(own, &columns);
        }
        if (1..=5).contains(&kind) {
            return self.add_part(&rest);
        }
        let Some(at) = self.any_table(&mut dice) else {
            return;
        };
        match kind {
            6 => drop(self.schema.tables.remove(at)),
            7 => {
                let name = self.name(0, TABLES, &mut dice);
                self.schema.tables[at].name = name;
            }
            8..=9 => {
                let table = self.schema.tables[at].clone();
                let column = self.column(&table, &mut dice);
                self.schema.tables[at].columns.push(column);
            }
            10..=11 => {
                let columns = &mut self.schema.tables[at].columns;
                let which = dice.below(columns.len());
                if columns.len() > 1 {
                    columns.remove(which);
                }
            }
            12..=20 => self.change_column(at, kind, &mut dice),
            21..=24 => self.drop_part(at, &mut dice),
            25 => self.change_part(at, &mut dice),
            26 if dice.chance(30) => self.schema.tables[at].primary = None,
            26 => {
                let mut table = self.schema.tables[at].clone();
                self.primary(&mut table, &mut dice);
                self.schema.tables[at] = table;
            }
            27 => {
                let table = &mut self.schema.tables[at];
                match dice.below(3) {
                    0 => table.strict = !table.strict,
                    1 => table.without_rowid = !table.without_rowid,
                    _ => {
                        let key = table.primary.iter_mut();
                        key.for_each(|key| key.counting = !key.counting);
                    }
                }
            }
            28 => {
                let comment = self.comment(&mut dice);
                self.schema.tables[at].comment = comment;
            }
            _ => self.change_enum(&mut dice),
        }
        repair(&mut self.schema, self.on_both);
    }

    fn change_column(&mut self, at: usize, kind: usize, dice: &mut Dice<'_>) {
        let table = self.schema.tables[at].clone();
        let which = dice.below(table.columns.len());
        let mut column = table.columns[which].clone();
        match kind {
            12..=13 => {
                let swapped = swap_case(&column.name);
                column.name = if dice.chance(15) && swapped != column.name {
                    swapped
                } else {
                    self.name(table.id, COLUMNS, dice)
                };
            }
            14..=15 => column.kind = other_kind(column.kind, dice),
            16 => column.nullable = !column.nullable,
            17 => {
                column.default = match column.default {
                    Some(_) if dice.chance(50) => None,
                    _ => Some(dice.below(8)),
                }
            }
            18 => column.collated = !column.collated,
            19 => {
                if let Some(generated) = &mut column.generated {
                    match dice.below(3) {
                        0 => column.generated = None,
                        1 => generated.form += 1,
                        _ => generated.stored = !generated.stored,
                    }
                } else {
                    let mut known = table.clone();
                    known.columns.retain(|source| source.kind == column.kind);
                    generate(&known, &mut column, dice);
                }
            }
            _ => column.comment = self.comment(dice),
        }
        self.schema.tables[at].columns[which] = column;
    }

    fn drop_part(&mut self, at: usize, dice: &mut Dice<'_>) {
        let table = &mut self.schema.tables[at];
        let count = table.uniques.len()
            + table.checks.len()
            + table.indexes.len()
            + table.foreign_keys.len();
        if count == 0 {
            return;
        }
        let mut which = dice.below(count);
        if which < table.uniques.len() {
            table.uniques.remove(which);
            return;
        }
        which -= table.uniques.len();
        if which < table.checks.len() {
            table.checks.remove(which);
            return;
        }
        which -= table.checks.len();
        if which < table.indexes.len() {
            table.indexes.remove(which);
            return;
        }
        table.foreign_keys.remove(which - table.indexes.len());
    }

    fn change_part(&mut self, at: usize, dice: &mut Dice<'_>) {
        let name = self.optional_name("other", dice);
        let table = &mut self.schema.tables[at];
        match dice.below(5) {
            0 => {
                for key in &mut table.foreign_keys {
                    key.on_delete = dice.below(ACTIONS.len());
                    key.deferral = dice.below(DEFERRALS.len());
                }
            }
            1 => table.checks.iter_mut().for_each(|check| check.form += 1),
            2 => {
                for index in &mut table.indexes {
                    index.unique = !index.unique;
                    index.parts[0].descending = !index.parts[0].descending;
                }
            }
            3 => table
                .uniques
                .iter_mut()
                .take(1)
                .for_each(|one| one.name.clone_from(&name)),
            _ => table
                .checks
                .iter_mut()
                .take(1)
                .for_each(|one| one.name.clone_from(&name)),
        }
    }

    fn change_enum(&mut self, dice: &mut Dice<'_>) {
        let id = self.id();
        let Some(one) = self.schema.enums.first_mut() else {
            return;
        };
        let which = dice.below(one.values.len());
        match dice.below(3) {
            0 => one.values.insert(which, (id, format!("new {id}"))),
            1 => one.values[which].1 = format!("other {id}"),
            // The first one stays, so that every row can have it.
            _ if which > 0 => drop(one.values.remove(which)),
            _ => {}
        }
    }
}

/// A kind to which every value of a row converts, and back.
fn other_kind(kind: Kind, dice: &mut Dice<'_>) -> Kind {
    let numbers = [
        Kind::Integer,
        Kind::BigInteger,
        Kind::SmallInteger,
        Kind::Decimal(10, 2),
        Kind::Decimal(12, 4),
    ];
    let texts = [
        Kind::Varchar(12),
        Kind::Varchar(20),
        Kind::Varchar(40),
        Kind::Text,
    ];
    let to_text = dice.chance(25);
    let choices: &[Kind] = match kind.family() {
        Family::Text => &texts,
        Family::Number if to_text => &texts[2..],
        Family::Number => &numbers,
        Family::Date | Family::DateTime | Family::Uuid => &texts[2..],
        _ => return kind,
    };
    choices[dice.below(choices.len())]
}

fn swap_case(name: &str) -> String {
    let swap = |letter: char| {
        if letter.is_ascii_lowercase() {
            letter.to_ascii_uppercase()
        } else {
            letter.to_ascii_lowercase()
        }
    };
    name.chars().map(swap).collect()
}
