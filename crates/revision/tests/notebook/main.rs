//! A project's migration program, as small as one can be, with the ways to fail that the tests ask for.
//!
//! `NOTEBOOK` chooses the migrations (`full`, `short`, `broken`, `edited`, `gated`, `alone`), or the entities too
//! (`ahead`, `retagged`); `NOTEBOOK_DIE_AT=n` kills the process before the n-th statement, be it of a
//! migration or of the engine, and `NOTEBOOK_ENGINE=plain` applies everything with SeaORM's own runner.

mod label;
mod migrations;
mod tag;

use std::env;
use std::process::ExitCode;

use migrations::{Alone, Broken, Edited, Full, Gated, Short, tick};
use revision::{Declared, Event, Observer};
use sea_orm_migration::MigratorTrait;

fn main() -> ExitCode {
    match env::var("NOTEBOOK").as_deref() {
        _ if env::var("NOTEBOOK_ENGINE").as_deref() == Ok("plain") => plain::<Full>(),
        Ok("short") => run::<Short>(),
        Ok("broken") => run::<Broken>(),
        Ok("edited") => run::<Edited>(),
        Ok("gated") => run::<Gated>(),
        Ok("alone") => run::<Alone>(),
        Ok("ahead") => revision::cli::main_declaring::<Full>(
            "sqlite://notes.db",
            Declared::new().entity(label::Entity),
        ),
        Ok("retagged") => revision::cli::main_declaring::<Full>(
            "sqlite://notes.db",
            Declared::new()
                .entity(tag::Entity)
                .leave_out("folder")
                .leave_out("note"),
        ),
        _ => run::<Full>(),
    }
}

fn run<M: MigratorTrait>() -> ExitCode {
    let observer = Observer::new(|event| match event {
        Event::Begin
        | Event::Install
        | Event::Record { .. }
        | Event::Remember { .. }
        | Event::Commit
        | Event::Committed => tick(),
        _ => {}
    });
    revision::cli::main_observed::<M>("sqlite://notes.db", observer)
}

/// What a SeaORM program does without this crate: the control that shows that the tests can fail.
fn plain<M: MigratorTrait>() -> ExitCode {
    let url = env::var("DATABASE_URL").expect("the tests name a database");
    let url = if url.starts_with("sqlite:") {
        format!("{url}?mode=rwc")
    } else {
        url
    };
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
