//! A program with 50 tables and 200 migrations, whose entities are ahead of them by one type.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    boolean, integer, integer_null, pk_auto, string_len, text_null, timestamp_with_time_zone,
};

/// How many tables there are.
pub(crate) const TABLES: usize = 50;

/// The one in which the entities want `name` to be longer than the migrations have it.
pub(crate) const CHANGED: usize = 27;

/// The migrations of the program: one creates a table, and three change it.
pub(crate) struct Program;

impl MigratorTrait for Program {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let creates = (0..TABLES).map(|table| (table, Work::Create));
        let alters = [Work::AddColumns, Work::Index, Work::Alter];
        let alters = alters
            .into_iter()
            .flat_map(|work| (0..TABLES).map(move |table| (table, work)));
        let each = creates.chain(alters).enumerate();
        each.map(|(index, (table, work))| -> Box<dyn MigrationTrait> {
            Box::new(Step {
                name: format!("m20260101_{index:06}_{work:?}_{table:02}").to_lowercase(),
                table,
                work,
            })
        })
        .collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Work {
    Create,
    AddColumns,
    Index,
    Alter,
}

struct Step {
    name: String,
    table: usize,
    work: Work,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        &self.name
    }
}

/// What a table is called.
pub(crate) fn table_name(table: usize) -> String {
    format!("table_{table:02}")
}

/// The table that a table points at; the first of ten points at none.
pub(crate) fn parent(table: usize) -> Option<usize> {
    (!table.is_multiple_of(10)).then_some(table - table % 10)
}

/// How long the name in a table may be before the change.
pub(crate) fn name_chars(table: usize) -> u32 {
    if table == CHANGED { 10 } else { 20 }
}

/// Whether the last change of a table is one that SQLite has no words for.
pub(crate) fn is_rebuilt(table: usize) -> bool {
    table % 5 == 1
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = table_name(self.table);
        match self.work {
            Work::Create => manager.create_table(create(self.table)).await,
            Work::AddColumns => {
                for column in [&mut text_null("note"), &mut integer_null("stock")] {
                    let alter = Table::alter()
                        .table(table.clone())
                        .add_column(column)
                        .to_owned();
                    manager.alter_table(alter).await?;
                }
                Ok(())
            }
            Work::Index => {
                let index = Index::create()
                    .name(format!("idx-{table}-name"))
                    .table(table)
                    .col("name")
                    .to_owned();
                manager.create_index(index).await
            }
            Work::Alter if is_rebuilt(self.table) => {
                let rebuild = revision::rebuild_table(manager, table);
                rebuild.set_not_null("stock").run().await
            }
            Work::Alter => {
                let mut done = boolean("done");
                let column = done.default(false);
                let alter = Table::alter().table(table).add_column(column).to_owned();
                manager.alter_table(alter).await
            }
        }
    }
}

fn create(table: usize) -> TableCreateStatement {
    let mut create = Table::create()
        .table(table_name(table))
        .col(pk_auto("id"))
        .col(string_len("name", name_chars(table)))
        .col(integer("position"))
        .col(timestamp_with_time_zone("created_at"))
        .to_owned();
    if let Some(parent) = parent(table) {
        create.col(integer("parent_id"));
        create.foreign_key(
            ForeignKey::create()
                .name(format!("fk-{}-parent_id", table_name(table)))
                .from(table_name(table), "parent_id")
                .to(table_name(parent), "id")
                .on_delete(ForeignKeyAction::Cascade),
        );
    }
    create
}
