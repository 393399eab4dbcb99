//! The engine and its command line on real databases and real processes.

mod alone;
mod autogenerate;
mod check;
mod cli;
mod guards;
#[path = "../notebook/migrations.rs"]
mod migrations;
mod postgres;
mod processes;
mod rebuilds;
mod refusals;
mod render;
mod revision;
mod schemas;
mod scripts;
mod signals;
mod snapshots;
mod stamps;
mod states;
mod support;
mod survival;
mod terminal;
mod upgrade;
mod written;
