//! Drugs as they are declared at one time and another.

macro_rules! entity {
    ($module:ident $table:tt { $($fields:tt)* }) => {
        entity! { $module $table { $($fields)* } {} }
    };
    ($module:ident $table:tt { $($fields:tt)* } { $($relations:tt)* }) => {
        pub(crate) mod $module {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub(crate) struct Model {
                $($fields)*
            }

            #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
            pub(crate) enum Relation {
                $($relations)*
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}
pub(super) use entity;

entity! { plain "drug" {
    #[sea_orm(primary_key)]
    pub(crate) id: i32,
    pub(crate) title: String,
    pub(crate) stock: Option<i32>,
} }

entity! { rich "drug" {
    #[sea_orm(primary_key)]
    pub(crate) id: i32,
    #[sea_orm(unique, renamed_from = "title", column_type = "String(StringLen::N(40))")]
    pub(crate) name: String,
    pub(crate) stock: Option<i32>,
    #[sea_orm(default_value = "tablet", comment = "what is counted")]
    pub(crate) unit: String,
    #[sea_orm(default_value = true)]
    pub(crate) active: bool,
    #[sea_orm(indexed, default_expr = "Expr::current_timestamp()")]
    pub(crate) made: DateTime,
    #[sea_orm(unique_key = "place", default_value = 0, extra = "CHECK (shelf >= 0)")]
    pub(crate) shelf: i32,
    #[sea_orm(unique_key = "place")]
    pub(crate) r#box: Option<i32>,
} }

entity! { hinted "drug" {
    #[sea_orm(primary_key)]
    pub(crate) id: i32,
    #[sea_orm(renamed_from = "title")]
    pub(crate) name: String,
    pub(crate) stock: Option<i32>,
} }

entity! { further "drug" {
    #[sea_orm(primary_key)]
    pub(crate) id: i32,
    pub(crate) name: String,
    pub(crate) stock: Option<i32>,
} }

entity! { greater "drug" {
    #[sea_orm(primary_key)]
    pub(crate) id: i32,
    pub(crate) name: String,
    pub(crate) stock: Option<i64>,
} }

entity! { medicine "medicine" {
    #[sea_orm(primary_key)]
    pub(crate) id: i32,
    pub(crate) name: String,
    pub(crate) stock: Option<i32>,
} }

entity! { batch "batch" {
    #[sea_orm(primary_key)]
    pub(crate) id: i32,
    pub(crate) drug_id: i32,
} }

entity! { bound_batch "batch" {
    #[sea_orm(primary_key)]
    pub(crate) id: i32,
    pub(crate) drug_id: i32,
} {
    #[sea_orm(
        belongs_to = "super::plain::Entity",
        from = "Column::DrugId",
        to = "super::plain::Column::Id",
        on_delete = "Cascade"
    )]
    Drug,
} }

impl sea_orm::Related<plain::Entity> for bound_batch::Entity {
    fn to() -> sea_orm::RelationDef {
        sea_orm::RelationTrait::def(&bound_batch::Relation::Drug)
    }
}
