use std::sync::Arc;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Embedded::serve(folder.path(), Options::default()).unwrap());
    events::store::contract::verify(async || Arc::clone(&store) as Arc<dyn EventStore>).await;
    store.close().await;
}
