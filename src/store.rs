//! Adapters of the log's port, `events::EventStore`.

pub mod embedded;
pub mod eventstoredb;
#[cfg(test)]
mod testing;
