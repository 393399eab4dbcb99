//! The engine and its command line on real databases and real processes.

mod cli;
#[path = "../notebook/migrations.rs"]
mod migrations;
mod postgres;
mod processes;
mod refusals;
mod schemas;
mod snapshots;
mod support;
mod upgrade;
