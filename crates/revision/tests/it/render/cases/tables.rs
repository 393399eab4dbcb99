//! Whole tables, indexes and enums.

use revision::operation::{Change, CreateIndex, CreateTable, Key, Operation};
use revision::schema::{Action, Deferral, ForeignKey, Index, KeyPart};
use sea_orm::sea_query::{ColumnDef, ColumnType, Expr};
use sea_orm_migration::schema::{
    big_pk_auto, enumeration, integer, integer_null, pk_auto, pk_uuid, string, string_len,
    text_null,
};

use super::{DRUGS, Row, Setup, alter, drop_column, drop_table, texts};

pub(super) fn table(name: &str, columns: Vec<ColumnDef>) -> CreateTable {
    CreateTable {
        table: name.to_owned(),
        columns,
        primary_key: None,
        uniques: Vec::new(),
        checks: Vec::new(),
        foreign_keys: Vec::new(),
    }
}

fn key(name: Option<&str>, columns: &[&str]) -> Key {
    Key {
        name: name.map(str::to_owned),
        columns: texts(columns),
    }
}

/// From columns to columns of the same names, or to `id` from one.
pub(super) fn foreign_key(
    name: Option<&str>,
    columns: &[&str],
    parent: &str,
    to: &[&str],
) -> ForeignKey {
    ForeignKey {
        name: name.map(str::to_owned),
        columns: texts(columns),
        parent: parent.to_owned(),
        parent_columns: texts(to),
        on_delete: Action::NoAction,
        on_update: Action::NoAction,
        deferral: Deferral::NotDeferrable,
        extra: None,
    }
}

pub(super) fn part(text: &str) -> KeyPart {
    KeyPart {
        text: text.to_owned(),
        is_expression: false,
        collation: None,
        descending: false,
        extra: None,
    }
}

fn expression(text: &str) -> KeyPart {
    KeyPart {
        is_expression: true,
        ..part(text)
    }
}

fn descending(key: KeyPart) -> KeyPart {
    KeyPart {
        descending: true,
        ..key
    }
}

pub(super) fn index(name: &str, keys: Vec<KeyPart>) -> Index {
    Index {
        name: name.to_owned(),
        unique: false,
        keys,
        predicate: None,
        extra: None,
    }
}

pub(super) fn on_drugs(index: Index) -> Operation {
    Operation::CreateIndex(CreateIndex {
        table: "drugs".to_owned(),
        index,
        postgres: None,
    })
}

pub(super) fn drop_index(index: &str) -> Operation {
    Operation::DropIndex {
        table: "drugs".to_owned(),
        index: index.to_owned(),
    }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = tables();
    rows.extend(created());
    rows.extend(indexes());
    rows.extend(enums());
    rows
}

fn tables() -> Vec<Row> {
    let rename = |from: &str, to: &str| Operation::RenameTable {
        from: from.to_owned(),
        to: to.to_owned(),
    };
    let note = Change::AddColumn {
        column: Box::new(text_null("note")),
        fill: None,
    };
    let wide = (0..120).map(|number| text_null(format!("column_{number}")));
    vec![
        ("nothing", Setup::Both(DRUGS), Vec::new(), Vec::new()),
        (
            "drop_table_and_bring_it_back",
            Setup::Both(DRUGS),
            vec![drop_table("drugs")],
            vec![Operation::CreateTable(table(
                "drugs",
                vec![pk_auto("id"), text_null("note")],
            ))],
        ),
        (
            "rename_table",
            Setup::Both(DRUGS),
            vec![
                rename("drugs", "medicines"),
                alter("medicines", vec![drop_column("note")]),
            ],
            vec![alter("medicines", vec![note]), rename("medicines", "drugs")],
        ),
        (
            "long_migration_in_parts",
            Setup::Both(DRUGS),
            long(),
            (0..9)
                .rev()
                .map(|number| drop_table(&format!("part_{number}")))
                .collect(),
        ),
        (
            "wide_table",
            Setup::Both(DRUGS),
            vec![Operation::CreateTable(table("wide", wide.collect()))],
            vec![drop_table("wide")],
        ),
    ]
}

/// Tables with an index each.
fn long() -> Vec<Operation> {
    let names = (0..9).map(|number| format!("part_{number}"));
    let both = names.flat_map(|name| {
        let columns = ["a", "b", "c", "d", "e"].map(text_null);
        [
            Operation::CreateTable(table(&name, columns.to_vec())),
            Operation::CreateIndex(CreateIndex {
                index: index(&format!("idx-{name}-a"), vec![part("a")]),
                table: name,
                postgres: None,
            }),
        ]
    });
    both.collect()
}

fn created() -> Vec<Row> {
    let doses = |name, setup, create: CreateTable| -> Row {
        let back = vec![drop_table(&create.table)];
        (name, setup, vec![Operation::CreateTable(create)], back)
    };
    let parent = "CREATE TABLE p (a integer, b integer, c integer, d integer, \
                  PRIMARY KEY (a, b), UNIQUE (a, b, c), UNIQUE (a, b, c, d))";
    let to_p = |columns: &[&str]| foreign_key(None, columns, "p", columns);
    let companies = vec![pk_uuid("id"), string("name").unique_key().take()];
    let offers = vec![
        pk_auto("id"),
        ColumnDef::new_with_type("company_id", ColumnType::Uuid),
    ];
    vec![
        doses(
            "create_table",
            Setup::Both(DRUGS),
            table(
                "doses",
                vec![
                    big_pk_auto("id"),
                    string_len("unit", 30).default("tablet").take(),
                    integer("pieces").check(Expr::cust("pieces > 0")).take(),
                    text_null("note"),
                ],
            ),
        ),
        doses(
            "create_table_with_keys",
            Setup::Both(DRUGS),
            CreateTable {
                primary_key: Some(key(Some("pk-doses"), &["drug_id", "day"])),
                uniques: vec![
                    key(Some("uq-doses-day"), &["day"]),
                    key(None, &["day", "code"]),
                ],
                checks: vec![
                    (Some("ck-doses-day".to_owned()), Expr::cust("day > 0")),
                    (None, Expr::cust("code <> ''")),
                ],
                foreign_keys: vec![ForeignKey {
                    on_delete: Action::Cascade,
                    on_update: Action::SetNull,
                    ..foreign_key(Some("fk-doses-drug_id"), &["drug_id"], "drugs", &["id"])
                }],
                ..table(
                    "doses",
                    vec![integer("drug_id"), integer("day"), string("code")],
                )
            },
        ),
        doses(
            "create_table_with_composite_foreign_keys",
            Setup::Both(parent),
            CreateTable {
                foreign_keys: vec![
                    ForeignKey {
                        on_delete: Action::Restrict,
                        ..to_p(&["a", "b"])
                    },
                    ForeignKey {
                        on_update: Action::SetDefault,
                        ..to_p(&["a", "b", "c"])
                    },
                    to_p(&["a", "b", "c", "d"]),
                ],
                ..table("t", ["a", "b", "c", "d"].map(integer_null).to_vec())
            },
        ),
        (
            "create_tables_that_belong_together",
            Setup::Both(DRUGS),
            vec![
                Operation::CreateTable(table("companies", companies)),
                Operation::CreateTable(CreateTable {
                    foreign_keys: vec![foreign_key(None, &["company_id"], "companies", &["id"])],
                    ..table("offers", offers)
                }),
                alter(
                    "offers",
                    vec![Change::AddUnique {
                        name: Some("uq-offers-company_id".to_owned()),
                        columns: texts(&["company_id"]),
                    }],
                ),
            ],
            vec![drop_table("offers"), drop_table("companies")],
        ),
    ]
}

fn indexes() -> Vec<Row> {
    let one = |name, setup, created: Index| -> Row {
        let back = vec![drop_index(&created.name)];
        (name, setup, vec![on_drugs(created)], back)
    };
    let partial = |predicate: &str| Index {
        predicate: Some(predicate.to_owned()),
        ..index(
            "idx-drugs-name",
            vec![part("name"), descending(part("stock"))],
        )
    };
    let both = Setup::Both(DRUGS);
    vec![
        one("index", both, index("idx-drugs-name", vec![part("name")])),
        one(
            "index_that_is_unique",
            both,
            Index {
                unique: true,
                ..index("idx-drugs-name", vec![part("name"), part("note")])
            },
        ),
        one(
            "index_of_some_rows",
            both,
            partial("note <> 'it''s \"over\"'"),
        ),
        one(
            "index_of_expressions",
            both,
            index(
                "idx-drugs-lower",
                vec![
                    expression("lower(name)"),
                    descending(expression("stock + 1")),
                ],
            ),
        ),
        one(
            "index_of_a_name_with_a_quote",
            both,
            index("idx \"drugs\"", vec![part("name")]),
        ),
        one(
            "index_with_a_collation",
            Setup::OnlySqlite(DRUGS),
            index(
                "idx-drugs-name",
                vec![KeyPart {
                    collation: Some("NOCASE".to_owned()),
                    ..part("name")
                }],
            ),
        ),
        one(
            "index_with_a_method",
            Setup::OnlyPostgres(DRUGS),
            Index {
                extra: Some("using hash".to_owned()),
                ..index("idx-drugs-name", vec![part("name")])
            },
        ),
        (
            "index_that_is_another_on_postgres",
            both,
            vec![Operation::CreateIndex(CreateIndex {
                table: "drugs".to_owned(),
                index: partial("stock"),
                postgres: Some(partial("stock <> 0")),
            })],
            vec![drop_index("idx-drugs-name")],
        ),
    ]
}

fn enums() -> Vec<Row> {
    let setup = Setup::Each {
        sqlite: "CREATE TABLE drugs (id integer PRIMARY KEY, route enum_text DEFAULT 'oral')",
        postgres: "CREATE TYPE route AS ENUM ('oral', 'iv'); \
                   CREATE TABLE drugs (id integer PRIMARY KEY, route route DEFAULT 'oral'); INSERT INTO drugs (id) VALUES (1)",
    };
    let route = || "route".to_owned();
    let replace = |values: &[&str]| {
        vec![Operation::ReplaceEnum {
            name: route(),
            values: texts(values),
        }]
    };
    let add = |before: Option<&str>| {
        vec![Operation::AddEnumValue {
            name: route(),
            value: "it's \"new\"".to_owned(),
            before: before.map(str::to_owned),
        }]
    };
    let rename = |from: &str, to: &str| {
        vec![Operation::RenameEnumValue {
            name: route(),
            from: from.to_owned(),
            to: to.to_owned(),
        }]
    };
    let column = enumeration("route", "route", ["oral", "iv"]);
    vec![
        (
            "create_enum_and_its_table",
            Setup::Both(DRUGS),
            vec![
                Operation::CreateEnum {
                    name: route(),
                    values: texts(&["oral", "iv"]),
                },
                Operation::CreateTable(table("doses", vec![column])),
            ],
            vec![drop_table("doses"), Operation::DropEnum { name: route() }],
        ),
        // The server does not let a value be used in the transaction that has added it.
        ("add_enum_value", setup, add(None), Vec::new()),
        ("add_enum_value_before", setup, add(Some("iv")), Vec::new()),
        (
            "rename_enum_value",
            setup,
            rename("oral", "by mouth"),
            rename("by mouth", "oral"),
        ),
        (
            "replace_enum",
            setup,
            replace(&["iv", "oral", "nasal"]),
            replace(&["oral", "iv"]),
        ),
    ]
}
