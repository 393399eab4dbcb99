//! The command line over the medicine tracker's migrations and entities.

use std::process::ExitCode;

use revision::Declared;

fn main() -> ExitCode {
    let declared = Declared::new()
        .entity(entity::drug::Entity)
        .entity(entity::doctor_vacation::Entity)
        .entity(entity::idempotency_key::Entity);
    revision::cli::main_declaring::<migration::Migrator>("sqlite://medicine.db", declared)
}
