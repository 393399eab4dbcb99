//! Types of columns: as the helper that makes such a column, and as a value.

use sea_orm::DbBackend;
use sea_orm::sea_query::{ColumnType, PgInterval, StringLen};

use super::call::{array, call};
use super::literal;
use crate::operation::spell;

/// The method of `ColumnDef` that gives a column this type, and its arguments.
///
/// `sea_orm_migration::schema` has functions of the same names, but for [`has_helper`].
pub(super) fn method(column_type: &ColumnType) -> Option<(&'static str, Vec<String>)> {
    let length = |length: &u32| vec![literal::length(*length)];
    let pair = |(one, other): &(u32, u32)| vec![literal::length(*one), literal::length(*other)];
    let plain = |name| Some((name, Vec::new()));
    match column_type {
        ColumnType::Char(Some(len)) => Some(("char_len", length(len))),
        ColumnType::Char(None) => plain("char"),
        ColumnType::String(StringLen::N(len)) => Some(("string_len", length(len))),
        ColumnType::String(StringLen::None) => plain("string"),
        ColumnType::Text => plain("text"),
        ColumnType::Blob => plain("blob"),
        ColumnType::TinyInteger => plain("tiny_integer"),
        ColumnType::SmallInteger => plain("small_integer"),
        ColumnType::Integer => plain("integer"),
        ColumnType::BigInteger => plain("big_integer"),
        ColumnType::TinyUnsigned => plain("tiny_unsigned"),
        ColumnType::SmallUnsigned => plain("small_unsigned"),
        ColumnType::Unsigned => plain("unsigned"),
        ColumnType::BigUnsigned => plain("big_unsigned"),
        ColumnType::Float => plain("float"),
        ColumnType::Double => plain("double"),
        ColumnType::Decimal(Some(size)) => Some(("decimal_len", pair(size))),
        ColumnType::Decimal(None) => plain("decimal"),
        ColumnType::DateTime => plain("date_time"),
        ColumnType::Timestamp => plain("timestamp"),
        ColumnType::TimestampWithTimeZone => plain("timestamp_with_time_zone"),
        ColumnType::Time => plain("time"),
        ColumnType::Date => plain("date"),
        ColumnType::Year => plain("year"),
        ColumnType::Interval(fields, precision) => {
            let arguments = vec![interval(fields.as_ref()), option(*precision)];
            Some(("interval", arguments))
        }
        ColumnType::Binary(len) => Some(("binary_len", length(len))),
        ColumnType::VarBinary(StringLen::N(len)) => Some(("var_binary", length(len))),
        ColumnType::Bit(len) => Some(("bit", vec![option(*len)])),
        ColumnType::VarBit(len) => Some(("varbit", length(len))),
        ColumnType::Boolean => plain("boolean"),
        ColumnType::Money(Some(size)) => Some(("money_len", pair(size))),
        ColumnType::Money(None) => plain("money"),
        ColumnType::Json => plain("json"),
        ColumnType::JsonBinary => plain("json_binary"),
        ColumnType::Uuid => plain("uuid"),
        ColumnType::Custom(name) => Some(("custom", vec![literal::text(&name.to_string())])),
        ColumnType::Enum { name, variants } => {
            let variants = variants
                .iter()
                .map(|variant| literal::text(&variant.to_string()));
            let arguments = vec![
                literal::text(&name.to_string()),
                array(&variants.collect::<Vec<_>>()),
            ];
            Some(("enumeration", arguments))
        }
        ColumnType::Array(element) => Some(("array", vec![value(element)])),
        ColumnType::Cidr => plain("cidr"),
        ColumnType::Inet => plain("inet"),
        ColumnType::MacAddr => plain("mac_address"),
        ColumnType::LTree => plain("ltree"),
        _ => None,
    }
}

/// Whether `sea_orm_migration::schema` has a function of the method's name.
pub(super) fn has_helper(method: &str) -> bool {
    !["cidr", "inet", "mac_address", "ltree"].contains(&method)
}

/// The type as a value.
pub(super) fn value(column_type: &ColumnType) -> String {
    let text = match column_type {
        ColumnType::Char(len) => format!("Char({})", option(*len)),
        ColumnType::String(len) => format!("String({})", string_len(*len)),
        ColumnType::VarBinary(len) => format!("VarBinary({})", string_len(*len)),
        ColumnType::Decimal(size) => format!("Decimal({})", option_of_pair(*size)),
        ColumnType::Money(size) => format!("Money({})", option_of_pair(*size)),
        ColumnType::Interval(fields, precision) => {
            format!(
                "Interval({}, {})",
                interval(fields.as_ref()),
                option(*precision)
            )
        }
        ColumnType::Binary(len) => format!("Binary({})", literal::length(*len)),
        ColumnType::VarBit(len) => format!("VarBit({})", literal::length(*len)),
        ColumnType::Bit(len) => format!("Bit({})", option(*len)),
        ColumnType::Vector(size) => format!("Vector({})", option(*size)),
        ColumnType::Custom(name) => call("custom", &[literal::text(&name.to_string())]),
        ColumnType::Enum { name, variants } => {
            let iden = |name: &str| format!("{}.into_iden()", literal::text(name));
            let variants = variants.iter().map(|variant| iden(&variant.to_string()));
            format!(
                "Enum {{ name: {}, variants: vec![{}] }}",
                iden(&name.to_string()),
                variants.collect::<Vec<_>>().join(", ")
            )
        }
        ColumnType::Array(element) => format!("Array(RcOrArc::new({}))", value(element)),
        ColumnType::Text
        | ColumnType::Blob
        | ColumnType::TinyInteger
        | ColumnType::SmallInteger
        | ColumnType::Integer
        | ColumnType::BigInteger
        | ColumnType::TinyUnsigned
        | ColumnType::SmallUnsigned
        | ColumnType::Unsigned
        | ColumnType::BigUnsigned
        | ColumnType::Float
        | ColumnType::Double
        | ColumnType::DateTime
        | ColumnType::Timestamp
        | ColumnType::TimestampWithTimeZone
        | ColumnType::Time
        | ColumnType::Date
        | ColumnType::Year
        | ColumnType::Boolean
        | ColumnType::Json
        | ColumnType::JsonBinary
        | ColumnType::Uuid
        | ColumnType::Cidr
        | ColumnType::Inet
        | ColumnType::MacAddr
        | ColumnType::LTree => format!("{column_type:?}"),
        _ => {
            let spelled = spell::column_type(DbBackend::Postgres, column_type);
            call("custom", &[literal::text(&spelled)])
        }
    };
    format!("ColumnType::{text}")
}

fn option(length: Option<u32>) -> String {
    match length {
        Some(length) => format!("Some({})", literal::length(length)),
        None => "None".to_owned(),
    }
}

fn option_of_pair(size: Option<(u32, u32)>) -> String {
    match size {
        Some((one, other)) => {
            format!(
                "Some(({}, {}))",
                literal::length(one),
                literal::length(other)
            )
        }
        None => "None".to_owned(),
    }
}

fn string_len(length: StringLen) -> String {
    match length {
        StringLen::N(length) => format!("StringLen::N({})", literal::length(length)),
        StringLen::Max => "StringLen::Max".to_owned(),
        StringLen::None => "StringLen::None".to_owned(),
    }
}

fn interval(fields: Option<&PgInterval>) -> String {
    match fields {
        Some(fields) => format!("Some(PgInterval::{fields:?})"),
        None => "None".to_owned(),
    }
}
