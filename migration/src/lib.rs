//! The medicine tracker's migrations, oldest first, one file each.
//!
//! An applied migration is frozen: it names its tables in an enum of its own and leans on nothing that
//! lives on, so that a database of any age can always be brought to today's schema.

pub use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod m20260907_190000_create_drugs;
mod m20260914_183000_create_doctor_vacations;
mod m20260921_201500_add_instructions_field_to_drug;
mod m20261005_194500_create_idempotency_keys;
mod m20261019_190000_index_drugs_by_group;
mod m20261026_193000_search_drugs_by_trigrams;
mod m20261123_191500_search_drugs_by_pieces;

/// Every migration of the medicine tracker.
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20260907_190000_create_drugs::Migration),
            Box::new(m20260914_183000_create_doctor_vacations::Migration),
            Box::new(m20260921_201500_add_instructions_field_to_drug::Migration),
            Box::new(m20261005_194500_create_idempotency_keys::Migration),
            Box::new(m20261019_190000_index_drugs_by_group::Migration),
            Box::new(m20261026_193000_search_drugs_by_trigrams::Migration),
            Box::new(m20261123_191500_search_drugs_by_pieces::Migration),
        ]
    }
}
