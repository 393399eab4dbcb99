//! Whether every value of one type is a value of another one.

use sea_orm::DbBackend;
use sea_orm::sea_query::ColumnType;

use crate::operation::spell;

/// As PostgreSQL calls it: SQLite's names say less.
pub(super) fn words(column_type: &ColumnType) -> String {
    spell::column_type(DbBackend::Postgres, column_type)
}

/// Whether a conversion keeps every value as it is.
pub(super) fn widens(from: &ColumnType, to: &ColumnType) -> bool {
    let (from, to) = (words(from).to_lowercase(), words(to).to_lowercase());
    if from == to {
        return true;
    }
    let ((from, from_size), (to, to_size)) = (split(&from), split(&to));
    match (rank(from), rank(to)) {
        (Some((kind, from)), Some((other, to))) if kind == other && kind != Kind::Text => {
            from <= to
        }
        (Some((Kind::Text, from)), Some((Kind::Text, to))) => {
            from <= to
                && (to_size.is_empty() || (!from_size.is_empty() && from_size[0] <= to_size[0]))
        }
        _ => is_decimal(from) && is_decimal(to) && fits(&from_size, &to_size),
    }
}

/// `decimal(10, 2)` is called `decimal`, and its size is 10 and 2.
fn split(text: &str) -> (&str, Vec<u32>) {
    let (name, size) = text.split_once('(').unwrap_or((text, ""));
    let size = size.trim_end_matches(')').split(',');
    let size = size.filter_map(|number| number.trim().parse().ok());
    (name.trim(), size.collect())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Float,
    Text,
}

/// Types of a kind are wider the further they are.
fn rank(name: &str) -> Option<(Kind, u8)> {
    Some(match name {
        "smallint" => (Kind::Integer, 1),
        "integer" | "int" => (Kind::Integer, 2),
        "bigint" => (Kind::Integer, 3),
        "real" => (Kind::Float, 1),
        "double precision" => (Kind::Float, 2),
        "varchar" | "character varying" => (Kind::Text, 1),
        "text" => (Kind::Text, 2),
        _ => return None,
    })
}

fn is_decimal(name: &str) -> bool {
    name == "decimal" || name == "numeric"
}

/// No digit is lost on either side of the point.
fn fits(from: &[u32], to: &[u32]) -> bool {
    match (from, to) {
        (_, []) => true,
        ([from, from_scale], [to, to_scale]) => {
            to_scale >= from_scale
                && to.saturating_sub(*to_scale) >= from.saturating_sub(*from_scale)
        }
        _ => false,
    }
}

/// Whether only the length of a text becomes less, or gets a limit.
pub(super) fn limit(to: &ColumnType) -> Option<u32> {
    let to = words(to).to_lowercase();
    let (name, size) = split(&to);
    let is_text = ["varchar", "character varying", "char", "character"].contains(&name);
    size.first().copied().filter(|_| is_text)
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::{ColumnType, StringLen};

    use super::widens;

    #[test]
    fn what_keeps_every_value_widens() {
        let varchar = |len| ColumnType::String(StringLen::N(len));
        let decimal = |precision, scale| ColumnType::Decimal(Some((precision, scale)));
        for (from, to, expected) in [
            (ColumnType::Integer, ColumnType::BigInteger, true),
            (ColumnType::BigInteger, ColumnType::Integer, false),
            (ColumnType::Integer, ColumnType::custom("BIGINT"), true),
            (ColumnType::Integer, ColumnType::Text, false),
            (varchar(10), varchar(20), true),
            (varchar(20), varchar(10), false),
            (varchar(20), ColumnType::Text, true),
            (ColumnType::Text, varchar(20), false),
            (ColumnType::String(StringLen::None), varchar(20), false),
            (ColumnType::Char(Some(2)), ColumnType::Text, false),
            (ColumnType::Float, ColumnType::Double, true),
            (decimal(10, 2), decimal(12, 2), true),
            (decimal(10, 2), decimal(10, 4), false),
            (decimal(10, 2), ColumnType::Decimal(None), true),
            (ColumnType::Decimal(None), decimal(10, 2), false),
            (ColumnType::Uuid, ColumnType::Uuid, true),
            (ColumnType::Date, ColumnType::Timestamp, false),
        ] {
            assert_eq!(widens(&from, &to), expected, "{from:?} to {to:?}");
        }
    }
}
