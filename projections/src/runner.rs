//! The one runner of all views: catch up, stay caught up, save, rebuild.
//!
//! A task reads ahead while the pages before are folded; records are decoded once for all views.

mod checkpoint;
mod reader;
mod restore;

use std::fmt;
use std::future::pending;
use std::sync::Arc;

use events::{EventStore, Failure, Position, Record, Recorded};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::quarantine::Place;
use crate::view::{Folding, Mark};
use crate::{Projection, Quarantine, Snapshots, View};
use checkpoint::Checkpoints;
use reader::{Backoff, Read, Reader};

/// As many records as a view is held for: well under a millisecond.
const HELD_MAX: usize = 256;

/// How far the views are behind the log.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Status {
    /// What every view has seen.
    pub position: Position,
    /// The end of the log when it was last looked at.
    pub head: Position,
    /// Positions between the two; as many records where the engine leaves no gaps.
    pub lag: u64,
    /// Whether the end of the log has been reached since the start.
    pub caught_up: bool,
    /// Why the log cannot be read just now, or why no view moves any more.
    pub failing: Option<String>,
}

/// Views, and the log that they are to be folded from.
pub struct Runner {
    store: Arc<dyn EventStore>,
    snapshots: Arc<dyn Snapshots>,
    views: Vec<Arc<dyn Folding>>,
    quarantine: Quarantine,
    status: watch::Sender<Status>,
}

/// A runner at work.
#[derive(Debug)]
pub struct Running {
    status: watch::Receiver<Status>,
    quarantine: Quarantine,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.views.iter().map(|view| view.name())).finish()
    }
}

impl Running {
    /// How far the views have come, now and as it changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// The streams that no view shows fully.
    pub fn quarantine(&self) -> Quarantine {
        self.quarantine.clone()
    }

    /// Waits until the end of the log has been reached once; false when the views ended before.
    pub async fn caught_up(&self) -> bool {
        self.status().wait_for(|status| status.caught_up).await.is_ok()
    }

    /// Stops behind the page that is being folded, and saves every view.
    pub async fn stop(self) {
        // Whoever has already ended needs no telling.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the views had ended before they were stopped");
        }
    }
}

impl Runner {
    /// A runner of no views yet.
    pub fn new(store: Arc<dyn EventStore>, snapshots: Arc<dyn Snapshots>) -> Self {
        let (views, quarantine) = (Vec::new(), Quarantine::default());
        Self { store, snapshots, views, quarantine, status: watch::Sender::default() }
    }

    /// Runs this view too.
    #[must_use]
    pub fn with<P: Projection>(mut self, view: &View<P>) -> Self {
        self.views.push(Arc::new(view.clone()));
        self
    }

    /// Begins: from the snapshots where they are of use, else from the start of the log.
    pub fn start(self) -> Running {
        let (status, quarantine) = (self.status.subscribe(), self.quarantine.clone());
        let (stop, stopped) = oneshot::channel();
        Running { status, quarantine, stop, task: tokio::spawn(self.run(stopped)) }
    }

    /// Folds the whole log anew, whatever the snapshots say, and saves every view; tells the
    /// streams that no view shows fully.
    ///
    /// `progress` hears of each page: the position reached and the end of the log.
    ///
    /// # Errors
    /// At the first failure of the log; nothing is saved then.
    pub async fn rebuild(
        self,
        mut progress: impl FnMut(Position, Position),
    ) -> Result<Quarantine, Failure> {
        self.reset();
        let mut checkpoints = Checkpoints::new(self.snapshots.clone(), Position::START);
        let (_reader, mut pages) = Reader::spawn(self.store.clone(), Position::START);
        while let Some(read) = pages.recv().await {
            match read {
                Read::Page { records, head } => {
                    progress(self.fold(records).await, head);
                    self.report(Some(head));
                }
                Read::CaughtUp(_) => break,
                Read::Failed(failure) => return Err(failure),
            }
        }
        checkpoints.save(&self.views, &self.quarantine).await;
        Ok(self.quarantine)
    }

    async fn run(self, mut stopped: oneshot::Receiver<()>) {
        let _alarm = Alarm(self.status.clone());
        let mut backoff = Backoff::default();
        while let Err(failure) = self.restore().await {
            self.failing(&failure);
            tokio::select! {
                biased;
                _ = &mut stopped => return,
                () = sleep(backoff.next()) => {}
            }
        }
        self.report(None);
        let mut checkpoints = Checkpoints::new(self.snapshots.clone(), self.position());
        let (_reader, mut pages) = Reader::spawn(self.store.clone(), self.position());
        loop {
            let caught_up = self.status.borrow().caught_up;
            let due = checkpoints.due(self.position(), caught_up);
            let checkpoint = async {
                match due {
                    Some(wait) => sleep(wait).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                () = checkpoint => checkpoints.save(&self.views, &self.quarantine).await,
                read = pages.recv() => match read {
                    Some(read) => self.take(read, &mut checkpoints).await,
                    None => break,
                },
            }
        }
        checkpoints.save(&self.views, &self.quarantine).await;
    }

    async fn take(&self, read: Read, checkpoints: &mut Checkpoints) {
        match read {
            Read::Page { records, head } => {
                checkpoints.count(records.len());
                self.fold(records).await;
                self.report(Some(head));
            }
            Read::CaughtUp(head) => {
                let first = !self.status.borrow().caught_up;
                self.status.send_modify(|status| status.caught_up = true);
                self.report(Some(head));
                if first {
                    tracing::info!(position = head.0, "views have caught up at position {head}");
                    checkpoints.save(&self.views, &self.quarantine).await;
                }
            }
            Read::Failed(failure) => self.failing(&failure),
        }
    }

    /// Folds a page, a handful of records at a time so that readers are never long in waiting.
    async fn fold(&self, page: Vec<Record>) -> Position {
        let mut records = page.into_iter();
        let mut handful = Vec::with_capacity(HELD_MAX.min(records.len()));
        while let Some(mark) = self.decode(&mut records, &mut handful) {
            for view in &self.views {
                view.fold(&handful, mark);
            }
            handful.clear();
            tokio::task::yield_now().await;
        }
        self.position()
    }

    fn decode(
        &self,
        records: &mut impl Iterator<Item = Record>,
        handful: &mut Vec<Recorded<events::Event>>,
    ) -> Option<Mark> {
        let mut last = None;
        for record in records.take(HELD_MAX) {
            last = Some(Mark { position: record.position, at: record.at, hash: record.hash });
            // The stream's name is a shared pointer: this costs a few nanoseconds.
            let place = Place::from(&record);
            match record.decode() {
                Ok(recorded) => handful.push(recorded),
                Err(problem) => self.quarantine.add(&place, &problem),
            }
        }
        last
    }

    fn position(&self) -> Position {
        self.views.iter().map(|view| view.position()).min().unwrap_or_default()
    }

    fn report(&self, head: Option<Position>) {
        let position = self.position();
        self.status.send_modify(|status| {
            status.position = position;
            status.head = head.unwrap_or(status.head).max(position);
            status.lag = status.head.0 - position.0;
            status.failing = None;
        });
    }

    fn failing(&self, failure: &Failure) {
        if self.status.borrow().failing.is_none() {
            tracing::warn!(error = %failure, "the views cannot read the log");
        }
        self.status.send_modify(|status| status.failing = Some(failure.to_string()));
    }
}

/// Says in the status that a bug has ended the views.
struct Alarm(watch::Sender<Status>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let reason = "a view panicked, which is a bug; nothing is folded any more";
            self.0.send_modify(|status| status.failing = Some(reason.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests;
