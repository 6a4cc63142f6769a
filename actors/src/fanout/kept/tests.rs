use events::snapshot::memory::Shelf;
use events::{AccountId, Category, Event, StreamName, account};

use super::*;
use crate::testing::{Forgery, TestStore};

async fn log(names: &[&str]) -> Arc<TestStore> {
    let store = Arc::new(TestStore::default());
    for name in names {
        let renamed = account::Renamed { name: (*name).to_owned() };
        let event = Event::Account(renamed.into());
        let stream = StreamName::new(Category::Account, AccountId(1));
        store.forge(&stream, &event, Forgery::None).await;
    }
    store
}

async fn folded(store: &TestStore) -> Folded {
    let last = store.read_all(Position(1), 1).await.unwrap().remove(0);
    Folded { position: last.position, hash: last.hash, ..Folded::default() }
}

async fn kept(store: &TestStore) -> Arc<dyn Snapshots> {
    let shelf: Arc<dyn Snapshots> = Arc::new(Shelf::default());
    save(&shelf, &folded(store).await).await;
    shelf
}

#[tokio::test]
async fn what_was_kept_is_where_the_next_start_begins() {
    let store = log(&["Acme", "Acme & Co", "Acme"]).await;
    let shelf = kept(&store).await;
    let found = load(&shelf, &*store, Position(3)).await.unwrap();
    assert_eq!((found.position, found.hash), (Position(2), folded(&store).await.hash));
}

#[tokio::test]
async fn what_is_beyond_the_checkpoint_is_not_used() {
    let store = log(&["Acme", "Acme & Co", "Acme"]).await;
    let shelf = kept(&store).await;
    assert_eq!(load(&shelf, &*store, Position(1)).await.unwrap().position, Position::START);
}

#[tokio::test]
async fn what_is_of_another_log_is_not_used() {
    let shelf = kept(&*log(&["Acme", "Acme & Co"]).await).await;
    let other = log(&["Acme", "Acme Inc"]).await;
    assert_eq!(load(&shelf, &*other, Position(2)).await.unwrap().position, Position::START);
    let shorter = log(&["Acme"]).await;
    assert_eq!(load(&shelf, &*shorter, Position(2)).await.unwrap().position, Position::START);
}

#[tokio::test]
async fn what_is_damaged_is_not_used() {
    let store = log(&["Acme", "Acme & Co"]).await;
    let shelf: Arc<dyn Snapshots> = Arc::new(Shelf::default());
    shelf.save(NAME, b"no snapshot").unwrap();
    assert_eq!(load(&shelf, &*store, Position(2)).await.unwrap().position, Position::START);
}
