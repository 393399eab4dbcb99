//! The medicine tracker as a service: configuration, boot, HTTP.
//!
//! A request comes in at [`listener`], passes the middleware of [`router`], is read by [`body`] or
//! [`query`], and ends in the file that bears its resource's name. Every error leaves through
//! [`problem`]. The database is reached through [`database`] alone.

pub mod backup;
pub mod body;
pub mod boot;
pub mod config;
pub mod copy_from;
pub mod database;
pub mod doctor;
pub mod doctor_vacations;
pub mod drugs;
pub mod etag;
pub mod health;
pub mod healthcheck;
pub mod hex;
pub mod id;
pub mod idempotency;
pub mod json;
pub mod listener;
pub mod logging;
pub mod middleware;
pub mod openapi;
pub mod page;
pub mod problem;
pub mod query;
pub mod restore;
pub mod router;
pub mod state;
pub mod volume;
