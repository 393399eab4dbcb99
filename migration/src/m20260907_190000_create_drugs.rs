//! Create drugs
//!
//! Revises: nothing, this is the first.

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
                    .table(Drugs::Table)
                    .col(big_pk_auto(Drugs::Id))
                    .col(string_len(Drugs::Name, 200))
                    .col(string_len_null(Drugs::DosageStrength, 100))
                    .col(string_len(Drugs::Unit, 30).default("tablet"))
                    .col(string_len(Drugs::ScheduleType, 20))
                    .col(big_integer(Drugs::MorningPreFood).default(0))
                    .col(big_integer(Drugs::MorningPostFood).default(0))
                    .col(big_integer(Drugs::NoonPreFood).default(0))
                    .col(big_integer(Drugs::NoonPostFood).default(0))
                    .col(big_integer(Drugs::EveningPreFood).default(0))
                    .col(big_integer(Drugs::EveningPostFood).default(0))
                    .col(big_integer(Drugs::Night).default(0))
                    .col(big_integer_null(Drugs::EvenWeekPills))
                    .col(big_integer_null(Drugs::OddWeekPills))
                    .col(date_null(Drugs::StartDate))
                    .col(date_null(Drugs::EndDate))
                    .col(big_integer(Drugs::CurrentAmount).extra("CHECK (current_amount >= 0)"))
                    .col(date(Drugs::CountedOn))
                    .col(big_integer(Drugs::PackageSize).extra("CHECK (package_size > 0)"))
                    .col(integer(Drugs::ReorderLeadDays).default(21))
                    .col(boolean(Drugs::Archived).default(false))
                    .col(date(Drugs::RunOutDate))
                    .col(date(Drugs::ReorderDate))
                    .col(text(Drugs::SearchText))
                    .col(big_integer(Drugs::Version))
                    .col(timestamp_with_time_zone(Drugs::CreatedAt))
                    .col(timestamp_with_time_zone(Drugs::UpdatedAt))
                    .to_owned(),
            )
            .await?;
        for (name, column) in [
            ("idx-drugs-run_out_date", Drugs::RunOutDate),
            ("idx-drugs-reorder_date", Drugs::ReorderDate),
            ("idx-drugs-search_text", Drugs::SearchText),
        ] {
            manager
                .create_index(
                    Index::create()
                        .name(name)
                        .table(Drugs::Table)
                        .col(column)
                        .to_owned(),
                )
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table(Drugs::Table).to_owned())
            .await
    }
}

#[derive(DeriveIden)]
enum Drugs {
    Table,
    Id,
    Name,
    DosageStrength,
    Unit,
    ScheduleType,
    MorningPreFood,
    MorningPostFood,
    NoonPreFood,
    NoonPostFood,
    EveningPreFood,
    EveningPostFood,
    Night,
    EvenWeekPills,
    OddWeekPills,
    StartDate,
    EndDate,
    CurrentAmount,
    CountedOn,
    PackageSize,
    ReorderLeadDays,
    Archived,
    RunOutDate,
    ReorderDate,
    SearchText,
    Version,
    CreatedAt,
    UpdatedAt,
}
