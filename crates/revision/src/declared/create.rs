//! Creating what is declared on an empty database.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr};
use sea_orm_migration::SchemaManager;

use super::details::Details;
use super::entity::Parts;
use crate::operation::{AlterTable, Change, CreateTable};

/// Tables first, then their foreign keys, so that two tables may point at each other.
pub(super) async fn run(
    connection: &DatabaseConnection,
    parts: &[Parts],
    details: &[Details],
) -> Result<(), DbErr> {
    let backend = connection.get_database_backend();
    let manager = SchemaManager::new(connection);
    let mut known = Vec::new();
    for create in parts.iter().flat_map(|parts| &parts.enums) {
        // Two tables may share one.
        let sql = backend.build(create).to_string();
        if backend == DbBackend::Postgres && !known.contains(&sql) {
            connection.execute_unprepared(&sql).await?;
            known.push(sql);
        }
    }
    for Parts { create, .. } in parts {
        // SQLite does not mind a parent that is not there yet, and would rebuild the table for it.
        let foreign_keys = match backend {
            DbBackend::Sqlite => create.foreign_keys.clone(),
            _ => Vec::new(),
        };
        let create = CreateTable {
            foreign_keys,
            ..create.clone()
        };
        manager
            .create_table(create.statement(manager.get_database_backend()))
            .await?;
    }
    for parts in parts {
        let table = &parts.create.table;
        let keys = parts.create.foreign_keys.iter().cloned();
        let keys = keys.filter(|_| backend != DbBackend::Sqlite);
        let mut changes: Vec<Change> = keys.map(Change::AddForeignKey).collect();
        changes.extend(parts.comments.iter().cloned());
        alter(&manager, table, changes).await?;
        for index in &parts.indexes {
            manager.create_index(index.clone()).await?;
        }
    }
    for details in details {
        alter(&manager, &details.table, details.changes().to_vec()).await?;
        for index in &details.indexes {
            manager.create_index(index.clone()).await?;
        }
    }
    Ok(())
}

async fn alter(
    manager: &SchemaManager<'_>,
    table: &str,
    changes: Vec<Change>,
) -> Result<(), DbErr> {
    let table = table.to_owned();
    AlterTable { table, changes }.run(manager).await
}
