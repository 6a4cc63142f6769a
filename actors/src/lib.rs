//! Who decides: aggregates, and the one shell that runs each as an actor over its stream.
//!
//! This crate opens nothing: no file, no socket, and it has no clock of its own.

pub mod aggregate;
mod caught;
pub mod nodes;
pub mod ports;
pub mod registry;
mod shell;
pub mod subject;
mod supervisor;
pub mod switch;
mod tireless;

pub mod account;
pub mod delivery;
pub mod fanout;
pub mod hook;
pub mod inbox;
pub mod installation;
pub mod platform;
pub mod request;
pub mod rule;
pub mod webhook;

#[cfg(test)]
mod testing;

pub use caught::{Panic, caught};
pub use shell::{Context, Done, Refused};
pub use tireless::tireless;
