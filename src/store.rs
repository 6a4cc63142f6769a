//! Adapters of the log's port, `events::EventStore`.

pub mod embedded;
