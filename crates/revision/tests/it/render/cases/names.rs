//! Names that Rust or SQL has for something else, or cannot have at all.

use revision::operation::{Change, Operation};
use sea_orm::sea_query::ColumnDef;
use sea_orm_migration::schema::{pk_auto, text_null};

use super::tables::{drop_index, index, on_drugs, part, table};
use super::{DRUGS, Row, Setup, alter, drop_column, drop_table};

pub(super) fn rows() -> Vec<Row> {
    let hard = "a\nb\u{202e}";
    let back = Change::AddColumn {
        column: Box::new(text_null("*/ c")),
        fill: None,
    };
    vec![
        tables(
            "names_in_the_scope_of_the_file",
            &[
                "table",
                "index",
                "expr",
                "migration",
                "string",
                "box",
                "self",
                "column_def",
                "foreign_key",
                "option",
            ],
        ),
        tables(
            "names_reserved_in_sql",
            &["order", "select", "group", "type", "crate", "user", "where"],
        ),
        tables(
            "names_with_signs",
            &[
                "with space",
                "it's",
                "a\"b",
                "back`tick",
                "back\\slash",
                "semi;colon--",
                "new\nline",
                "{brace}",
                "50%",
                "-",
            ],
        ),
        tables(
            "names_that_are_not_ascii",
            &["größe", "µg", "薬", "é", "e\u{301}", "🙂"],
        ),
        tables(
            "names_with_digits",
            &["2fa", "drug2", "drug_2", "v1_2_3", "a1b2", "1"],
        ),
        tables(
            "names_in_other_case",
            &[
                "DosageStrength",
                "dosage_strength",
                "ABC",
                "a_b_c",
                "ID",
                "_lead",
                "trail_",
                "two__lines",
            ],
        ),
        columns(
            "names_of_columns_in_the_scope",
            "drugs",
            &["table", "self", "id", "iden", "string", "drugs", "last"],
        ),
        columns(
            "names_of_columns_like_their_table",
            "drug",
            &["drug_id", "old_drug", "drug", "drugx", "last"],
        ),
        columns(
            "names_of_columns_that_end_alike",
            "t",
            &["a_table", "b_table", "table_c", "last"],
        ),
        columns(
            "names_of_columns_that_look_alike",
            "t",
            &["a_b", "a__b", "a b", "a-b", "_a_b", "ab"],
        ),
        columns(
            "names_of_columns_with_quotes",
            "it's \"a\" `t`",
            &["a\"b", "c'd", "e\\f", "g`h"],
        ),
        (
            "names_of_indexes",
            Setup::Both(DRUGS),
            vec![on_drugs(index("idx 'µ' \\ {}", vec![part("name")]))],
            vec![drop_index("idx 'µ' \\ {}")],
        ),
        (
            "names_in_remarks",
            Setup::Both("CREATE TABLE \"a\nb\u{202e}\" (id integer PRIMARY KEY, \"*/ c\" text)"),
            vec![alter(hard, vec![drop_column("*/ c")])],
            vec![alter(hard, vec![back])],
        ),
    ]
}

/// A table of each name.
fn tables(name: &'static str, tables: &[&str]) -> Row {
    let create = tables
        .iter()
        .map(|name| Operation::CreateTable(table(name, vec![pk_auto("id")])));
    let drop = tables.iter().map(|name| drop_table(name));
    (
        name,
        Setup::Both("SELECT 1"),
        create.collect(),
        drop.collect(),
    )
}

/// A table with these columns, the last of which is dropped.
fn columns(name: &'static str, of: &str, columns: &[&str]) -> Row {
    let last = columns.last().copied().unwrap_or_default();
    let columns: Vec<ColumnDef> = columns
        .iter()
        .map(|name| text_null((*name).to_owned()))
        .collect();
    let up = vec![
        Operation::CreateTable(table(of, columns)),
        alter(of, vec![drop_column(last)]),
    ];
    (name, Setup::Both("SELECT 1"), up, vec![drop_table(of)])
}
