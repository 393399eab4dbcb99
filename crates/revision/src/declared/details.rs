//! What SeaORM's attributes cannot say of a table.

use sea_orm::EntityName;
use sea_orm::sea_query::{Expr, ForeignKeyCreateStatement, IndexCreateStatement, IntoIden};

use crate::operation::Change;
use crate::schema::ForeignKey;

/// What is to be said of an entity's table beside its attributes.
///
/// It stands beside the entity, and is given to [`Declared::details`](super::Declared::details).
///
/// ```
/// # mod drug {
/// #     use sea_orm::entity::prelude::*;
/// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// #     #[sea_orm(table_name = "drug")]
/// #     pub struct Model { #[sea_orm(primary_key)] pub id: i32, pub name: String, pub archived: bool }
/// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #     pub enum Relation {}
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// use revision::Details;
/// use sea_orm::sea_query::{ConditionalStatement, Expr, ExprTrait, Index};
///
/// let details = Details::of(drug::Entity)
///     .renamed_from("medicine")
///     .check("ck-drug-name", Expr::col("name").ne(""))
///     .collation("name", Some("NOCASE"), Some("und-x-icu"))
///     .index(
///         Index::create()
///             .name("idx-drug-active")
///             .table(drug::Entity)
///             .col("name")
///             .and_where(Expr::col("archived").eq(false)),
///     );
/// ```
#[derive(Clone, Debug)]
pub struct Details {
    pub(crate) table: String,
    pub(crate) renamed_from: Option<String>,
    changes: Vec<Change>,
    pub(super) indexes: Vec<IndexCreateStatement>,
}

impl Details {
    /// Begins what is to be said of the table of an entity.
    pub fn of(entity: impl EntityName) -> Self {
        Self {
            table: entity.table_name().to_owned(),
            renamed_from: None,
            changes: Vec::new(),
            indexes: Vec::new(),
        }
    }

    /// Says what the table was called before. It may stay there when the table has been renamed.
    #[must_use]
    pub fn renamed_from(mut self, name: impl Into<String>) -> Self {
        self.renamed_from = Some(name.into());
        self
    }

    /// Adds a CHECK constraint.
    #[must_use]
    pub fn check(self, name: impl Into<String>, expression: impl Into<Expr>) -> Self {
        self.change(Change::AddCheck {
            name: Some(name.into()),
            expression: expression.into(),
        })
    }

    /// Adds a UNIQUE constraint; a unique index is an [`index`](Self::index).
    #[must_use]
    pub fn unique<C: IntoIden>(
        self,
        name: impl Into<String>,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        self.change(Change::AddUnique {
            name: Some(name.into()),
            columns: columns
                .into_iter()
                .map(|column| column.into_iden().to_string())
                .collect(),
        })
    }

    /// Adds a foreign key that is no relation, or one that says more than a relation can; the relation must then be
    /// marked `skip_fk`.
    #[must_use]
    pub fn foreign_key(self, key: &ForeignKeyCreateStatement) -> Self {
        self.change(Change::AddForeignKey(ForeignKey::from(key)))
    }

    /// Adds an index: partial, over expressions, descending.
    #[must_use]
    pub fn index(mut self, index: &IndexCreateStatement) -> Self {
        self.indexes.push(index.clone());
        self
    }

    /// Sets the collation of a column, under its name on each database; `None` leaves that one as it is.
    #[must_use]
    pub fn collation(
        self,
        column: impl IntoIden,
        sqlite: Option<&str>,
        postgres: Option<&str>,
    ) -> Self {
        self.change(Change::SetCollation {
            column: column.into_iden().to_string(),
            sqlite: sqlite.map(str::to_owned),
            postgres: postgres.map(str::to_owned),
        })
    }

    /// Says that a column is computed from others, and kept in the table.
    #[must_use]
    pub fn generated(self, column: impl IntoIden, expression: impl Into<Expr>) -> Self {
        self.change(Change::SetGenerated {
            column: column.into_iden().to_string(),
            expression: expression.into(),
            stored: true,
        })
    }

    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Adds anything else that a change of the table can say, such as [`Change::SetStrict`].
    #[must_use]
    pub fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }
}
