//! The service as its users meet it: over HTTP, in a process of its own where the process matters.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

mod boot;
mod boot_kill;
mod boot_race;
mod derived;
mod description;
mod dockerfile;
mod doctor_vacations;
mod drugs;
mod env_example;
mod full_disk;
mod hard_cases;
mod list;
mod problems;
mod readme;
mod refill;
mod search;
mod shutdown;
mod support;
mod together;
mod volume;
mod write_kill;
