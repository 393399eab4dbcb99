//! What a program's entities declare: the schema that its code expects.
//!
//! It is created on an empty database and read back, so that it is compared with what the migrations make in the
//! database's own spelling.

mod create;
mod details;
mod entity;

use std::fmt;

use sea_orm::{DbBackend, EntityTrait};

pub use details::Details;
use entity::{Declares, Parts};

use crate::error::Error;

/// The entities of a program, and what their attributes cannot say.
///
/// ```
/// # mod note {
/// #     use sea_orm::entity::prelude::*;
/// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// #     #[sea_orm(table_name = "note")]
/// #     pub struct Model { #[sea_orm(primary_key)] pub id: i32, pub stars: i32 }
/// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #     pub enum Relation {}
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// use revision::{Declared, Details};
/// use sea_orm::sea_query::{Expr, ExprTrait};
///
/// let declared = Declared::new()
///     .entity(note::Entity)
///     .details(Details::of(note::Entity).check("ck-note-stars", Expr::col("stars").lte(5)))
///     .leave_out("spatial_*");
/// ```
#[derive(Default)]
pub struct Declared {
    entities: Vec<Box<dyn Declares>>,
    details: Vec<Details>,
    left_out: Vec<String>,
}

impl Declared {
    /// No entity yet; nothing is compared with that.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entity.
    #[must_use]
    pub fn entity<E: EntityTrait>(mut self, entity: E) -> Self {
        self.entities.push(Box::new(entity));
        self
    }

    /// Adds what the attributes of an entity cannot say.
    #[must_use]
    pub fn details(mut self, details: Details) -> Self {
        self.details.push(details);
        self
    }

    /// Leaves alone the tables that are somebody else's; `*` stands for any letters.
    #[must_use]
    pub fn leave_out(mut self, pattern: impl Into<String>) -> Self {
        self.left_out.push(pattern.into());
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// The patterns of tables that are somebody else's.
    pub(crate) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    pub(crate) fn all_details(&self) -> &[Details] {
        &self.details
    }

    /// What each entity declares on this kind of database.
    pub(crate) fn parts(&self, backend: DbBackend) -> Result<Vec<Parts>, Error> {
        let entities = self.entities.iter();
        entities.map(|entity| entity.parts(backend)).collect()
    }

    /// Creates everything on an empty database.
    pub(crate) async fn create_on(
        &self,
        connection: &sea_orm::DatabaseConnection,
    ) -> Result<(), Error> {
        let parts = self.parts(connection.get_database_backend())?;
        create::run(connection, &parts, &self.details)
            .await
            .map_err(Error::database("Creating what the entities declare"))
    }
}

impl fmt::Debug for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declared")
            .field("entities", &self.entities.len())
            .field("details", &self.details)
            .field("left_out", &self.left_out)
            .finish()
    }
}
