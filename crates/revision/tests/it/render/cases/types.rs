//! Types of columns.

use revision::operation::{Change, Operation};
use sea_orm::sea_query::{ColumnDef, ColumnType, PgInterval, RcOrArc, StringLen};

use super::tables::table;
use super::{Row, Setup, alter, drop_table};

pub(super) fn rows() -> Vec<Row> {
    vec![
        created("types_of_both", Setup::Both, both()),
        created("types_of_postgres", Setup::OnlyPostgres, postgres()),
        set("set_types_of_both", Setup::Both, both()),
        set("set_types_of_postgres", Setup::OnlyPostgres, postgres()),
    ]
}

fn both() -> Vec<ColumnType> {
    vec![
        ColumnType::Char(None),
        ColumnType::Char(Some(3)),
        ColumnType::String(StringLen::None),
        ColumnType::String(StringLen::N(12_000)),
        ColumnType::String(StringLen::Max),
        ColumnType::Text,
        ColumnType::Blob,
        ColumnType::TinyInteger,
        ColumnType::SmallInteger,
        ColumnType::Integer,
        ColumnType::BigInteger,
        ColumnType::TinyUnsigned,
        ColumnType::SmallUnsigned,
        ColumnType::Unsigned,
        ColumnType::BigUnsigned,
        ColumnType::Float,
        ColumnType::Double,
        ColumnType::Decimal(None),
        ColumnType::Decimal(Some((10, 2))),
        ColumnType::DateTime,
        ColumnType::Timestamp,
        ColumnType::TimestampWithTimeZone,
        ColumnType::Time,
        ColumnType::Date,
        ColumnType::Binary(1),
        ColumnType::VarBinary(StringLen::None),
        ColumnType::VarBinary(StringLen::N(16)),
        ColumnType::VarBinary(StringLen::Max),
        ColumnType::Boolean,
        ColumnType::Money(None),
        ColumnType::Json,
        ColumnType::JsonBinary,
        ColumnType::Uuid,
        ColumnType::custom("varchar(7)"),
    ]
}

fn postgres() -> Vec<ColumnType> {
    vec![
        ColumnType::Bit(None),
        ColumnType::Bit(Some(8)),
        ColumnType::VarBit(8),
        ColumnType::Interval(None, None),
        ColumnType::Interval(Some(PgInterval::YearToMonth), None),
        ColumnType::Interval(Some(PgInterval::Second), Some(3)),
        ColumnType::Array(RcOrArc::new(ColumnType::Integer)),
        ColumnType::Array(RcOrArc::new(ColumnType::String(StringLen::N(5)))),
        ColumnType::Cidr,
        ColumnType::Inet,
        ColumnType::MacAddr,
        ColumnType::custom("int4range"),
    ]
}

/// A table of each type: NOT NULL, NULL, neither of them, and unique in two ways.
fn created(name: &'static str, setup: fn(&'static str) -> Setup, types: Vec<ColumnType>) -> Row {
    let tables = types.into_iter().enumerate().map(|(number, column_type)| {
        let column = |name: &str| ColumnDef::new_with_type(name.to_owned(), column_type.clone());
        let mut columns = vec![
            column("a").not_null().take(),
            column("b").null().take(),
            column("c"),
        ];
        // PostgreSQL cannot compare the texts of JSON.
        if column_type != ColumnType::Json {
            columns.push(column("d").not_null().unique_key().take());
            columns.push(column("e").null().unique_key().take());
        }
        Operation::CreateTable(table(&format!("t{number}"), columns))
    });
    let up: Vec<Operation> = tables.collect();
    let down = (0..up.len()).map(|number| drop_table(&format!("t{number}")));
    let down = down.collect();
    (name, setup("SELECT 1"), up, down)
}

/// An empty column of text that becomes one after the other, and text again in between.
fn set(name: &'static str, setup: fn(&'static str) -> Setup, types: Vec<ColumnType>) -> Row {
    let set = |column_type| Change::SetType {
        column: "a".to_owned(),
        column_type,
        using: Some(sea_orm::sea_query::Expr::null()),
    };
    let each = types
        .into_iter()
        .map(|column_type| alter("t", vec![set(column_type), set(ColumnType::Text)]));
    let table = setup("CREATE TABLE t (id integer PRIMARY KEY, a text)");
    (name, table, each.collect(), Vec::new())
}
