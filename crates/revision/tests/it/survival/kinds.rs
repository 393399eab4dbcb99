//! Every kind of change, and the one difference that it makes.

use revision::RebuildTable;
use revision::operation::Change;
use sea_orm_migration::prelude::*;

pub(super) struct Kind {
    pub(super) name: &'static str,
    /// To which tables it can be done; none are named when to all.
    pub(super) tables: &'static [&'static str],
    pub(super) change: fn(RebuildTable<'_>) -> RebuildTable<'_>,
    /// The lines in which the schema differs from the one before, without the table in front.
    pub(super) expected: &'static [&'static str],
    /// Columns that are gone, or whose values may differ.
    pub(super) changed: &'static [&'static str],
    /// Makes a row in `drug` afterwards.
    pub(super) insert: &'static str,
}

const KIND: Kind = Kind {
    name: "",
    tables: &[],
    change: |table| table,
    expected: &[],
    changed: &[],
    insert: "INSERT INTO drug (name, m) VALUES ('zinc', 'z')",
};

/// Tables that do not mind which words are types.
const LAX: &[&str] = &["drug", "folder", "tag", "log"];

fn parent_key() -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.name("fk")
        .from_tbl("t")
        .from_col("n")
        .to_tbl("owner")
        .to_col("id")
        .on_delete(ForeignKeyAction::SetNull);
    key
}

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "add a column",
        change: |table| table.add_column(ColumnDef::new("note").text()),
        expected: &["column note: is there, but should not be"],
        ..KIND
    },
    Kind {
        name: "add a column with a computed default",
        change: |table| {
            table.add_column(
                ColumnDef::new("note")
                    .text()
                    .not_null()
                    .default(Expr::cust("lower('A')")),
            )
        },
        expected: &["column note: is there, but should not be"],
        ..KIND
    },
    Kind {
        name: "add a column that is filled from another",
        change: |table| {
            table.add_column_with(
                ColumnDef::new("note").text().not_null().default(""),
                Expr::col("m"),
            )
        },
        expected: &["column note: is there, but should not be"],
        ..KIND
    },
    Kind {
        name: "add a unique column",
        change: |table| table.add_column(ColumnDef::new("note").text().unique_key()),
        expected: &[
            "column note: is there, but should not be",
            "unique: is there, but should not be",
        ],
        ..KIND
    },
    Kind {
        name: "add a column with a foreign key",
        change: |table| {
            let mut key = ForeignKey::create();
            key.from_tbl("t")
                .from_col("by")
                .to_tbl("owner")
                .to_col("id")
                .on_delete(ForeignKeyAction::Cascade);
            table
                .add_column(ColumnDef::new("by").integer())
                .add_foreign_key(&key)
        },
        expected: &[
            "column by: is there, but should not be",
            "foreign key: is there, but should not be",
        ],
        ..KIND
    },
    Kind {
        name: "add a computed column",
        change: |table| {
            table.add_column(
                ColumnDef::new("note")
                    .text()
                    .generated(Expr::cust("m || '!'"), true),
            )
        },
        expected: &["column note: is there, but should not be"],
        ..KIND
    },
    Kind {
        name: "drop a column",
        change: |table| table.drop_column("extra"),
        expected: &["column extra: is missing, expected blob"],
        tables: &["folder", "reading", "tag", "log"],
        changed: &["extra"],
        ..KIND
    },
    Kind {
        name: "drop a column together with other changes",
        change: |table| table.drop_column("extra").drop_default("n"),
        expected: &[
            "column extra: is missing, expected blob",
            "column n: is without default, expected default 5",
        ],
        tables: &["folder", "reading", "tag", "log"],
        changed: &["extra"],
        insert: "INSERT INTO drug (name, m) VALUES ('zinc', 'z')",
    },
    Kind {
        name: "rename a column",
        change: |table| table.rename_column("extra", "more"),
        expected: &[
            "column more: is there, but should not be",
            "column extra: is missing, expected blob",
        ],
        tables: &["folder", "reading", "tag", "log"],
        changed: &["extra"],
        ..KIND
    },
    Kind {
        name: "rename and retype a column",
        change: |table| {
            table
                .set_type("extra", ColumnType::Blob)
                .rename_column("extra", "more")
                .set_default("more", Expr::cust("x'01'"))
        },
        expected: &[
            "column more: is there, but should not be",
            "column extra: is missing, expected blob",
        ],
        tables: &["folder", "reading", "tag", "log"],
        changed: &["extra"],
        ..KIND
    },
    Kind {
        name: "a number becomes a text",
        change: |table| table.set_type("n", ColumnType::Text),
        expected: &["column n: is text, expected integer"],
        tables: &["folder", "reading", "tag", "log"],
        changed: &["n"],
        ..KIND
    },
    Kind {
        name: "a text becomes a longer one",
        change: |table| table.set_type("s", ColumnType::String(StringLen::N(40))),
        expected: &["column s: is varchar(40), expected varchar(20)"],
        tables: LAX,
        ..KIND
    },
    Kind {
        name: "a text becomes a shorter one",
        change: |table| table.set_type("s", ColumnType::String(StringLen::N(3))),
        expected: &["column s: is varchar(3), expected varchar(20)"],
        tables: LAX,
        ..KIND
    },
    Kind {
        name: "a text becomes a number by an expression",
        change: |table| table.set_type_using("s", ColumnType::Integer, Expr::cust("length(s)")),
        expected: &["column s: is integer, expected varchar(20)"],
        tables: &["folder", "tag", "log"],
        changed: &["s"],
        ..KIND
    },
    Kind {
        name: "forbid NULL",
        change: |table| table.set_not_null_with("n", 0),
        expected: &["column n: is not null, expected nullable"],
        changed: &["n", "twice"],
        ..KIND
    },
    Kind {
        name: "permit NULL",
        change: |table| table.drop_not_null("m"),
        expected: &["column m: is nullable, expected not null"],
        ..KIND
    },
    Kind {
        name: "set a default",
        change: |table| table.set_default("s", "it's"),
        expected: &["column s: is default 'it''s', expected without default"],
        ..KIND
    },
    Kind {
        name: "replace a default",
        change: |table| table.set_default("n", 6),
        expected: &["column n: is default 6, expected default 5"],
        ..KIND
    },
    Kind {
        name: "drop a default",
        change: |table| table.drop_default("n"),
        expected: &["column n: is without default, expected default 5"],
        ..KIND
    },
    Kind {
        name: "set a collation",
        change: |table| table.set_collation("s", Some("NOCASE"), None),
        expected: &["column s: is collate nocase, expected without collation"],
        ..KIND
    },
    Kind {
        name: "drop a collation",
        change: |table| table.set_collation("name", Some("BINARY"), None),
        expected: &["column name: is without collation, expected collate nocase"],
        tables: &["drug"],
        ..KIND
    },
    Kind {
        name: "compute a column",
        change: |table| table.set_generated("extra", Expr::cust("m || s")),
        expected: &["column extra: is as (m || s) stored, expected without generated"],
        tables: &["folder", "tag", "log"],
        changed: &["extra"],
        ..KIND
    },
    Kind {
        name: "keep what was computed",
        change: |table| table.drop_generated("twice").drop_generated("kept"),
        expected: &[
            "column kept: is without generated, expected as (upper(s)) stored",
            "column twice: is without generated, expected as (n * 2) virtual",
        ],
        tables: &["drug"],
        ..KIND
    },
    Kind {
        name: "add a unique constraint",
        tables: &["drug", "folder", "reading", "tag"],
        change: |table| table.add_unique("unique_m", ["m"]),
        expected: &["unique unique_m: is there, but should not be"],
        ..KIND
    },
    Kind {
        name: "drop a unique constraint by its name",
        change: |table| table.drop_unique("uq", ["name", "m"]),
        expected: &["unique uq: is missing, expected (name, m) on conflict ignore"],
        tables: &["drug"],
        ..KIND
    },
    Kind {
        name: "drop a unique constraint by its columns",
        change: |table| table.drop_unique("nameless", ["parent_id", "m"]),
        expected: &["unique: is missing, expected (parent_id, m)"],
        tables: &["folder"],
        ..KIND
    },
    Kind {
        name: "add a check",
        change: |table| table.add_check("short", Expr::cust("length(m) < 50")),
        expected: &["check short: is there, but should not be"],
        ..KIND
    },
    Kind {
        name: "add a check without a name",
        change: |table| {
            table.change(Change::AddCheck {
                name: None,
                expression: Expr::cust("length(m) < 50"),
            })
        },
        expected: &["check: is there, but should not be"],
        ..KIND
    },
    Kind {
        name: "drop a check by its name",
        change: |table| table.drop_check("named"),
        expected: &["check named: is missing, expected m <> 'x'"],
        tables: &["folder", "reading", "tag", "log"],
        ..KIND
    },
    Kind {
        name: "drop a check by its text",
        change: |table| table.drop_unnamed_check(Expr::cust("LENGTH(\"m\")<100")),
        expected: &["check: is missing, expected length(m) < 100"],
        tables: &["drug"],
        ..KIND
    },
    Kind {
        name: "add a foreign key",
        change: |table| {
            table
                .set_type_using("n", ColumnType::Integer, Expr::cust("NULL"))
                .add_foreign_key(&parent_key())
        },
        expected: &["foreign key: is there, but should not be"],
        changed: &["n", "twice"],
        insert: "INSERT INTO drug (name, m, n) VALUES ('zinc', 'z', NULL)",
        ..KIND
    },
    Kind {
        name: "drop a foreign key",
        change: |table| table.drop_foreign_key("nameless", ["owner_id"]),
        expected: &[
            "foreign key: is missing, expected (owner_id) references owner (id) on delete set null deferrable initially deferred",
        ],
        tables: &["drug"],
        ..KIND
    },
    Kind {
        name: "drop a foreign key to itself",
        change: |table| table.drop_foreign_key("nameless", ["parent_id"]),
        expected: &[
            "foreign key: is missing, expected (parent_id) references folder (id) on delete cascade",
        ],
        tables: &["folder"],
        ..KIND
    },
    Kind {
        name: "without autoincrement",
        change: |table| table.set_autoincrement("id", false),
        expected: &["primary key: is without autoincrement, expected autoincrement"],
        tables: &["drug"],
        ..KIND
    },
    Kind {
        name: "with autoincrement",
        change: |table| table.set_autoincrement("id", true),
        expected: &["primary key: is autoincrement, expected without autoincrement"],
        tables: &["folder", "reading"],
        ..KIND
    },
    Kind {
        name: "add a primary key",
        change: |table| table.add_primary_key(["m", "t"]),
        expected: &["primary key: is there, but should not be"],
        tables: &["log"],
        ..KIND
    },
    Kind {
        name: "another primary key",
        change: |table| table.drop_primary_key().add_primary_key(["m", "id"]),
        expected: &["primary key: is (m, id), expected (id)"],
        tables: &["reading"],
        ..KIND
    },
    Kind {
        name: "do without a rowid",
        change: |table| table.change(Change::SetWithoutRowid(true)),
        expected: &["option: is there, but should not be"],
        tables: &["folder"],
        ..KIND
    },
    Kind {
        name: "have a rowid again",
        change: |table| table.change(Change::SetWithoutRowid(false)),
        expected: &["option: is missing, expected without rowid"],
        tables: &["tag"],
        ..KIND
    },
    Kind {
        name: "be lax",
        change: |table| table.change(Change::SetStrict(false)),
        expected: &["option: is missing, expected strict"],
        tables: &["reading"],
        ..KIND
    },
    Kind {
        name: "be strict",
        change: |table| table.change(Change::SetStrict(true)),
        expected: &[
            "column s: is text, expected varchar(20)",
            "option: is there, but should not be",
        ],
        tables: &["folder", "tag", "log"],
        ..KIND
    },
    Kind {
        name: "everything at once",
        change: |table| {
            table
                .rename_column("s", "words")
                .set_type("words", ColumnType::Text)
                .set_not_null_with("words", "none")
                .set_default("words", "")
                .add_check("few", Expr::cust("length(words) < 30"))
                .add_unique("unique_m", ["m"])
                .add_column(ColumnDef::new("added").integer().not_null().default(7))
        },
        expected: &[
            "check few: is there, but should not be",
            "column added: is there, but should not be",
            "column words: is there, but should not be",
            "unique unique_m: is there, but should not be",
            "column s: is missing, expected varchar(20)",
        ],
        tables: &["folder", "tag"],
        changed: &["s"],
        ..KIND
    },
];
