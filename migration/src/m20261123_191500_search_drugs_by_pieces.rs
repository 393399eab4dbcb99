//! Search drugs by pieces of their texts
//!
//! Revises: `m20261026_193000_search_drugs_by_trigrams`
//!
//! The more drugs there are, the longer is the list of a trigram, and a word has many. On SQLite every second letter of a
//! text now begins a piece of seven letters: that is half as many, and few drugs share one. A view says what they are, so
//! that SQLite can make the index anew and check it. PostgreSQL keeps its trigrams.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// How many letters a piece has.
const PIECE: usize = 7;
/// How many letters of a text are cut into pieces at once. Few texts have more, and only these cost a recursion.
const PART: usize = 32;

#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, DROP).await?;
        run(manager, by_pieces()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, DROP).await?;
        run(manager, ["DROP VIEW drug_pieces"]).await?;
        run(manager, BY_TRIGRAMS).await
    }
}

async fn run<S: AsRef<str>, const N: usize>(
    manager: &SchemaManager<'_>,
    statements: [S; N],
) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Sqlite {
        for statement in statements {
            let connection = manager.get_connection();
            connection.execute_unprepared(statement.as_ref()).await?;
        }
    }
    Ok(())
}

const DROP: [&str; 4] = [
    "DROP TRIGGER drugs_search_insert",
    "DROP TRIGGER drugs_search_delete",
    "DROP TRIGGER drugs_search_update",
    "DROP TABLE drugs_search",
];

// Whatever a piece consists of, only the tabulator between two of them parts tokens: no text has one.
fn by_pieces() -> [String; 6] {
    let (some, old, new) = (
        pieces("search_text"),
        pieces("old.search_text"),
        pieces("new.search_text"),
    );
    [
        format!("CREATE VIEW drug_pieces AS SELECT id, {some} AS pieces FROM drugs"),
        "CREATE VIRTUAL TABLE drugs_search USING fts5(
            pieces, content='drug_pieces', content_rowid='id', columnsize=0,
            tokenize='unicode61 remove_diacritics 0 categories ''C* L* M* N* P* S* Z*'' separators ''\t'''
        )"
        .to_owned(),
        "INSERT INTO drugs_search (drugs_search) VALUES ('rebuild')".to_owned(),
        format!(
            "CREATE TRIGGER drugs_search_insert AFTER INSERT ON drugs BEGIN
                INSERT INTO drugs_search (rowid, pieces) VALUES (new.id, {new});
            END"
        ),
        format!(
            "CREATE TRIGGER drugs_search_delete AFTER DELETE ON drugs BEGIN
                INSERT INTO drugs_search (drugs_search, rowid, pieces) VALUES ('delete', old.id, {old});
            END"
        ),
        format!(
            "CREATE TRIGGER drugs_search_update AFTER UPDATE OF id, search_text ON drugs
            WHEN old.id <> new.id OR old.search_text <> new.search_text BEGIN
                INSERT INTO drugs_search (drugs_search, rowid, pieces) VALUES ('delete', old.id, {old});
                INSERT INTO drugs_search (rowid, pieces) VALUES (new.id, {new});
            END"
        ),
    ]
}

/// The pieces of a text, with tabulators between them.
fn pieces(text: &str) -> String {
    let (first, next, rest) = (pieces_of_part(text), PART + 1, pieces_of_part("rest"));
    format!(
        "{first} || CASE WHEN length({text}) <= {PART} THEN '' ELSE '\t' || (
            WITH RECURSIVE part (rest) AS (
                SELECT substr({text}, {next})
                UNION ALL SELECT substr(rest, {next}) FROM part WHERE length(rest) > {PART}
            )
            SELECT group_concat({rest}, '\t') FROM part
        ) END"
    )
}

/// The pieces that begin in the first letters of a text.
fn pieces_of_part(text: &str) -> String {
    let begins = (1..=PART).step_by(2);
    let pieces: Vec<String> = begins
        .map(|letter| format!("substr({text}, {letter}, {PIECE})"))
        .collect();
    let places = vec!["%s"; pieces.len()];
    format!("printf('{}', {})", places.join("\t"), pieces.join(", "))
}

// As the migration before made them.
const BY_TRIGRAMS: [&str; 5] = [
    "CREATE VIRTUAL TABLE drugs_search USING fts5(
        search_text, content='drugs', content_rowid='id', tokenize='trigram case_sensitive 1'
    )",
    "INSERT INTO drugs_search (drugs_search) VALUES ('rebuild')",
    "CREATE TRIGGER drugs_search_insert AFTER INSERT ON drugs BEGIN
        INSERT INTO drugs_search (rowid, search_text) VALUES (new.id, new.search_text);
    END",
    "CREATE TRIGGER drugs_search_delete AFTER DELETE ON drugs BEGIN
        INSERT INTO drugs_search (drugs_search, rowid, search_text) VALUES ('delete', old.id, old.search_text);
    END",
    "CREATE TRIGGER drugs_search_update AFTER UPDATE OF id, search_text ON drugs
    WHEN old.id <> new.id OR old.search_text <> new.search_text BEGIN
        INSERT INTO drugs_search (drugs_search, rowid, search_text) VALUES ('delete', old.id, old.search_text);
        INSERT INTO drugs_search (rowid, search_text) VALUES (new.id, new.search_text);
    END",
];
