//! What a change has made impossible is taken away, so that every schema is one that both databases accept.

use super::model::{Family, ForeignKey, Kind, Schema, Table};
use super::sql;

pub(super) fn repair(schema: &mut Schema, on_both: bool) {
    for table in &mut schema.tables {
        columns(table);
        keys(table);
        if table.without_rowid && table.primary.is_none() {
            table.without_rowid = false;
        }
        // SQLite cannot rename a column of such a table: it loses its way between the two keys.
        let primary = table.primary.iter().flat_map(|key| &key.columns);
        let primary: Vec<u32> = primary.copied().collect();
        let mut in_uniques = table.uniques.iter().flat_map(|unique| &unique.columns);
        table.without_rowid &= !in_uniques.any(|column| primary.contains(column));
        let says_all = |kind: Kind| !on_both || kind.is_strict_on_both();
        table.strict &= table.columns.iter().all(|column| says_all(column.kind));
    }
    foreign_keys(schema);
}

fn columns(table: &mut Table) {
    let sources = table.clone();
    for column in &mut table.columns {
        let is_text = column.kind.family() == Family::Text;
        column.collated &= is_text;
        if let Some(generated) = column.generated {
            let source = sources.column(generated.from);
            let fits = |source: &super::model::Column| {
                let same = source.kind == column.kind;
                source.generated.is_none() && source.id != column.id && same
            };
            if !source.is_some_and(fits) || sources.has_in_key(column.id) {
                column.generated = None;
            }
        }
        if column.generated.is_some() {
            column.default = None;
            column.nullable = true;
        }
    }
    // A generated column of SQLite cannot be all there is.
    if table
        .columns
        .iter()
        .all(|column| column.generated.is_some())
    {
        table.columns[0].generated = None;
    }
}

fn keys(table: &mut Table) {
    let known = table.clone();
    let is_key = |columns: &[u32]| {
        let mut each = columns.iter();
        !columns.is_empty()
            && each.all(|id| {
                let column = known.column(*id);
                column.is_some_and(|column| column.kind.can_be_key() && column.generated.is_none())
            })
    };
    table.primary = table.primary.take().filter(|key| is_key(&key.columns));
    // PostgreSQL leaves out a constraint that the primary key says already.
    let mut seen: Vec<Vec<u32>> = table
        .primary
        .iter()
        .map(|key| key.columns.clone())
        .collect();
    table.uniques.retain(|unique| {
        let is_new = !seen.contains(&unique.columns);
        seen.push(unique.columns.clone());
        is_new && is_key(&unique.columns)
    });
    table.checks.retain(|check| {
        let mut each = check.columns.iter();
        each.all(|id| {
            let column = known.column(*id);
            column.is_some_and(|column| {
                sql::can_be_checked(column.kind.family()) && column.generated.is_none()
            })
        })
    });
    table.indexes.retain(|index| {
        let columns: Vec<u32> = index.parts.iter().map(|part| part.column).collect();
        columns.iter().all(|id| known.column(*id).is_some())
            && index.predicate.is_none_or(|id| known.column(id).is_some())
            && (!index.unique || is_key(&columns))
    });
    let without_rowid = table.without_rowid;
    if let Some(key) = &mut table.primary {
        let lone = match &key.columns[..] {
            [lone] => known.column(*lone),
            _ => None,
        };
        let can_count = lone.is_some_and(|column| {
            matches!(column.kind, Kind::Integer | Kind::BigInteger) && column.generated.is_none()
        });
        key.counting &= can_count && !without_rowid;
        let counted = key.columns.first().copied().filter(|_| key.counting);
        for column in &mut table.columns {
            if Some(column.id) == counted {
                column.default = None;
                column.nullable = false;
            }
        }
    }
}

fn foreign_keys(schema: &mut Schema) {
    let known = schema.clone();
    for table in &mut schema.tables {
        let own = known.table(table.id).expect("it is a copy");
        let mut seen: Vec<Vec<u32>> = Vec::new();
        table.foreign_keys.retain(|key| {
            let is_new = !seen.contains(&key.columns);
            seen.push(key.columns.clone());
            is_new && is_possible(&known, own, key)
        });
    }
}

pub(super) fn is_possible(schema: &Schema, table: &Table, key: &ForeignKey) -> bool {
    let Some(parent) = schema.table(key.parent) else {
        return false;
    };
    let mut pairs = key.columns.iter().zip(&key.parent_columns);
    key.columns.len() == key.parent_columns.len()
        && parent.keys().contains(&&key.parent_columns)
        && pairs.all(|(child, parent_column)| {
            let (Some(child), Some(other)) = (table.column(*child), parent.column(*parent_column))
            else {
                return false;
            };
            child.generated.is_none()
                && !table.counts(child.id)
                && child.kind.family() == other.kind.family()
                // A number of one kind is not always found among those of another.
                && (matches!(child.kind, Kind::Decimal(..))
                    == matches!(other.kind, Kind::Decimal(..)))
        })
}
