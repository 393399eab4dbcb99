//! Search drugs by trigrams
//!
//! Revises: `m20261019_190000_index_drugs_by_group`
//!
//! An index of every three letters that follow one another: on SQLite a virtual table that triggers keep, on PostgreSQL
//! an index with the operators of the extension `pg_trgm`.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = match manager.get_database_backend() {
            DbBackend::Postgres => &POSTGRES[..],
            _ => &SQLITE[..],
        };
        run(manager, statements).await
    }

    // The extension stays: others may have come to use it.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = match manager.get_database_backend() {
            DbBackend::Postgres => &NO_POSTGRES[..],
            _ => &NO_SQLITE[..],
        };
        run(manager, statements).await
    }
}

async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        manager
            .get_connection()
            .execute_unprepared(statement)
            .await?;
    }
    Ok(())
}

// The text is folded already, so the case of its letters says something.
const SQLITE: [&str; 5] = [
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

const NO_SQLITE: [&str; 4] = [
    "DROP TRIGGER drugs_search_insert",
    "DROP TRIGGER drugs_search_delete",
    "DROP TRIGGER drugs_search_update",
    "DROP TABLE drugs_search",
];

// The extension may be in another schema than the table.
const POSTGRES: [&str; 2] = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "DO $$
    DECLARE
        home text;
    BEGIN
        SELECT extnamespace::regnamespace INTO STRICT home FROM pg_catalog.pg_extension WHERE extname = 'pg_trgm';
        EXECUTE 'CREATE INDEX \"idx-drugs-search\" ON drugs USING gin (search_text ' || home || '.gin_trgm_ops)';
    END
    $$",
];

const NO_POSTGRES: [&str; 1] = ["DROP INDEX \"idx-drugs-search\""];
