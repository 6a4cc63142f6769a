//! The contract of the log's port, unchanged.

use std::sync::Arc;

use events::EventStore;

use super::{Namespace, open};
use crate::double::Double;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eventstoredb_keeps_the_contract() {
    let namespace = Namespace::new();
    let store: Arc<dyn EventStore> = Arc::new(namespace.open());
    events::store::contract::verify(async || Arc::clone(&store)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_nobody_set_keeps_the_contract_in_appends_of_a_mebibyte() {
    let double = Double::with_default_limit();
    let store: Arc<dyn EventStore> = Arc::new(open(&double.url()));
    events::store::contract::verify(async || Arc::clone(&store)).await;
}
