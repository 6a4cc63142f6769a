//! Who decides: aggregates, and the one shell that runs each as an actor over its stream.
//!
//! This crate opens nothing: no file, no socket, and it has no clock of its own.

pub mod aggregate;
pub mod ports;
