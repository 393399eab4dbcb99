//! `drugs`: what somebody takes, when, how much of it is there, and when it has to be ordered.

use revision::Details;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Index;

/// A row of `drugs`.
///
/// `run_out_date` and `reorder_date` follow from the stock and the schedule. They are stored because
/// they do not change as days pass, so that an index serves "what has to be ordered now" at any size.
/// 9999-12-31 stands for never: a value that compares, where NULL would need a case of its own.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "drugs")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Trade name: 1-200 characters, trimmed, NFC.
    #[sea_orm(column_type = "String(StringLen::N(200))")]
    pub name: String,
    /// Display text, as typed.
    #[sea_orm(column_type = "String(StringLen::N(100))")]
    pub dosage_strength: Option<String>,
    /// What is counted: tablet, mL, IU.
    #[sea_orm(column_type = "String(StringLen::N(30))", default_value = "tablet")]
    pub unit: String,
    pub schedule_type: ScheduleType,
    #[sea_orm(default_value = 0)]
    pub morning_pre_food: i64,
    #[sea_orm(default_value = 0)]
    pub morning_post_food: i64,
    #[sea_orm(default_value = 0)]
    pub noon_pre_food: i64,
    #[sea_orm(default_value = 0)]
    pub noon_post_food: i64,
    #[sea_orm(default_value = 0)]
    pub evening_pre_food: i64,
    #[sea_orm(default_value = 0)]
    pub evening_post_food: i64,
    #[sea_orm(default_value = 0)]
    pub night: i64,
    /// Thousandths per even ISO week, where the schedule alternates.
    pub even_week_pills: Option<i64>,
    /// Thousandths per odd ISO week, where the schedule alternates.
    pub odd_week_pills: Option<i64>,
    /// First day of the therapy.
    pub start_date: Option<Date>,
    /// Last day of the therapy, inclusive.
    pub end_date: Option<Date>,
    /// Thousandths that were there at the start of `counted_on`.
    #[sea_orm(extra = "CHECK (current_amount >= 0)")]
    pub current_amount: i64,
    /// The local day whose doses were not yet taken when `current_amount` was counted.
    pub counted_on: Date,
    /// Thousandths in one package.
    #[sea_orm(extra = "CHECK (package_size > 0)")]
    pub package_size: i64,
    #[sea_orm(default_value = 21)]
    pub reorder_lead_days: i32,
    #[sea_orm(default_value = false)]
    pub archived: bool,
    /// The first local day whose doses are not fully covered.
    pub run_out_date: Date,
    /// `run_out_date` less `reorder_lead_days`, absences of the doctor not regarded.
    pub reorder_date: Date,
    /// Name and strength, folded for search and for sorting by name.
    #[sea_orm(column_type = "Text")]
    pub search_text: String,
    /// Counts the writes; the entity tag of the record.
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    /// What to mind when taking it.
    #[sea_orm(column_type = "Text")]
    pub instructions: Option<String>,
}

/// How a drug is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))")]
pub enum ScheduleType {
    #[sea_orm(string_value = "daily")]
    Daily,
    #[sea_orm(string_value = "weekly_alternating")]
    WeeklyAlternating,
    #[sea_orm(string_value = "as_needed")]
    AsNeeded,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// One index for each order of a list. Each begins with the group of a drug, archived or not and how it is taken, so
/// that what a list leaves out is not read.
pub(crate) fn details() -> Details {
    let orders = [
        ("idx-drugs-group-id", None),
        ("idx-drugs-group-search_text", Some(Column::SearchText)),
        ("idx-drugs-group-run_out_date", Some(Column::RunOutDate)),
        ("idx-drugs-group-reorder_date", Some(Column::ReorderDate)),
    ];
    orders
        .into_iter()
        .fold(Details::of(Entity), |details, (name, column)| {
            let mut index = Index::create();
            index.name(name).table(Entity);
            index.col(Column::Archived).col(Column::ScheduleType);
            if let Some(column) = column {
                index.col(column);
            }
            details.index(index.col(Column::Id))
        })
}
