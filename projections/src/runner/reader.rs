//! Reads the log ahead of the folding, and waits out its failures.

use std::sync::Arc;
use std::time::Duration;

use events::store::{Heard, Subscription};
use events::{EventStore, Failure, Position, Record};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// As many pages as may lie ready while one is folded.
const AHEAD_MAX: usize = 2;

/// A page of fewer records means that the log grows by drops.
const DROP_MAX: usize = 256;

/// Between two such pages, so that many small appends cost one read.
const DROP_PAUSE: Duration = Duration::from_millis(2);

/// How old the known end of the log may be while catching up.
const HEAD_AGE_MAX: Duration = Duration::from_secs(1);

/// What was read.
#[derive(Debug)]
pub(super) enum Read {
    /// The next records, and where the log ends.
    Page { records: Vec<Record>, head: Position },
    /// All there was.
    CaughtUp(Position),
    /// Nothing; it will be tried again.
    Failed(Failure),
}

/// Stops reading when dropped.
pub(super) struct Reader(JoinHandle<()>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reader {
    /// Reads everything behind a position, for as long as somebody takes it.
    pub(super) fn spawn(
        store: Arc<dyn EventStore>,
        behind: Position,
    ) -> (Self, mpsc::Receiver<Read>) {
        let (pages, read) = mpsc::channel(AHEAD_MAX);
        (Self(tokio::spawn(follow(store, behind, pages))), read)
    }
}

async fn follow(store: Arc<dyn EventStore>, behind: Position, pages: mpsc::Sender<Read>) {
    let mut subscription = Subscription::new(store.clone(), behind);
    let mut backoff = Backoff::default();
    let mut end = End { head: Position::START, asked_at: None, asking: None };
    loop {
        let (read, pause) = match subscription.next().await {
            Ok(Heard::Page(records)) => {
                let pause = (records.len() < DROP_MAX).then_some(DROP_PAUSE);
                let head = end.behind(&records, &store).await;
                (Read::Page { records, head }, pause)
            }
            Ok(Heard::CaughtUp(position)) => (Read::CaughtUp(position), None),
            Err(failure) => {
                // Anew, so that *caught up* is said again once the log answers.
                subscription = Subscription::new(store.clone(), subscription.position());
                (Read::Failed(failure), Some(backoff.next()))
            }
        };
        if !matches!(read, Read::Failed(_)) {
            backoff = Backoff::default();
        }
        if pages.send(read).await.is_err() {
            return;
        }
        if let Some(pause) = pause {
            sleep(pause).await;
        }
    }
}

/// The end of the log, asked for seldom. Only the first time whoever reads waits for it.
struct End {
    head: Position,
    asked_at: Option<Instant>,
    asking: Option<JoinHandle<Result<Position, Failure>>>,
}

impl End {
    async fn behind(&mut self, records: &[Record], store: &Arc<dyn EventStore>) -> Position {
        let last = records.last().map_or(Position::START, |record| record.position);
        let fresh = self.asked_at.is_some_and(|at| at.elapsed() < HEAD_AGE_MAX);
        if records.len() >= DROP_MAX && !fresh && self.asking.is_none() {
            let store = store.clone();
            self.asking = Some(tokio::spawn(async move { store.head().await }));
        }
        let is_first = self.asked_at.is_none();
        if let Some(asked) = self.asking.take_if(|asking| is_first || asking.is_finished()) {
            // Only a figure for people: where it cannot be had, the last one known will do.
            self.head = asked.await.ok().and_then(Result::ok).unwrap_or(self.head);
            self.asked_at = Some(Instant::now());
        }
        self.head = self.head.max(last);
        self.head
    }
}

/// Waits that double, from 100 ms to 1 s.
#[derive(Debug, Default)]
pub(super) struct Backoff(u32);

impl Backoff {
    /// The next wait.
    pub(super) fn next(&mut self) -> Duration {
        let wait = Duration::from_millis(100 << self.0.min(4)).min(Duration::from_secs(1));
        self.0 += 1;
        wait
    }
}
