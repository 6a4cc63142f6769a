use std::sync::Arc;

use super::*;

#[tokio::test]
async fn the_memory_store_keeps_the_contract() {
    crate::store::contract::verify(async || Arc::new(MemoryStore::default()) as _).await;
}
