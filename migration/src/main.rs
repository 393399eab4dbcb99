//! The command line over the medicine tracker's migrations.

use std::process::ExitCode;

fn main() -> ExitCode {
    revision::cli::main::<migration::Migrator>("sqlite://medicine.db")
}
