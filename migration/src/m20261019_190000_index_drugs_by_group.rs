//! Index drugs by group
//!
//! Revises: `m20261005_194500_create_idempotency_keys`
//!
//! A group is what a list asks for: archived or not, with this schedule. Each index begins with it, so that a list in
//! any order is a few ranges, however many drugs it leaves out. SQLite counts each group as well, where counting
//! rows would mean reading them; on PostgreSQL every writer would queue for the same few rows.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, ..) in SINGLE {
            drop_index(manager, name).await?;
        }
        for (name, column) in GROUPED {
            let mut index = Index::create();
            index.name(name).table(Drugs::Table);
            index.col(Drugs::Archived).col(Drugs::ScheduleType);
            if let Some(column) = column {
                index.col(column);
            }
            manager
                .create_index(index.col(Drugs::Id).to_owned())
                .await?;
        }
        if manager.get_database_backend() == DbBackend::Sqlite {
            let connection = manager.get_connection();
            for statement in COUNTS {
                connection.execute_unprepared(statement).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Sqlite {
            // The counts can always be made again from the drugs.
            revision::derived("drug_counts");
            let connection = manager.get_connection();
            for statement in NO_COUNTS {
                connection.execute_unprepared(statement).await?;
            }
        }
        for (name, _) in GROUPED {
            drop_index(manager, name).await?;
        }
        for (name, column) in SINGLE {
            let mut index = Index::create();
            let index = index.name(name).table(Drugs::Table).col(column);
            manager.create_index(index.to_owned()).await?;
        }
        Ok(())
    }
}

async fn drop_index(manager: &SchemaManager<'_>, name: &str) -> Result<(), DbErr> {
    let index = Index::drop().name(name).table(Drugs::Table).to_owned();
    manager.drop_index(index).await
}

const SINGLE: [(&str, Drugs); 3] = [
    ("idx-drugs-run_out_date", Drugs::RunOutDate),
    ("idx-drugs-reorder_date", Drugs::ReorderDate),
    ("idx-drugs-search_text", Drugs::SearchText),
];

const GROUPED: [(&str, Option<Drugs>); 4] = [
    ("idx-drugs-group-id", None),
    ("idx-drugs-group-search_text", Some(Drugs::SearchText)),
    ("idx-drugs-group-run_out_date", Some(Drugs::RunOutDate)),
    ("idx-drugs-group-reorder_date", Some(Drugs::ReorderDate)),
];

const COUNTS: [&str; 5] = [
    "CREATE TABLE drug_counts (
        archived boolean NOT NULL,
        schedule_type varchar(20) NOT NULL,
        n bigint NOT NULL,
        PRIMARY KEY (archived, schedule_type)
    ) WITHOUT ROWID",
    "INSERT INTO drug_counts SELECT archived, schedule_type, count(*) FROM drugs GROUP BY archived, schedule_type",
    "CREATE TRIGGER drug_counts_insert AFTER INSERT ON drugs BEGIN
        INSERT INTO drug_counts VALUES (new.archived, new.schedule_type, 1) ON CONFLICT DO UPDATE SET n = n + 1;
    END",
    "CREATE TRIGGER drug_counts_delete AFTER DELETE ON drugs BEGIN
        UPDATE drug_counts SET n = n - 1 WHERE archived = old.archived AND schedule_type = old.schedule_type;
    END",
    "CREATE TRIGGER drug_counts_update AFTER UPDATE OF archived, schedule_type ON drugs
    WHEN old.archived <> new.archived OR old.schedule_type <> new.schedule_type BEGIN
        UPDATE drug_counts SET n = n - 1 WHERE archived = old.archived AND schedule_type = old.schedule_type;
        INSERT INTO drug_counts VALUES (new.archived, new.schedule_type, 1) ON CONFLICT DO UPDATE SET n = n + 1;
    END",
];

const NO_COUNTS: [&str; 4] = [
    "DROP TRIGGER drug_counts_insert",
    "DROP TRIGGER drug_counts_delete",
    "DROP TRIGGER drug_counts_update",
    "DROP TABLE drug_counts",
];

#[derive(Clone, Copy, DeriveIden)]
enum Drugs {
    Table,
    Id,
    ScheduleType,
    Archived,
    RunOutDate,
    ReorderDate,
    SearchText,
}
