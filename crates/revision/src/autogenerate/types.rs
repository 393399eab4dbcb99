//! Which of sea-query's types a column has, found by how each of them is spelled on both databases.

use std::collections::BTreeMap;

use sea_orm::DbBackend;
use sea_orm::sea_query::{Alias, ColumnType, Expr, IntoIden as _, StringLen};

use super::spelling::quoted;
use crate::operation::spell;

/// The type that is spelled like this on SQLite and, where it was read, on PostgreSQL.
///
/// SQLite spells several of them alike: an `integer` is taken for the widest, which loses nothing. What sea-query has
/// no word for stays as it is written.
pub(super) fn neutral(
    sqlite: &str,
    postgres: Option<&str>,
    enums: &BTreeMap<String, Vec<String>>,
) -> ColumnType {
    if let Some(name) = postgres
        && let Some((name, values)) = enums.get_key_value(name.trim_matches('"'))
    {
        return ColumnType::Enum {
            // sea-query writes it as it is.
            name: Alias::new(quoted(name)).into_iden(),
            variants: values
                .iter()
                .map(|value| Alias::new(value).into_iden())
                .collect(),
        };
    }
    let numbers = numbers(sqlite)
        .or_else(|| postgres.and_then(numbers))
        .unwrap_or_default();
    let fits = |candidate: &ColumnType| {
        plain(&spell::column_type(DbBackend::Sqlite, candidate)) == plain(sqlite)
            && postgres.is_none_or(|postgres| {
                let spelled = spell::column_type(DbBackend::Postgres, candidate);
                postgres_name(&spelled) == postgres_name(postgres)
            })
    };
    candidates(&numbers)
        .into_iter()
        .find(fits)
        .unwrap_or_else(|| ColumnType::Custom(Alias::new(sqlite).into_iden()))
}

/// Whether SQLite's spelling alone leaves it open which type it is.
pub(super) fn is_ambiguous(sqlite: &str) -> bool {
    matches!(
        plain(sqlite).as_str(),
        "integer" | "smallint" | "tinyint" | "enum_text"
    )
}

/// Every type that both databases have, the one that is meant most often first among those that SQLite spells alike.
fn candidates(numbers: &[u32]) -> Vec<ColumnType> {
    let mut types = vec![
        ColumnType::String(StringLen::None),
        ColumnType::Text,
        ColumnType::BigInteger,
        ColumnType::Integer,
        ColumnType::SmallInteger,
        ColumnType::SmallUnsigned,
        ColumnType::TinyInteger,
        ColumnType::Boolean,
        ColumnType::Float,
        ColumnType::Double,
        ColumnType::Decimal(None),
        ColumnType::Money(None),
        ColumnType::DateTime,
        ColumnType::Timestamp,
        ColumnType::TimestampWithTimeZone,
        ColumnType::Time,
        ColumnType::Date,
        ColumnType::Blob,
        ColumnType::VarBinary(StringLen::None),
        ColumnType::Json,
        ColumnType::JsonBinary,
        ColumnType::Uuid,
        ColumnType::Char(None),
    ];
    match *numbers {
        [length] => types.extend([
            ColumnType::String(StringLen::N(length)),
            ColumnType::Char(Some(length)),
            ColumnType::Binary(length),
            ColumnType::VarBinary(StringLen::N(length)),
        ]),
        [precision, scale] => types.extend([
            ColumnType::Decimal(Some((precision, scale))),
            ColumnType::Money(Some((precision, scale))),
        ]),
        _ => {}
    }
    types
}

/// The numbers in its brackets.
fn numbers(text: &str) -> Option<Vec<u32>> {
    let (_, rest) = text.split_once('(')?;
    let (inner, _) = rest.split_once(')')?;
    inner
        .split(',')
        .map(|one| one.trim().parse().ok())
        .collect()
}

fn plain(text: &str) -> String {
    text.chars()
        .filter(|letter| *letter != ' ')
        .flat_map(char::to_lowercase)
        .collect()
}

/// PostgreSQL's own name of a type that may be written by a shorter one.
pub(super) fn postgres_name(text: &str) -> String {
    let text = text.to_lowercase();
    let (name, rest) = match text.split_once('(') {
        Some((name, rest)) => (name.trim().to_owned(), format!("({rest}")),
        None => (text.clone(), String::new()),
    };
    let name = match name.as_str() {
        "varchar" => "character varying",
        "char" | "bpchar" => "character",
        "bool" => "boolean",
        "decimal" => "numeric",
        "smallserial" => "smallint",
        "serial" => "integer",
        "bigserial" => "bigint",
        "timestamp" => "timestamp without time zone",
        "time" => "time without time zone",
        other => other,
    };
    // A lone character is one of length 1.
    let rest = if name == "character" && rest.is_empty() {
        "(1)".to_owned()
    } else {
        rest
    };
    plain(&format!("{name}{rest}"))
}

/// A value that says nothing, for a column that must have one.
pub(super) fn empty(column_type: &ColumnType) -> Expr {
    match column_type {
        ColumnType::Boolean => Expr::val(false),
        ColumnType::Date => Expr::cust("'1970-01-01'"),
        ColumnType::Time => Expr::cust("'00:00:00'"),
        ColumnType::DateTime | ColumnType::Timestamp => Expr::cust("'1970-01-01 00:00:00'"),
        ColumnType::TimestampWithTimeZone => Expr::cust("'1970-01-01 00:00:00+00:00'"),
        ColumnType::Json | ColumnType::JsonBinary => Expr::cust("'null'"),
        ColumnType::Uuid => Expr::cust("'00000000-0000-0000-0000-000000000000'"),
        ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text => Expr::val(""),
        ColumnType::Custom(name) => match empty_of(&name.to_string()) {
            Some(known) => empty(&known),
            None => Expr::val(""),
        },
        ColumnType::Blob | ColumnType::Binary(_) | ColumnType::VarBinary(_) => {
            Expr::val(Vec::<u8>::new())
        }
        ColumnType::Enum { variants, .. } => Expr::val(
            variants
                .first()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        ColumnType::Array(_) => Expr::cust("'{}'"),
        _ => Expr::val(0),
    }
}

/// What a type that sea-query spells otherwise comes nearest to.
fn empty_of(name: &str) -> Option<ColumnType> {
    let name = name.to_lowercase();
    let kinds: [(&[&str], ColumnType); 8] = [
        (&["bool"], ColumnType::Boolean),
        (
            &["timestamptz", "timestamp with"],
            ColumnType::TimestampWithTimeZone,
        ),
        (&["timestamp", "datetime"], ColumnType::DateTime),
        (&["date"], ColumnType::Date),
        (&["time"], ColumnType::Time),
        (&["json"], ColumnType::Json),
        (&["uuid"], ColumnType::Uuid),
        (
            &["int", "real", "floa", "doub", "dec", "num"],
            ColumnType::Integer,
        ),
    ];
    let mut kinds = kinds.into_iter();
    let is_it = |words: &[&str]| words.iter().any(|word| name.contains(word));
    kinds.find(|(words, _)| is_it(words)).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sea_orm::DbBackend;
    use sea_orm::sea_query::ColumnType;

    use super::{candidates, neutral, postgres_name};
    use crate::operation::spell;

    #[test]
    fn every_type_is_found_by_its_two_spellings() {
        let server = |text: &str| postgres_name(text);
        for numbers in [vec![], vec![12], vec![10, 2]] {
            for candidate in candidates(&numbers) {
                let sqlite = spell::column_type(DbBackend::Sqlite, &candidate);
                let postgres = spell::column_type(DbBackend::Postgres, &candidate);
                let found = neutral(&sqlite, Some(&server(&postgres)), &BTreeMap::new());
                let again = |backend| spell::column_type(backend, &found);
                assert_eq!(again(DbBackend::Sqlite), sqlite, "{candidate:?}");
                assert_eq!(again(DbBackend::Postgres), postgres, "{candidate:?}");
            }
        }
    }

    #[test]
    fn an_integer_of_sqlite_is_taken_for_the_widest() {
        let none = BTreeMap::new();
        assert_eq!(neutral("integer", None, &none), ColumnType::BigInteger);
        assert_eq!(
            neutral("integer", Some("integer"), &none),
            ColumnType::Integer
        );
    }

    #[test]
    fn what_sea_query_has_no_word_for_stays_as_it_is() {
        let found = neutral("geometry(point)", None, &BTreeMap::new());
        assert_eq!(
            spell::column_type(DbBackend::Sqlite, &found),
            "geometry(point)"
        );
    }
}
