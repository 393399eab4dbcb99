//! The service as its users meet it: over HTTP, in a process of its own where the process matters.

mod doctor_vacations;
mod drugs;
mod hard_cases;
mod list;
mod problems;
mod readme;
mod refill;
mod support;
