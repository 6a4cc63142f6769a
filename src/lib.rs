//! How Relink meets the world: the only code that opens a file or a socket.

pub mod app;
pub mod audit;
pub mod bench;
pub mod cli;
pub mod clock;
pub mod config;
mod console;
pub mod copy;
pub mod damage;
pub mod expiry;
pub mod explain;
#[cfg(test)]
mod history;
pub mod http;
pub mod mail;
mod nearest;
pub mod node;
pub mod outbound;
pub mod past;
mod private;
pub mod providers;
mod random;
pub mod rendering;
pub mod retention;
pub mod snapshots;
pub mod stats;
pub mod store;
pub mod telemetry;
pub mod timeline;
pub mod tokens;
pub mod vault;
pub mod verify;
pub mod why;
