//! Add instructions field to Drug
//!
//! Revises: `m20260914_183000_create_doctor_vacations`

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table(Drugs::Table)
                    .add_column(text_null(Drugs::Instructions))
                    .to_owned(),
            )
            .await
    }

    // What was written into the column is gone with it; everything else is kept.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table(Drugs::Table)
                    .drop_column(Drugs::Instructions)
                    .to_owned(),
            )
            .await
    }
}

#[derive(DeriveIden)]
enum Drugs {
    Table,
    Instructions,
}
