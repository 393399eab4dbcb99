//! Changes of a table.

use revision::operation::Change;
use revision::schema::{Deferral, ForeignKey};
use sea_orm::sea_query::{Check, ColumnDef, ColumnType, Expr, ExprTrait as _, Func, StringLen};
use sea_orm_migration::schema::{boolean, integer, integer_null, string_len, text, text_null};

use super::tables::foreign_key;
use super::{DRUGS, Row, Setup, alter, drop_column, texts};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = columns();
    rows.extend(types());
    rows.extend(defaults());
    rows.extend(constraints());
    rows.extend(foreign_keys());
    rows.extend(rest());
    rows
}

/// Changes of `drugs`, there and back.
fn drugs(name: &'static str, up: Vec<Change>, down: Vec<Change>) -> Row {
    with(name, DRUGS, up, down)
}

fn with(name: &'static str, setup: &'static str, up: Vec<Change>, down: Vec<Change>) -> Row {
    (
        name,
        Setup::Both(setup),
        vec![alter("drugs", up)],
        vec![alter("drugs", down)],
    )
}

fn add(column: ColumnDef) -> Change {
    Change::AddColumn {
        column: Box::new(column),
        fill: None,
    }
}

fn rename(from: &str, to: &str) -> Change {
    Change::RenameColumn {
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

fn set_type(column: &str, column_type: ColumnType) -> Change {
    Change::SetType {
        column: column.to_owned(),
        column_type,
        using: None,
    }
}

fn set_default(column: &str, value: impl Into<Expr>) -> Change {
    Change::SetDefault {
        column: column.to_owned(),
        value: value.into(),
    }
}

fn set_not_null(column: &str, fill: Option<Expr>) -> Change {
    Change::SetNotNull {
        column: column.to_owned(),
        fill,
    }
}

fn drop_not_null(column: &str) -> Change {
    Change::DropNotNull {
        column: column.to_owned(),
    }
}

fn columns() -> Vec<Row> {
    let unit = || vec![drop_column("unit")];
    let everything = string_len("unit", 30)
        .default("it's \"so\" \\ far")
        .unique_key()
        .check(Check::named("ck unit", Expr::col("unit").ne("x")))
        .extra("CHECK (unit <> 'y')")
        .take();
    let twice = integer_null("twice")
        .generated(Expr::col("stock").mul(2), true)
        .take();
    let half = ColumnDef::new("half")
        .integer()
        .generated(Expr::cust("stock / 2"), true)
        .take();
    vec![
        drugs("add_column", vec![add(text_null("unit"))], unit()),
        drugs(
            "add_column_with_a_default",
            vec![add(boolean("unit").default(true).take())],
            unit(),
        ),
        drugs(
            "add_column_with_values",
            vec![Change::AddColumn {
                column: Box::new(integer("unit")),
                fill: Some(Expr::col("stock").add(1)),
            }],
            unit(),
        ),
        with(
            "add_column_without_values",
            "CREATE TABLE drugs (id integer PRIMARY KEY)",
            vec![add(text("unit"))],
            unit(),
        ),
        with(
            "add_column_with_everything",
            "CREATE TABLE drugs (id integer PRIMARY KEY)",
            vec![add(everything)],
            unit(),
        ),
        drugs(
            "add_generated_columns",
            vec![add(twice), add(half)],
            vec![drop_column("twice"), drop_column("half")],
        ),
        drugs(
            "drop_column",
            vec![drop_column("note")],
            vec![add(text_null("note"))],
        ),
        drugs(
            "rename_column",
            vec![rename("note", "notes")],
            vec![rename("notes", "note")],
        ),
        drugs(
            "rename_columns",
            vec![rename("note", "notes"), rename("name", "title")],
            vec![rename("title", "name"), rename("notes", "note")],
        ),
        drugs(
            "several_changes",
            vec![
                rename("note", "remark"),
                set_type("stock", ColumnType::BigInteger),
                set_default("stock", 5_000_000_000_i64),
                add(text("unit").default("").take()),
            ],
            vec![
                drop_column("unit"),
                set_default("stock", 0),
                set_type("stock", ColumnType::Integer),
                rename("remark", "note"),
            ],
        ),
    ]
}

fn types() -> Vec<Row> {
    vec![
        drugs(
            "set_wider_types",
            vec![
                set_type("name", ColumnType::Text),
                set_type("stock", ColumnType::BigInteger),
            ],
            vec![
                set_type("name", ColumnType::String(StringLen::N(20))),
                set_type("stock", ColumnType::Integer),
            ],
        ),
        drugs(
            "set_type_by_an_expression",
            vec![set_type("note", ColumnType::Integer)],
            vec![Change::SetType {
                column: "note".to_owned(),
                column_type: ColumnType::Text,
                using: Some(Expr::cust("CAST(note AS text)")),
            }],
        ),
        drugs(
            "set_not_null_with_values",
            vec![set_not_null("note", Some("".into()))],
            vec![drop_not_null("note")],
        ),
        drugs(
            "drop_not_null",
            vec![drop_not_null("stock")],
            vec![set_not_null("stock", None)],
        ),
    ]
}

fn defaults() -> Vec<Row> {
    let note = |name, value: Expr| {
        let column = "note".to_owned();
        drugs(
            name,
            vec![set_default("note", value)],
            vec![Change::DropDefault { column }],
        )
    };
    let day = sea_orm::prelude::Date::from_ymd_opt(2026, 1, 31).expect("there is this day");
    vec![
        note("default_text", "it's a \"µ\" \\ {}\n\tand more".into()),
        note("default_whole_number", (-1_234_567).into()),
        note("default_fraction", 0.25.into()),
        note("default_long_fraction", 0.123_456_789.into()),
        note("default_truth", false.into()),
        note("default_bytes", vec![0xde_u8, 0xad].into()),
        note("default_constant", Expr::Constant("x".into())),
        note("default_day", day.into()),
        note("default_missing_value", None::<String>.into()),
        note("default_null", Expr::null()),
        note("default_now", Expr::current_timestamp()),
        note("default_today", Expr::current_date()),
        note("default_time_of_day", Expr::current_time()),
        note("default_sql", Expr::cust("lower('ABC')")),
        note("default_function", Func::upper(Expr::val("abc")).into()),
        note(
            "default_that_is_spelled_otherwise",
            Func::lower(Expr::val("A\\B")).into(),
        ),
    ]
}

fn constraints() -> Vec<Row> {
    let owned = |name: Option<&str>| name.map(str::to_owned);
    let columns = || texts(&["name", "note"]);
    let unique = |name| {
        let (name, columns) = (owned(name), columns());
        vec![Change::AddUnique { name, columns }]
    };
    let no_unique = |name| {
        let (name, columns) = (owned(name), columns());
        vec![Change::DropUnique { name, columns }]
    };
    let expression = || Expr::cust("stock >= 0");
    let check = |name| {
        let (name, expression) = (owned(name), expression());
        vec![Change::AddCheck { name, expression }]
    };
    let no_check = |name, expression| {
        let name = owned(name);
        vec![Change::DropCheck { name, expression }]
    };
    let primary_key = |name, columns: &[&str]| {
        let (name, columns) = (owned(name), texts(columns));
        vec![
            Change::DropPrimaryKey,
            Change::AddPrimaryKey { name, columns },
        ]
    };
    let autoincrement = |on| {
        let column = "id".to_owned();
        vec![Change::SetAutoincrement { column, on }]
    };
    let named = Some("ck-drugs");
    vec![
        drugs(
            "add_unique",
            unique(Some("uq-drugs")),
            no_unique(Some("uq-drugs")),
        ),
        drugs("add_unnamed_unique", unique(None), no_unique(None)),
        drugs("add_check", check(named), no_check(named, None)),
        drugs(
            "add_unnamed_check",
            check(None),
            no_check(None, Some(expression())),
        ),
        drugs(
            "drop_check_of_a_name_or_text",
            check(named),
            no_check(named, Some(expression())),
        ),
        with(
            "other_primary_key",
            "CREATE TABLE drugs (id integer NOT NULL PRIMARY KEY, name varchar(20) NOT NULL)",
            primary_key(Some("pk-drugs"), &["name", "id"]),
            primary_key(None, &["id"]),
        ),
        drugs("autoincrement", autoincrement(true), autoincrement(false)),
    ]
}

fn foreign_keys() -> Vec<Row> {
    let setup = "CREATE TABLE parents (id integer PRIMARY KEY); CREATE TABLE drugs (id integer PRIMARY KEY, parent integer); \
                 INSERT INTO parents VALUES (1); INSERT INTO drugs VALUES (1, 1), (2, NULL)";
    let one = |name, key: ForeignKey| {
        let back = Change::DropForeignKey {
            name: key.name.clone(),
            columns: key.columns.clone(),
        };
        with(name, setup, vec![Change::AddForeignKey(key)], vec![back])
    };
    let named = |deferral| ForeignKey {
        deferral,
        ..foreign_key(Some("fk-drugs-parent"), &["parent"], "parents", &["id"])
    };
    vec![
        one("add_foreign_key", named(Deferral::NotDeferrable)),
        one(
            "add_unnamed_foreign_key",
            foreign_key(None, &["parent"], "parents", &["id"]),
        ),
        one(
            "add_foreign_key_to_the_table",
            foreign_key(None, &["parent"], "parents", &[]),
        ),
        one(
            "add_deferred_foreign_key",
            named(Deferral::InitiallyDeferred),
        ),
        one(
            "add_deferrable_foreign_key",
            named(Deferral::InitiallyImmediate),
        ),
    ]
}

fn rest() -> Vec<Row> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let collation = |sqlite: &str, postgres| {
        vec![Change::SetCollation {
            column: "name".to_owned(),
            sqlite: Some(sqlite.to_owned()),
            postgres: owned(postgres),
        }]
    };
    let comments = |of_column, of_table| {
        vec![
            Change::SetComment {
                column: Some("name".to_owned()),
                comment: owned(of_column),
            },
            Change::SetComment {
                column: None,
                comment: owned(of_table),
            },
        ]
    };
    let generated = |stored| {
        vec![Change::SetGenerated {
            column: "note".to_owned(),
            expression: Expr::cust("name"),
            stored,
        }]
    };
    let column = || "note".to_owned();
    let computed = || vec![Change::DropGenerated { column: column() }];
    let constraint = |from: &str, to: &str| {
        let change = Change::RenameConstraint {
            from: from.to_owned(),
            to: to.to_owned(),
        };
        vec![alter("drugs", vec![change])]
    };
    let strict = |on| vec![Change::SetStrict(on)];
    let without_rowid = |on| vec![Change::SetWithoutRowid(on)];
    vec![
        drugs(
            "collation",
            collation("NOCASE", Some("C")),
            collation("BINARY", Some("default")),
        ),
        drugs(
            "collation_of_sqlite",
            collation("NOCASE", None),
            collation("BINARY", None),
        ),
        drugs("generated", generated(true), computed()),
        drugs(
            "generated_virtual",
            generated(false),
            vec![drop_column("note"), add(text_null("note"))],
        ),
        drugs(
            "comments",
            comments(Some("What's on the \"box\""), Some("All")),
            comments(None, None),
        ),
        (
            "rename_constraint",
            Setup::OnlyPostgres(DRUGS),
            constraint("drugs_pkey", "pk-drugs"),
            constraint("pk-drugs", "drugs_pkey"),
        ),
        drugs("strict", strict(true), strict(false)),
        drugs("without_rowid", without_rowid(true), without_rowid(false)),
    ]
}
