//! The rows: each value follows from the number of its row, so that keys are unique and children have parents.
//!
//! What cannot succeed with rows is tried without: a foreign key whose parents were dropped with their table, or a
//! unique column that was dropped and is brought back without its values.

use std::collections::BTreeMap;

use sea_orm::DbBackend;

use super::dice::Dice;
use super::model::{Column, Family, Id, Kind, Schema, Table};
use super::pair::{Pair, needs_fill};
use super::sql::{self, quote};

/// The value of a column in a row, as far as constraints are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// What follows from the number of the row, and from what kind of value it was first.
    Own(usize, Family, bool),
    Null,
    /// The decided value: the same in every row, and permitted by every CHECK.
    Filled,
    /// A default or a value that says nothing: the same in every row.
    Same,
    /// A number that the database gives.
    Counted(usize),
    /// Something computed.
    Any,
}

/// How many rows a table has, with the cells of each.
type Cells = BTreeMap<Id, Vec<BTreeMap<Id, Cell>>>;

/// As many rows as were thrown, less where a constraint on the way there or back could not hold.
pub(super) fn settle(pair: &Pair, bytes: &[u8]) -> Vec<(Id, usize)> {
    let mut dice = Dice::new(bytes);
    let tables = pair.before.tables.iter();
    let mut counts: BTreeMap<Id, usize> = tables.map(|table| (table.id, dice.below(9))).collect();
    // A pair that is as small as can be has rows all the same.
    for count in counts.values_mut() {
        *count = 8 - *count;
    }
    // What was computed need not convert.
    for old in &pair.before.tables {
        let is_lost = |column: &Column| {
            let later = pair
                .after
                .table(old.id)
                .and_then(|table| table.column(column.id));
            later.is_some_and(|later| {
                later.generated.is_some() != column.generated.is_some() && later.kind != column.kind
            })
        };
        if old.columns.iter().any(is_lost) {
            counts.insert(old.id, 0);
        }
    }
    loop {
        let before = start(pair, &counts);
        let after = go(&pair.before, &pair.after, &before, Fill::Decided);
        let back = go(&pair.after, &pair.before, &after, Fill::Empty);
        let again = go(&pair.before, &pair.after, &back, Fill::Decided);
        let states = [
            (&pair.before, &before),
            (&pair.after, &after),
            (&pair.before, &back),
            (&pair.after, &again),
        ];
        let mut violations = states
            .iter()
            .filter_map(|(schema, cells)| violation(schema, cells));
        let Some((table, most)) = violations.next() else {
            return counts.into_iter().collect();
        };
        counts.insert(table, most);
    }
}

fn start(pair: &Pair, counts: &BTreeMap<Id, usize>) -> Cells {
    let tables = pair.before.tables.iter().map(|table| {
        let rows = (1..=counts[&table.id]).map(|row| {
            let columns = table.columns.iter();
            columns
                .map(|column| {
                    let cell = if is_null(pair, table, column, row) {
                        Cell::Null
                    } else if column.generated.is_some() {
                        Cell::Any
                    } else {
                        Cell::Own(row, column.kind.family(), is_fraction(pair, table, column))
                    };
                    (column.id, cell)
                })
                .collect()
        });
        (table.id, rows.collect())
    });
    tables.collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Fill {
    Decided,
    Empty,
}

/// The rows on the way from one schema to the other.
fn go(from: &Schema, to: &Schema, cells: &Cells, fill: Fill) -> Cells {
    let tables = to.tables.iter().map(|table| {
        let empty = Vec::new();
        let rows = cells.get(&table.id).unwrap_or(&empty);
        let old = from.table(table.id);
        let rows = rows.iter().enumerate().map(|(number, row)| {
            let columns = table.columns.iter().map(|column| {
                let before = row.get(&column.id).copied();
                let filled = match fill {
                    Fill::Decided => old
                        .is_some_and(|old| needs_fill(old, table, column))
                        .then_some(Cell::Filled),
                    Fill::Empty => (before.is_none() && !column.nullable).then_some(Cell::Same),
                };
                let has_default = column.default.is_some() && column.kind != Kind::Blob;
                let cell = match before {
                    _ if column.generated.is_some() => Cell::Any,
                    Some(Cell::Null) => filled.unwrap_or(Cell::Null),
                    Some(Cell::Any) if filled.is_some() => Cell::Same,
                    Some(cell) => cell,
                    None if table.counts(column.id) => Cell::Counted(number),
                    None if has_default => Cell::Same,
                    None => filled.unwrap_or(Cell::Null),
                };
                (column.id, cell)
            });
            columns.collect()
        });
        (table.id, rows.collect())
    });
    tables.collect()
}

/// A table that has more rows than its constraints permit, and how many they do.
fn violation(schema: &Schema, cells: &Cells) -> Option<(Id, usize)> {
    for table in &schema.tables {
        let rows = &cells[&table.id];
        let key = table.primary.iter().map(|key| &key.columns);
        let uniques = table.uniques.iter().map(|unique| unique.columns.clone());
        let indexes = table.indexes.iter().filter(|index| index.unique);
        let indexes = indexes.map(|index| index.parts.iter().map(|part| part.column).collect());
        let must_differ: Vec<Vec<Id>> = key.cloned().chain(uniques).chain(indexes).collect();
        let must_be: Vec<Id> = table
            .columns
            .iter()
            .filter(|column| !column.nullable || table.has_in_key(column.id))
            .map(|column| column.id)
            .collect();
        for (number, row) in rows.iter().enumerate() {
            let is_missing = |id: &Id| {
                row[id] == Cell::Null
                    || (row[id] == Cell::Any
                        && table
                            .column(*id)
                            .is_some_and(|column| column.generated.is_none()))
            };
            let checked = table.checks.iter().flat_map(|check| &check.columns);
            let mut unchecked =
                checked.filter(|id| !matches!(row[id], Cell::Own(..) | Cell::Null | Cell::Filled));
            if must_be.iter().any(is_missing) || unchecked.next().is_some() {
                return Some((table.id, 0));
            }
            let twin = |columns: &Vec<Id>| {
                rows[..number]
                    .iter()
                    .any(|other| columns.iter().all(|id| may_equal(row[id], other[id])))
            };
            if must_differ.iter().any(twin) {
                return Some((table.id, 1));
            }
            for key in &table.foreign_keys {
                let own: Vec<Cell> = key.columns.iter().map(|id| row[id]).collect();
                let parents = &cells[&key.parent];
                let mut found = parents.iter().map(|parent| {
                    let values = key.parent_columns.iter().map(|id| parent[id]);
                    values.collect::<Vec<Cell>>()
                });
                let is_own = own.iter().all(|cell| matches!(cell, Cell::Own(..)));
                let is_found = is_own && found.any(|values| values == own);
                if !own.contains(&Cell::Null) && !is_found {
                    return Some((table.id, number));
                }
            }
        }
    }
    None
}

fn may_equal(one: Cell, other: Cell) -> bool {
    match (one, other) {
        (Cell::Null, _) | (_, Cell::Null) => false,
        (Cell::Any, _) | (_, Cell::Any) => true,
        (one, other) => one == other,
    }
}

/// Every third value, where nothing forbids it before or after.
fn is_null(pair: &Pair, table: &Table, column: &Column, row: usize) -> bool {
    let number = usize::try_from(column.id).unwrap_or_default();
    let in_key = |table: &Table| table.has_in_key(column.id);
    let in_key_later = pair.after.table(table.id).is_some_and(in_key);
    column.nullable
        && column.generated.is_none()
        && !in_key(table)
        && !in_key_later
        && (row + number).is_multiple_of(3)
}

/// An expression that fills a column, in the words of both databases.
pub(super) fn fill(schema: &Schema, column: &Column, on_both: bool) -> String {
    match column.kind.family() {
        Family::Number => "777".to_owned(),
        Family::Text => "'filled'".to_owned(),
        Family::Boolean => "TRUE".to_owned(),
        Family::Date => "'2007-07-07'".to_owned(),
        Family::DateTime => "'2007-07-07 07:07:07'".to_owned(),
        Family::Instant => "'2007-07-07 07:07:07+00:00'".to_owned(),
        Family::Uuid => "'00000000-0000-0000-0000-000000000777'".to_owned(),
        Family::Blob if on_both => "'filled'".to_owned(),
        Family::Blob => "X'0777'".to_owned(),
        Family::Enum => match column.kind {
            Kind::Enum(id) => {
                let one = schema.find_enum(id).expect("a column's enum is there");
                sql::literal(&one.values[0].1)
            }
            _ => unreachable!("an enum has a name"),
        },
    }
}

/// The statements that put the rows in, where no foreign key is looked at yet.
pub(super) fn inserts(pair: &Pair, backend: DbBackend) -> Vec<String> {
    let mut statements = Vec::new();
    for table in &pair.before.tables {
        let count = pair.rows.iter().find(|(id, _)| *id == table.id);
        let ordinary = || {
            table
                .columns
                .iter()
                .filter(|column| column.generated.is_none())
        };
        let names: Vec<String> = ordinary().map(|column| quote(&column.name)).collect();
        for row in 1..=count.map_or(0, |(_, count)| *count) {
            let values: Vec<String> = ordinary()
                .map(|column| {
                    if is_null(pair, table, column, row) {
                        "NULL".to_owned()
                    } else {
                        value(pair, table, column, row, backend)
                    }
                })
                .collect();
            statements.push(format!(
                "INSERT INTO {} ({}) VALUES ({})",
                quote(&table.name),
                names.join(", "),
                values.join(", ")
            ));
        }
    }
    statements
}

/// Whether its numbers have a part behind the point, which every type that the column has on the way can keep.
fn is_fraction(pair: &Pair, table: &Table, column: &Column) -> bool {
    let later = pair
        .after
        .table(table.id)
        .and_then(|table| table.column(column.id));
    let is_decimal = |column: &Column| matches!(column.kind, Kind::Decimal(..));
    is_decimal(column) && later.is_none_or(is_decimal)
}

fn value(pair: &Pair, table: &Table, column: &Column, row: usize, backend: DbBackend) -> String {
    match column.kind.family() {
        Family::Number if is_fraction(pair, table, column) => format!("{row}.25"),
        Family::Number => row.to_string(),
        Family::Text => format!("'é {row} it''s'"),
        Family::Boolean => if row.is_multiple_of(2) {
            "TRUE"
        } else {
            "FALSE"
        }
        .to_owned(),
        Family::Date => format!("'2026-01-0{row}'"),
        Family::DateTime => format!("'2026-01-0{row} 10:00:00'"),
        Family::Instant => format!("'2026-01-0{row} 10:00:00+00'"),
        Family::Uuid => format!("'00000000-0000-0000-0000-00000000000{row}'"),
        Family::Blob if backend == DbBackend::Sqlite => format!("X'00FF0{row}'"),
        Family::Blob => format!("'\\x00ff0{row}'"),
        Family::Enum => {
            let Kind::Enum(id) = column.kind else {
                unreachable!("an enum has a name")
            };
            let one = pair.before.find_enum(id).expect("a column's enum is there");
            let later = pair.after.find_enum(id).unwrap_or(one);
            let is_kept = |id: Id| later.values.iter().any(|(other, _)| *other == id);
            let kept = one.values.iter().filter(|(id, _)| is_kept(*id));
            let kept: Vec<&String> = kept.map(|(_, text)| text).collect();
            sql::literal(kept[row % kept.len()])
        }
    }
}
