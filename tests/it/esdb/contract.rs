//! The contract of the log's port, unchanged.

use std::sync::Arc;

use events::EventStore;

use super::Namespace;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eventstoredb_keeps_the_contract() {
    let namespace = Namespace::new();
    let store: Arc<dyn EventStore> = Arc::new(namespace.open());
    events::store::contract::verify(async || Arc::clone(&store)).await;
}
