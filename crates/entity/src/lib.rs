//! The schema that the code expects: one SeaORM entity per table, one file per entity.
//!
//! The migrations bring a database to this schema; a test in `migration/` keeps the two equal.
//! Amounts are integer thousandths of the drug's unit, dates are local calendar dates, instants are UTC.

pub mod doctor_vacation;
pub mod drug;
pub mod idempotency_key;

use revision::Declared;

/// Everything that is declared here, for `revision --autogenerate` and `check` to compare with the migrations.
///
/// What is made of the drugs for the sake of speed is no entity: the search index, and on SQLite the counts.
pub fn declared() -> Declared {
    Declared::new()
        .entity(drug::Entity)
        .details(drug::details())
        .leave_out("drug_counts")
        .entity(doctor_vacation::Entity)
        .entity(idempotency_key::Entity)
}
