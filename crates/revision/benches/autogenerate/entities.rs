//! The 50 entities of the program.

#![expect(
    unreachable_pub,
    reason = "an entity is public in its module, as everywhere"
)]

use revision::Declared;

/// An entity with the columns that every table has, and its own.
macro_rules! entity {
    ($name:ident $table:literal, { $($column:tt)* }, { $($relation:tt)* }) => {
        mod $name {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i32,
                #[sea_orm(column_type = "String(StringLen::N(20))", indexed)]
                pub name: String,
                pub position: i32,
                pub created_at: DateTimeUtc,
                #[sea_orm(column_type = "Text")]
                pub note: Option<String>,
                $($column)*
            }

            #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
            pub enum Relation { $($relation)* }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

/// Tables of which the first is the parent of the others; those in the first brackets are rebuilt by a migration.
macro_rules! families {
    ($($parent:ident $table:literal $entity:literal $key:literal
        [$($rebuilt:ident $rebuilt_table:literal)*] [$($plain:ident $plain_table:literal)*])*) => {
        $(
            entity!($parent $table, {
                pub stock: Option<i32>,
                #[sea_orm(default_value = false)]
                pub done: bool,
            }, {});
            $(entity!($rebuilt $rebuilt_table, { pub stock: i32, pub parent_id: i32, }, {
                #[sea_orm(belongs_to = $entity, from = "Column::ParentId", to = $key, on_delete = "Cascade")]
                Parent,
            });)*
            $(entity!($plain $plain_table, {
                pub stock: Option<i32>,
                pub parent_id: i32,
                #[sea_orm(default_value = false)]
                pub done: bool,
            }, {
                #[sea_orm(belongs_to = $entity, from = "Column::ParentId", to = $key, on_delete = "Cascade")]
                Parent,
            });)*
        )*

        /// All of them.
        pub(crate) fn declared() -> Declared {
            Declared::new()
                $(.entity($parent::Entity) $(.entity($rebuilt::Entity))* $(.entity($plain::Entity))*)*
        }
    };
}

families! {
    table_00 "table_00" "super::table_00::Entity" "super::table_00::Column::Id"
        [table_01 "table_01" table_06 "table_06"]
        [table_02 "table_02" table_03 "table_03" table_04 "table_04" table_05 "table_05"
         table_07 "table_07" table_08 "table_08" table_09 "table_09"]
    table_10 "table_10" "super::table_10::Entity" "super::table_10::Column::Id"
        [table_11 "table_11" table_16 "table_16"]
        [table_12 "table_12" table_13 "table_13" table_14 "table_14" table_15 "table_15"
         table_17 "table_17" table_18 "table_18" table_19 "table_19"]
    table_20 "table_20" "super::table_20::Entity" "super::table_20::Column::Id"
        [table_21 "table_21" table_26 "table_26"]
        [table_22 "table_22" table_23 "table_23" table_24 "table_24" table_25 "table_25"
         table_27 "table_27" table_28 "table_28" table_29 "table_29"]
    table_30 "table_30" "super::table_30::Entity" "super::table_30::Column::Id"
        [table_31 "table_31" table_36 "table_36"]
        [table_32 "table_32" table_33 "table_33" table_34 "table_34" table_35 "table_35"
         table_37 "table_37" table_38 "table_38" table_39 "table_39"]
    table_40 "table_40" "super::table_40::Entity" "super::table_40::Column::Id"
        [table_41 "table_41" table_46 "table_46"]
        [table_42 "table_42" table_43 "table_43" table_44 "table_44" table_45 "table_45"
         table_47 "table_47" table_48 "table_48" table_49 "table_49"]
}
