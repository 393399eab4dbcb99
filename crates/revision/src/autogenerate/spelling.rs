//! Texts as they are read, made into texts that can be executed.

use sea_orm::sea_query::Expr;

use crate::ddl::{names, quote, tokenize};
use crate::schema::Table;

/// An expression about a table's columns, with a quote around each name that needs one.
///
/// The reader writes a name without its quotes wherever it can be told from the rest; a server would take `order` for a
/// keyword, and `Dose` for `dose`.
pub(super) fn expression(text: &str, table: &Table) -> String {
    let Ok((tokens, _)) = tokenize(text) else {
        return text.to_owned();
    };
    let mut spelled = String::new();
    for (index, token) in tokens.iter().enumerate() {
        let is_called = tokens
            .get(index + 1)
            .is_some_and(|next| next.is_symbol("("));
        let is_word = token.name().is_some() && !token.text.starts_with('\'') && !is_called;
        let column = token
            .name()
            .filter(|_| is_word)
            .and_then(|name| table.column(&name));
        spelled.push_str(&token.lead);
        match column {
            Some(column) => spelled.push_str(&quoted(&column.name)),
            _ => spelled.push_str(&token.text),
        }
    }
    spelled
}

/// Whether an expression speaks of the column of this name.
pub(super) fn speaks_of(text: &str, name: &str) -> bool {
    tokenize(text).is_ok_and(|(tokens, _)| names(&tokens).contains(&name.to_lowercase()))
}

/// The column of this name as it is really spelled.
pub(super) fn column(name: &str, table: &Table) -> String {
    table
        .column(name)
        .map_or_else(|| name.to_owned(), |column| column.name.clone())
}

/// The value of a DEFAULT; a plain one stays a value, so that it is written as one.
pub(super) fn default(text: &str, table: &Table) -> Expr {
    let is_text = text.len() >= 2 && text.starts_with('\'') && text.ends_with('\'');
    if is_text && !text[1..text.len() - 1].replace("''", "").contains('\'') {
        return Expr::val(text[1..text.len() - 1].replace("''", "'"));
    }
    match text {
        "true" => return Expr::val(true),
        "false" => return Expr::val(false),
        "current_timestamp" => return Expr::current_timestamp(),
        "current_date" => return Expr::current_date(),
        "current_time" => return Expr::current_time(),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>()
        && number.to_string() == text
    {
        return Expr::val(number);
    }
    if let Ok(number) = text.parse::<f64>()
        && number.to_string() == text
    {
        return Expr::val(number);
    }
    Expr::cust(expression(text, table))
}

/// A name as it must be written.
pub(super) fn quoted(name: &str) -> String {
    if needs_quotes(name) {
        quote(name)
    } else {
        name.to_owned()
    }
}

fn needs_quotes(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    !name.starts_with(is_plain)
        || !name
            .chars()
            .all(|letter| is_plain(letter) || letter.is_ascii_digit())
        || RESERVED.contains(&name)
}

/// What one of the two databases does not take for the name of a column where an expression can be.
const RESERVED: &[&str] = &[
    "abort",
    "action",
    "add",
    "all",
    "alter",
    "always",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "autoincrement",
    "begin",
    "between",
    "binary",
    "both",
    "by",
    "cascade",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "commit",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "deferred",
    "delete",
    "desc",
    "distinct",
    "do",
    "drop",
    "else",
    "end",
    "escape",
    "except",
    "exists",
    "explain",
    "false",
    "fetch",
    "filter",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "generated",
    "glob",
    "grant",
    "group",
    "having",
    "if",
    "ilike",
    "in",
    "index",
    "indexed",
    "initially",
    "inner",
    "insert",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "match",
    "materialized",
    "natural",
    "not",
    "nothing",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "over",
    "overlaps",
    "partition",
    "placing",
    "pragma",
    "primary",
    "raise",
    "references",
    "regexp",
    "reindex",
    "release",
    "rename",
    "replace",
    "restrict",
    "returning",
    "right",
    "rollback",
    "row",
    "rows",
    "savepoint",
    "select",
    "session_user",
    "set",
    "similar",
    "some",
    "symmetric",
    "table",
    "tablesample",
    "temp",
    "then",
    "to",
    "trailing",
    "transaction",
    "trigger",
    "true",
    "union",
    "unique",
    "update",
    "user",
    "using",
    "values",
    "variadic",
    "verbose",
    "view",
    "virtual",
    "when",
    "where",
    "window",
    "with",
    "without",
];

#[cfg(test)]
mod tests {
    use super::{expression, needs_quotes};
    use crate::schema::{Column, Table};

    fn table(columns: &[&str]) -> Table {
        let columns = columns.iter().map(|name| Column {
            name: (*name).to_owned(),
            type_: "integer".to_owned(),
            nullable: true,
            default: None,
            collation: None,
            generated: None,
            identity: None,
            comment: None,
            extra: None,
        });
        Table {
            columns: columns.collect(),
            ..Table::default()
        }
    }

    #[test]
    fn a_name_gets_quotes_only_where_it_needs_them() {
        let table = table(&["dose", "order", "Unit", "length", "a b"]);
        for (text, expected) in [
            ("dose > 0", "dose > 0"),
            ("order > 0 and dose = 1", "\"order\" > 0 and dose = 1"),
            ("unit = 'order'", "\"Unit\" = 'order'"),
            ("length(unit) > length", "length(\"Unit\") > length"),
            ("\"a b\" is not null", "\"a b\" is not null"),
        ] {
            assert_eq!(expression(text, &table), expected);
        }
    }

    #[test]
    fn keywords_and_capitals_need_quotes() {
        for (name, expected) in [
            ("dose", false),
            ("dose_1", false),
            ("Dose", true),
            ("order", true),
            ("1st", true),
            ("größe", true),
        ] {
            assert_eq!(needs_quotes(name), expected, "{name}");
        }
    }
}
