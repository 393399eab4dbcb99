//! The service as its users meet it: over HTTP, in a process of its own where the process matters.

mod description;
mod dockerfile;
mod doctor_vacations;
mod drugs;
mod env_example;
mod hard_cases;
mod list;
mod problems;
mod readme;
mod refill;
mod support;
