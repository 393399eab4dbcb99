//! What SQLite's own texts tell, and sea-schema passes over.

use sea_orm::ConnectionTrait as _;

use super::{assert_one, assert_same, lines, made, memory};

/// Pairs that differ in one thing. `P` stands for a parent table.
const DIFFERENT: &[(&str, &str)] = &[
    ("", "CREATE TABLE t (a int)"),
    ("CREATE TABLE t (a int)", "CREATE TABLE t (a int, b int)"),
    // Types.
    ("CREATE TABLE t (a integer)", "CREATE TABLE t (a int)"),
    ("CREATE TABLE t (a integer)", "CREATE TABLE t (a bigint)"),
    ("CREATE TABLE t (a text)", "CREATE TABLE t (a nvarchar(5))"),
    (
        "CREATE TABLE t (a varchar(5))",
        "CREATE TABLE t (a varchar(6))",
    ),
    ("CREATE TABLE t (a enum_text)", "CREATE TABLE t (a text)"),
    (
        "CREATE TABLE t (a timestamp)",
        "CREATE TABLE t (a timestamp_text)",
    ),
    (
        "CREATE TABLE t (a real(10, 2))",
        "CREATE TABLE t (a real(10, 3))",
    ),
    ("CREATE TABLE t (a)", "CREATE TABLE t (a text)"),
    // NULL and DEFAULT.
    ("CREATE TABLE t (a int)", "CREATE TABLE t (a int NOT NULL)"),
    (
        "CREATE TABLE t (a int NOT NULL)",
        "CREATE TABLE t (a int NOT NULL ON CONFLICT IGNORE)",
    ),
    ("CREATE TABLE t (a int)", "CREATE TABLE t (a int DEFAULT 0)"),
    (
        "CREATE TABLE t (a int DEFAULT 1)",
        "CREATE TABLE t (a int DEFAULT '1')",
    ),
    (
        "CREATE TABLE t (a int DEFAULT 1)",
        "CREATE TABLE t (a int DEFAULT -1)",
    ),
    (
        "CREATE TABLE t (a text DEFAULT 'it''s')",
        "CREATE TABLE t (a text DEFAULT 'its')",
    ),
    (
        "CREATE TABLE t (a text DEFAULT 'Its')",
        "CREATE TABLE t (a text DEFAULT 'its')",
    ),
    (
        "CREATE TABLE t (a text DEFAULT 'CURRENT_TIMESTAMP')",
        "CREATE TABLE t (a text DEFAULT CURRENT_TIMESTAMP)",
    ),
    (
        "CREATE TABLE t (a real DEFAULT 0.1)",
        "CREATE TABLE t (a real DEFAULT 0.10000000001)",
    ),
    (
        "CREATE TABLE t (a text DEFAULT (lower('A')))",
        "CREATE TABLE t (a text DEFAULT 'lower(A)')",
    ),
    (
        "CREATE TABLE t (a text DEFAULT 'a b')",
        "CREATE TABLE t (a text DEFAULT 'a  b')",
    ),
    (
        "CREATE TABLE t (a blob DEFAULT x'00')",
        "CREATE TABLE t (a blob DEFAULT x'01')",
    ),
    // Collation and generated columns.
    (
        "CREATE TABLE t (a text)",
        "CREATE TABLE t (a text COLLATE NOCASE)",
    ),
    (
        "CREATE TABLE t (a text COLLATE RTRIM)",
        "CREATE TABLE t (a text COLLATE NOCASE)",
    ),
    (
        "CREATE TABLE t (a int, b int AS (a + 1))",
        "CREATE TABLE t (a int, b int AS (a + 2))",
    ),
    (
        "CREATE TABLE t (a int, b int AS (a + 1))",
        "CREATE TABLE t (a int, b int AS (a + 1) STORED)",
    ),
    (
        "CREATE TABLE t (a int, b int AS (a + 1))",
        "CREATE TABLE t (a int, b int)",
    ),
    // Keys.
    (
        "CREATE TABLE t (a int)",
        "CREATE TABLE t (a int PRIMARY KEY)",
    ),
    (
        "CREATE TABLE t (a integer PRIMARY KEY)",
        "CREATE TABLE t (a integer PRIMARY KEY AUTOINCREMENT)",
    ),
    (
        "CREATE TABLE t (a integer PRIMARY KEY)",
        "CREATE TABLE t (a integer PRIMARY KEY /* AUTOINCREMENT */ DESC)",
    ),
    (
        "CREATE TABLE t (a int PRIMARY KEY)",
        "CREATE TABLE t (a int PRIMARY KEY ON CONFLICT REPLACE)",
    ),
    (
        "CREATE TABLE t (a int, b int, PRIMARY KEY (a, b))",
        "CREATE TABLE t (a int, b int, PRIMARY KEY (b, a))",
    ),
    (
        "CREATE TABLE t (a int, b int, CONSTRAINT k PRIMARY KEY (a, b))",
        "CREATE TABLE t (a int, b int, PRIMARY KEY (a, b))",
    ),
    ("CREATE TABLE t (a int)", "CREATE TABLE t (a int UNIQUE)"),
    (
        "CREATE TABLE t (a int UNIQUE)",
        "CREATE TABLE t (a int UNIQUE ON CONFLICT IGNORE)",
    ),
    (
        "CREATE TABLE t (a int, b int, UNIQUE (a))",
        "CREATE TABLE t (a int, b int, UNIQUE (a, b))",
    ),
    (
        "CREATE TABLE t (a text UNIQUE)",
        "CREATE TABLE t (a text, UNIQUE (a COLLATE NOCASE))",
    ),
    // Checks.
    (
        "CREATE TABLE t (a int)",
        "CREATE TABLE t (a int CHECK (a > 0))",
    ),
    (
        "CREATE TABLE t (a int CHECK (a > 0))",
        "CREATE TABLE t (a int CHECK (a > 1))",
    ),
    (
        "CREATE TABLE t (a int, CONSTRAINT c CHECK (a > 0))",
        "CREATE TABLE t (a int, CONSTRAINT c CHECK (a > 1))",
    ),
    (
        "CREATE TABLE t (a text CHECK (a <> 'x y'))",
        "CREATE TABLE t (a text CHECK (a <> 'X y'))",
    ),
    (
        "CREATE TABLE t (a int CHECK (a > 0) CHECK (a < 9))",
        "CREATE TABLE t (a int CHECK (a > 0) CHECK (a < 8))",
    ),
    (
        "CREATE TABLE t (a text CHECK (a <> \"X\"))",
        "CREATE TABLE t (a text CHECK (a <> \"x\"))",
    ),
    // Foreign keys.
    (
        "P; CREATE TABLE t (a int)",
        "P; CREATE TABLE t (a int REFERENCES p (id))",
    ),
    (
        "P; CREATE TABLE t (a int REFERENCES p (id))",
        "P; CREATE TABLE t (a int REFERENCES p (other))",
    ),
    (
        "P; CREATE TABLE t (a int REFERENCES p)",
        "P; CREATE TABLE t (a int REFERENCES p ON DELETE CASCADE)",
    ),
    (
        "P; CREATE TABLE t (a int REFERENCES p ON DELETE CASCADE)",
        "P; CREATE TABLE t (a int REFERENCES p ON DELETE SET NULL)",
    ),
    (
        "P; CREATE TABLE t (a int REFERENCES p)",
        "P; CREATE TABLE t (a int REFERENCES p ON UPDATE RESTRICT)",
    ),
    (
        "P; CREATE TABLE t (a int REFERENCES p)",
        "P; CREATE TABLE t (a int REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
    ),
    (
        "P; CREATE TABLE t (a int, b int, FOREIGN KEY (a) REFERENCES p (id))",
        "P; CREATE TABLE t (a int, b int, FOREIGN KEY (b) REFERENCES p (id))",
    ),
    // Indexes.
    (
        "CREATE TABLE t (a int)",
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a)",
    ),
    (
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a)",
        "CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a)",
    ),
    (
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a)",
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a DESC)",
    ),
    (
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a)",
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a COLLATE NOCASE)",
    ),
    (
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a)",
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a) WHERE a > 0",
    ),
    (
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a) WHERE a > 0",
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a) WHERE a > 1",
    ),
    (
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a + 1)",
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a + 2)",
    ),
    (
        "CREATE TABLE t (a int, b int); CREATE INDEX i ON t (a, b)",
        "CREATE TABLE t (a int, b int); CREATE INDEX i ON t (b, a)",
    ),
    // The whole, and what stands beside it.
    ("CREATE TABLE t (a int)", "CREATE TABLE t (a int) STRICT"),
    (
        "CREATE TABLE t (a int PRIMARY KEY)",
        "CREATE TABLE t (a int PRIMARY KEY) WITHOUT ROWID",
    ),
    (
        "CREATE TABLE t (a int)",
        "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t",
    ),
    (
        "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t",
        "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a + 1 FROM t",
    ),
    (
        "CREATE TABLE t (a int); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
        "CREATE TABLE t (a int); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 2; END",
    ),
    (
        "CREATE TABLE t (a int)",
        "CREATE TABLE t (a int); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
    ),
    (
        "CREATE TABLE \"o'brien\" (a int)",
        "CREATE TABLE \"o'brien\" (a int, b int)",
    ),
];

/// Pairs that say the same.
const SAME: &[(&str, &str)] = &[
    (
        "CREATE TABLE t (a int, b int)",
        "CREATE TABLE t (b int, a int)",
    ),
    (
        "CREATE TABLE t (a int)",
        "create  table \"t\" ( [a]  INT -- why\n)",
    ),
    (
        "CREATE TABLE t (a varchar(10))",
        "CREATE TABLE t (`a` VARCHAR ( 10 ))",
    ),
    (
        "CREATE TABLE t (a int DEFAULT 1)",
        "CREATE TABLE t (a int DEFAULT (1))",
    ),
    (
        "CREATE TABLE t (a int DEFAULT 1)",
        "CREATE TABLE t (a int DEFAULT +1)",
    ),
    (
        "CREATE TABLE t (a int DEFAULT NULL)",
        "CREATE TABLE t (a int)",
    ),
    (
        "CREATE TABLE t (a text DEFAULT 'x')",
        "CREATE TABLE t (a text DEFAULT \"x\")",
    ),
    (
        "CREATE TABLE t (a text COLLATE BINARY)",
        "CREATE TABLE t (a text)",
    ),
    (
        "CREATE TABLE t (a integer PRIMARY KEY AUTOINCREMENT)",
        "CREATE TABLE t (a integer, PRIMARY KEY (a AUTOINCREMENT))",
    ),
    (
        "CREATE TABLE t (a int UNIQUE)",
        "CREATE TABLE t (a int, UNIQUE (a ASC))",
    ),
    (
        "CREATE TABLE t (a int CHECK (a > 0))",
        "CREATE TABLE t (a int, CHECK ((\"a\">0)))",
    ),
    (
        "CREATE TABLE t (a int CHECK (a != 0))",
        "CREATE TABLE t (a int CHECK (A <> 0))",
    ),
    (
        "CREATE TABLE t (z int, a int AS (1) VIRTUAL)",
        "CREATE TABLE t (z int, a int GENERATED ALWAYS AS (1))",
    ),
    (
        "CREATE TABLE t (a int, CHECK (a > 0), CHECK (a < 9))",
        "CREATE TABLE t (a int, CHECK (a < 9) CHECK (a > 0))",
    ),
    (
        "P; CREATE TABLE t (a int REFERENCES p)",
        "P; CREATE TABLE t (a int, CONSTRAINT f FOREIGN KEY (a) REFERENCES \"P\" (id) ON DELETE NO ACTION)",
    ),
    (
        "P; CREATE TABLE t (a int REFERENCES p)",
        "P; CREATE TABLE t (a int REFERENCES p NOT DEFERRABLE INITIALLY DEFERRED)",
    ),
    ("P; CREATE TABLE t (a int)", "P; CREATE TABLE T (A int)"),
    (
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a)",
        "CREATE TABLE t (a int); CREATE INDEX IF NOT EXISTS \"i\" ON [t] (\"a\" ASC)",
    ),
    (
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a) WHERE a > 0",
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a) WHERE (\"a\" > 0)",
    ),
    (
        "CREATE TABLE t (a int) STRICT",
        "CREATE TABLE t (a int) strict",
    ),
    (
        "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t",
        "CREATE TABLE t (a int); CREATE VIEW \"v\" AS select \"a\" /* all */ from t",
    ),
    (
        "CREATE TABLE t (a int, b int)",
        "CREATE TABLE t (a int); ALTER TABLE t ADD COLUMN b int",
    ),
    (
        "CREATE TABLE t (b int CHECK (b > 0))",
        "CREATE TABLE t (a int CHECK (a > 0)); ALTER TABLE t RENAME COLUMN a TO b",
    ),
    (
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a)",
        "CREATE TABLE s (a int); CREATE INDEX i ON s (a); ALTER TABLE s RENAME TO t",
    ),
];

fn script(sql: &str) -> String {
    match sql.strip_prefix("P; ") {
        Some(rest) => format!("CREATE TABLE p (id integer PRIMARY KEY, other int UNIQUE); {rest}"),
        None => sql.to_owned(),
    }
}

#[tokio::test]
async fn schemas_that_differ_in_one_thing_have_one_difference() {
    for &(one, other) in DIFFERENT {
        let first = made(&memory().await, &script(one)).await;
        let second = made(&memory().await, &script(other)).await;
        assert_one(&first, &second, (one, other));
    }
}

#[tokio::test]
async fn schemas_that_are_spelled_differently_are_the_same() {
    for &(one, other) in SAME {
        let first = made(&memory().await, &script(one)).await;
        let second = made(&memory().await, &script(other)).await;
        assert_same(&first, &second, (one, other));
    }
}

#[tokio::test]
async fn a_difference_is_a_line_that_a_person_can_read() {
    let expected = "CREATE TABLE drugs (id integer PRIMARY KEY AUTOINCREMENT, note varchar(10) NOT NULL, dose int CHECK (dose > 0)); \
                    CREATE INDEX drugs_note ON drugs (note) WHERE note <> ''; CREATE TABLE gone (a int)";
    let found = "CREATE TABLE drugs (id integer PRIMARY KEY, note text, dose int, more int); \
                 CREATE UNIQUE INDEX drugs_note ON drugs (note); CREATE VIEW v AS SELECT 1";
    let (found, expected) = (
        made(&memory().await, found).await,
        made(&memory().await, expected).await,
    );
    assert_eq!(
        lines(&found, &expected),
        [
            "table drugs: column more: is there, but should not be",
            "table drugs: column note: is text, expected varchar(10)",
            "table drugs: column note: is nullable, expected not null",
            "table drugs: index drugs_note: is unique, expected not unique",
            "table drugs: index drugs_note: is without predicate, expected where note <> ''",
            "table drugs: primary key: is without autoincrement, expected autoincrement",
            "table drugs: check: is missing, expected dose > 0",
            "table gone: is missing",
            "view v: is there, but should not be",
        ]
    );
}

#[tokio::test]
async fn a_table_with_everything_in_it_is_printed_word_for_word_and_a_virtual_one_is_one_object() {
    let database = memory().await;
    let schema = made(
        &database,
        "CREATE VIRTUAL TABLE words USING fts5(word); CREATE TABLE plain AS SELECT 1 AS one, 'a' AS \"two words\"",
    )
    .await;
    assert_eq!(schema.tables.keys().collect::<Vec<_>>(), ["plain"]);
    assert_eq!(schema.objects.len(), 1);
    assert_eq!(schema.objects[0].kind, "virtual table");

    database
        .execute_unprepared("CREATE TABLE left_out (a int)")
        .await
        .unwrap();
    let without = revision::schema::read(&database, &["left_out"])
        .await
        .unwrap();
    assert_eq!(without.fingerprint(), schema.fingerprint());
}
