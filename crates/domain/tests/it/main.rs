//! The rules of stock-keeping, by the vectors of the field and against a naive day-by-day
//! simulation.

mod build;
mod naive;
mod properties;
mod vectors;
