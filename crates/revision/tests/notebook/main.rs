//! A project's migration program, as small as one can be, with the ways to fail that the tests ask for.
//!
//! `NOTEBOOK` chooses the migrations (`full`, `short`, `broken`), `NOTEBOOK_DIE_AT=n` kills the process before the
//! n-th statement of its migrations, and `NOTEBOOK_ENGINE=plain` applies everything with SeaORM's own runner.

mod migrations;

use std::env;
use std::process::ExitCode;

use migrations::{Broken, Full, Short};
use sea_orm_migration::MigratorTrait;

fn main() -> ExitCode {
    let url = "sqlite://notes.db";
    match env::var("NOTEBOOK").as_deref() {
        _ if env::var("NOTEBOOK_ENGINE").as_deref() == Ok("plain") => plain::<Full>(url),
        Ok("short") => revision::cli::main::<Short>(url),
        Ok("broken") => revision::cli::main::<Broken>(url),
        _ => revision::cli::main::<Full>(url),
    }
}

/// What a SeaORM program does without this crate: the control that shows that the tests can fail.
fn plain<M: MigratorTrait>(url: &str) -> ExitCode {
    let url = env::var("DATABASE_URL").unwrap_or_else(|_| format!("{url}?mode=rwc"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let result = runtime.block_on(async {
        let connection = sea_orm::Database::connect(url).await?;
        M::up(&connection, None).await
    });
    if result.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
