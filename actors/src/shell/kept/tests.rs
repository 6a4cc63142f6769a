use std::sync::{Mutex, mpsc};
use std::time::Duration;

use events::AccountId;
use events::snapshot::SnapshotFailure;
use events::snapshot::memory::Shelf;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use super::*;
use crate::shell::mailbox::Envelope;
use crate::testing::TestStore;
use crate::testing::probe::{Probe, anew, say};

/// Longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(10);

/// A state is kept once it is so many events ahead.
const EVERY: usize = 5;

/// Says that it is about to save, and does so when it is told to.
struct Slow {
    shelf: Shelf,
    begun: tokio::sync::mpsc::UnboundedSender<()>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl Snapshots for Slow {
    fn load(&self, name: &str) -> Result<Option<Vec<u8>>, SnapshotFailure> {
        self.shelf.load(name)
    }

    fn save(&self, name: &str, bytes: &[u8]) -> Result<(), SnapshotFailure> {
        self.begun.send(()).unwrap();
        self.go.lock().unwrap().recv().unwrap();
        self.shelf.save(name, bytes)
    }
}

struct Stage {
    store: TestStore,
    snapshots: Arc<dyn Snapshots>,
    begun: UnboundedReceiver<()>,
    go: mpsc::Sender<()>,
}

impl Stage {
    fn new() -> Self {
        let ((begin, begun), (go, wait)) = (unbounded_channel(), mpsc::channel());
        let slow = Slow { shelf: Shelf::default(), begun: begin, go: Mutex::new(wait) };
        Self { store: TestStore::default(), snapshots: Arc::new(slow), begun, go }
    }

    async fn load(&self, snapshots: Option<&Arc<dyn Snapshots>>) -> Loaded<Probe> {
        let stream = StreamName::new(Probe::CATEGORY, AccountId(1));
        Loaded::load(&self.store, snapshots, &stream).await.unwrap()
    }

    /// What an actor does with so many commands.
    async fn goes_on(&self, loaded: &mut Loaded<Probe>, commands: usize) {
        for nth in 0..commands {
            let (envelope, _) = Envelope::new(anew(), say(nth));
            let decided = loaded.decide(&[envelope], false);
            loaded.write(&self.store, decided.events).await.unwrap();
            loaded.keep(&self.snapshots, EVERY);
        }
    }

    /// Lets what is being saved be so, and waits until that is over.
    async fn saved(&mut self, loaded: &Loaded<Probe>) {
        timeout(DEADLINE, self.begun.recv()).await.unwrap().unwrap();
        self.go.send(()).unwrap();
        let over = async {
            while loaded.packing.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, over).await.unwrap();
    }
}

#[tokio::test]
async fn a_state_is_packed_once_at_a_time_and_what_changed_meanwhile_behind_that() {
    let mut stage = Stage::new();
    // Given a state that is being packed
    let mut loaded = stage.load(None).await;
    stage.goes_on(&mut loaded, EVERY).await;
    assert_eq!(loaded.ahead, 0, "it is being packed");
    // When it changes a lot meanwhile
    stage.goes_on(&mut loaded, 3 * EVERY).await;
    // Then it is not packed again at the same time, and not forgotten either
    assert_eq!(loaded.ahead, 3 * EVERY);
    stage.saved(&loaded).await;
    assert!(stage.begun.is_empty());
    // But with the next change that comes
    stage.goes_on(&mut loaded, 1).await;
    assert_eq!(loaded.ahead, 0);
    stage.saved(&loaded).await;
    let read = stage.store.records_of_streams_read();
    let woken = stage.load(Some(&stage.snapshots)).await;
    assert_eq!((&woken.state, woken.tail), (&loaded.state, loaded.tail));
    assert_eq!(stage.store.records_of_streams_read() - read, 1, "all of it was kept");
}

#[tokio::test]
async fn what_is_kept_is_the_state_as_it_was_when_its_packing_began() {
    let mut stage = Stage::new();
    let mut loaded = stage.load(None).await;
    stage.goes_on(&mut loaded, EVERY).await;
    // When it changes while it is packed, and is woken on what was kept
    stage.goes_on(&mut loaded, 2).await;
    stage.saved(&loaded).await;
    // Then nothing is missing and nothing is there twice
    let woken = stage.load(Some(&stage.snapshots)).await;
    assert_eq!((woken.state, woken.ahead), (loaded.state, 2));
}
