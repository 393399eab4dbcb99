//! Create doctor vacations
//!
//! Revises: `m20260907_190000_create_drugs`

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(DoctorVacations::Table)
                    .col(big_pk_auto(DoctorVacations::Id))
                    .col(date(DoctorVacations::StartDate))
                    .col(date(DoctorVacations::EndDate))
                    .col(text_null(DoctorVacations::Notes))
                    .col(big_integer(DoctorVacations::Version))
                    .col(timestamp_with_time_zone(DoctorVacations::CreatedAt))
                    .col(timestamp_with_time_zone(DoctorVacations::UpdatedAt))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("idx-doctor_vacations-start_date")
                    .table(DoctorVacations::Table)
                    .col(DoctorVacations::StartDate)
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table(DoctorVacations::Table).to_owned())
            .await
    }
}

#[derive(DeriveIden)]
enum DoctorVacations {
    Table,
    Id,
    StartDate,
    EndDate,
    Notes,
    Version,
    CreatedAt,
    UpdatedAt,
}
