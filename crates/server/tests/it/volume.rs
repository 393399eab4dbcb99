//! What people do to the volume of a service: archives, restores, a second service, a wrong owner, a full disk.

mod archives;
mod codes;
mod commands;
mod matrix;
mod power_cut;
mod running;
mod script;
mod served;
