//! What can be seen: pure folds over the log, and the one runner that keeps them up to date.
//!
//! This crate opens nothing: where snapshots are kept is a port ([`Snapshots`]).

mod calendar;
mod names;
mod projection;
mod quarantine;
mod roster;
mod runner;
mod view;
mod views;

pub mod access;
pub mod accounts;
pub mod audit;
pub mod cache_keys;
pub mod delivery_log;
pub mod hook_health;
pub mod inbox_health;
pub mod incidents;
pub mod policies;
pub mod rule_health;
pub mod subject_health;
pub mod webhook_health;

pub use events::snapshot::{SnapshotFailure, Snapshots};
pub use projection::{Projection, Seen, replay};
pub use quarantine::{Quarantine, Quarantined};
pub use roster::Subject;
pub use runner::{Runner, Running, Status};
pub use view::{Late, Reading, View};
pub use views::Views;

#[cfg(test)]
mod testing;
