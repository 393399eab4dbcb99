//! An enum as it is declared at one time and another.

use sea_orm::{DeriveActiveEnum, EnumIter};

use super::drugs::entity;

#[derive(Clone, Debug, PartialEq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "route")]
pub(crate) enum Two {
    #[sea_orm(string_value = "oral")]
    Oral,
    #[sea_orm(string_value = "other")]
    Other,
}

#[derive(Clone, Debug, PartialEq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "route")]
pub(crate) enum Three {
    #[sea_orm(string_value = "oral")]
    Oral,
    #[sea_orm(string_value = "nasal")]
    Nasal,
    #[sea_orm(string_value = "other")]
    Other,
}

entity! { by_word "intake" {
    #[sea_orm(primary_key)]
    pub(crate) id: i32,
    #[sea_orm(column_type = "String(StringLen::N(9))")]
    pub(crate) route: String,
} }

entity! { by_route "intake" {
    #[sea_orm(primary_key)]
    pub(crate) id: i32,
    pub(crate) route: super::Two,
} }

entity! { by_three "intake" {
    #[sea_orm(primary_key)]
    pub(crate) id: i32,
    pub(crate) route: super::Three,
} }
