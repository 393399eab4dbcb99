//! The service as its users meet it: over HTTP, in a process of its own where the process matters.

mod boot;
mod boot_kill;
mod boot_race;
mod doctor_vacations;
mod drugs;
mod full_disk;
mod hard_cases;
mod list;
mod problems;
mod refill;
mod shutdown;
mod support;
mod write_kill;
