//! What a program's entities declare, to be compared with what its migrations make.
//!
//! Both sides are made on scratch databases in memory and read back by the same reader, so that only a real
//! difference is one. No database of the user's is needed or touched.

use std::fmt;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, EntityTrait};
use sea_orm_migration::{MigrationTrait, SchemaManager};

use crate::engine::Engine;
use crate::error::Error;
use crate::memory::{self, replay};
use crate::schema::Difference;
use crate::tape::Scratch;

/// The entities of a program.
///
/// ```
/// # mod note {
/// #     use sea_orm::entity::prelude::*;
/// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
/// #     #[sea_orm(table_name = "note")]
/// #     pub struct Model { #[sea_orm(primary_key)] pub id: i32 }
/// #     #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
/// #     pub enum Relation {}
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// let declared = revision::Declared::new().entity(note::Entity);
/// ```
#[derive(Default)]
pub struct Declared {
    tables: Vec<Box<dyn Declares>>,
}

impl Declared {
    /// No entity yet; nothing is compared with that.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entity.
    #[must_use]
    pub fn entity<E: EntityTrait>(mut self, entity: E) -> Self {
        self.tables.push(Box::new(entity));
        self
    }

    fn statements(&self) -> Vec<String> {
        let schema = sea_orm::Schema::new(DbBackend::Sqlite);
        let tables = self.tables.iter();
        tables.flat_map(|table| table.statements(&schema)).collect()
    }
}

impl fmt::Debug for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.statements()).finish()
    }
}

/// An entity whose type is forgotten.
trait Declares: Send + Sync {
    fn statements(&self, schema: &sea_orm::Schema) -> Vec<String>;
}

impl<E: EntityTrait> Declares for E {
    fn statements(&self, schema: &sea_orm::Schema) -> Vec<String> {
        let table = schema.create_table_from_entity(*self);
        let indexes = schema.create_index_from_entity(*self);
        let indexes = indexes.iter().map(|index| DbBackend::Sqlite.build(index));
        let statements = std::iter::once(DbBackend::Sqlite.build(&table)).chain(indexes);
        statements.map(|statement| statement.to_string()).collect()
    }
}

/// What the entities declare and all the migrations together do not make, or make otherwise.
pub(crate) async fn ahead(engine: &Engine) -> Result<Vec<Difference>, Error> {
    let statements = engine.declared.statements();
    if statements.is_empty() {
        return Ok(Vec::new());
    }
    let migrated = Scratch::new().await?;
    let migrations: Vec<&dyn MigrationTrait> = engine.migrations.iter().map(|one| &**one).collect();
    replay(&migrations, &SchemaManager::new(migrated.connection()))
        .await
        .map_err(Error::database("Replaying the migrations"))?;
    let declared = Scratch::new().await?;
    for statement in statements {
        let result = declared.connection().execute_unprepared(&statement).await;
        result.map_err(Error::database("Creating what the entities declare"))?;
    }
    let read = async |connection: &DatabaseConnection| {
        let schema = memory::schema(connection, &engine.table).await;
        schema.map_err(Error::database("Reading a scratch database"))
    };
    let expected = read(declared.connection()).await?;
    Ok(read(migrated.connection()).await?.differences(&expected))
}
