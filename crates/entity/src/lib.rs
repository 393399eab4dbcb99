//! The schema that the code expects: one SeaORM entity per table, one file per entity.
//!
//! The migrations bring a database to this schema; a test in `migration/` keeps the two equal.
//! Amounts are integer thousandths of the drug's unit, dates are local calendar dates, instants are UTC.

pub mod doctor_vacation;
pub mod drug;
pub mod idempotency_key;

use revision::Declared;

/// Everything that is declared here, for `revision --autogenerate` and `check` to compare with the migrations.
pub fn declared() -> Declared {
    Declared::new()
        .entity(drug::Entity)
        .entity(doctor_vacation::Entity)
        .entity(idempotency_key::Entity)
}
