//! The command line over the medicine tracker's migrations and entities.

use std::process::ExitCode;

fn main() -> ExitCode {
    revision::cli::main_declaring::<migration::Migrator>("sqlite://medicine.db", entity::declared())
}
