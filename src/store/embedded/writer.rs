//! The thread that alone writes: it drains a queue into group commits.
//!
//! What waits while one commit is flushed goes into the next: the more callers there are, the
//! less each flush costs them.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use events::store::Proposed;
use events::{Appended, Expected, Failure, Revision, StreamName};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::commit::{Append, Ledger};
use super::failure::{failure, unavailable};
use super::upkeep::Upkeep;
use super::wal::Wal;
use super::{Growth, OpenError};

/// As many appends as may wait. Who comes then waits for a place.
const QUEUE_MAX: usize = 4096;
/// As many appends as one commit takes.
const COMMIT_APPENDS_MAX: usize = 1024;
/// As many bytes as one commit takes, or one append that is larger.
const COMMIT_BYTES_MAX: usize = 8 << 20;
/// An append of more bytes than these needs room in [`LARGE_BYTES_MAX`] as well.
const LARGE: usize = 64 << 10;
/// As many bytes as large appends may have in the queue together.
const LARGE_BYTES_MAX: usize = 64 << 20;

type Answer = oneshot::Sender<Result<Appended, Failure>>;

enum Command {
    Append(Append, Answer),
    /// At most so many pages; the answer is how many were set.
    Limit(u32, oneshot::Sender<Result<(), Failure>>),
    /// What stands before that revision is removed.
    Truncate(StreamName, Revision, oneshot::Sender<Result<(), Failure>>),
    /// A few rows of what was removed are deleted; the answer is whether there are more.
    Clear(oneshot::Sender<Result<bool, Failure>>),
    Close,
}

/// The callers' end of the queue.
pub(super) struct Writer {
    queue: mpsc::Sender<Command>,
    large: Semaphore,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread on a connection that nobody else uses.
    pub(super) fn start(
        ledger: Ledger,
        wal: Wal,
        growth: Arc<Growth>,
        upkeep: Arc<Upkeep>,
    ) -> Result<Self, OpenError> {
        let (queue, commands) = mpsc::channel(QUEUE_MAX);
        let (group, answers) = (Vec::new(), Vec::new());
        let thread = Thread { ledger, wal, growth, upkeep, group, answers, failing: false };
        let thread = thread::Builder::new()
            .name("relink-log".to_owned())
            .spawn(move || thread.run(commands))
            .map_err(OpenError::Threads)?;
        let large = Semaphore::new(LARGE_BYTES_MAX);
        Ok(Self { queue, large, thread: Mutex::new(Some(thread)) })
    }

    pub(super) async fn append(
        &self,
        stream: &StreamName,
        expected: Expected,
        records: Vec<Proposed>,
    ) -> Result<Appended, Failure> {
        let bytes: usize = records.iter().map(Proposed::size).sum();
        // Given back when the answer is here.
        let _room = match u32::try_from(bytes) {
            Ok(bytes) if bytes as usize > LARGE => self.large.acquire_many(bytes).await.ok(),
            Ok(_) | Err(_) => None,
        };
        let (answer, answered) = oneshot::channel();
        let append = Append { stream: stream.clone(), expected, records };
        self.queue.send(Command::Append(append, answer)).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    /// Limits the file to so many pages from now on.
    pub(super) async fn limit(&self, pages: u32) -> Result<(), Failure> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Command::Limit(pages, answer)).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    /// Removes what stands before that revision, and returns once the rows are deleted: a few at
    /// a time, so that others write in between.
    pub(super) async fn truncate(
        &self,
        stream: &StreamName,
        before: Revision,
    ) -> Result<(), Failure> {
        let (answer, answered) = oneshot::channel();
        let command = Command::Truncate(stream.clone(), before, answer);
        self.queue.send(command).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())??;
        loop {
            let (answer, answered) = oneshot::channel();
            self.queue.send(Command::Clear(answer)).await.map_err(|_| stopped())?;
            if !answered.await.map_err(|_| stopped())?? {
                return Ok(());
            }
        }
    }

    /// Takes no more appends and writes those that wait.
    pub(super) async fn close(&self) {
        // Closed already is closed.
        let _ = self.queue.send(Command::Close).await;
    }

    /// Waits for the thread to end; it must have been closed or have lost its callers.
    pub(super) fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic was reported by the thread itself, and to each of its callers.
        let _ = thread.map(JoinHandle::join);
    }

    /// Closes without waiting for a place in the queue: for when nobody can be waiting.
    pub(super) fn hang_up(&mut self) {
        self.queue = mpsc::channel(1).0;
    }
}

fn stopped() -> Failure {
    unavailable("it is closed, or its writer stopped")
}

/// What the thread owns.
struct Thread {
    ledger: Ledger,
    wal: Wal,
    growth: Arc<Growth>,
    upkeep: Arc<Upkeep>,
    group: Vec<(Append, Answer)>,
    answers: Vec<Result<Appended, Failure>>,
    /// Whether the last commit failed: said once, not for every caller on a full disk.
    failing: bool,
}

impl Thread {
    fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut waiting = Vec::with_capacity(COMMIT_APPENDS_MAX);
        while commands.blocking_recv_many(&mut waiting, COMMIT_APPENDS_MAX) > 0 {
            // Where the processors are busy, those who are about to append go first: that made the
            // groups twice as large, and a twentieth more of them fit into a second.
            thread::yield_now();
            while waiting.len() < COMMIT_APPENDS_MAX {
                let Ok(command) = commands.try_recv() else { break };
                waiting.push(command);
            }
            let mut bytes = 0;
            for command in waiting.drain(..) {
                match command {
                    Command::Append(append, answer) => {
                        bytes += append.records.iter().map(Proposed::size).sum::<usize>();
                        self.group.push((append, answer));
                        if bytes >= COMMIT_BYTES_MAX {
                            self.commit();
                            bytes = 0;
                        }
                    }
                    Command::Limit(pages, answer) => {
                        self.commit();
                        // Who asked may have gone.
                        let _ = answer.send(self.limit(pages));
                    }
                    Command::Truncate(stream, before, answer) => {
                        self.commit();
                        let truncated = self.ledger.truncate(&stream, before);
                        let _ = answer.send(truncated.map_err(|error| failure(&error)).flatten());
                    }
                    Command::Clear(answer) => {
                        self.commit();
                        let more = self.ledger.clear();
                        let _ = answer.send(more.map_err(|error| failure(&error)));
                        if self.wal.tend(self.ledger.connection()) {
                            self.upkeep.checkpoint();
                        }
                    }
                    Command::Close => commands.close(),
                }
            }
            self.commit();
        }
        self.ledger.settle();
        self.wal.finish(self.ledger.connection());
    }

    fn commit(&mut self) {
        if self.group.is_empty() {
            return;
        }
        let appends = self.group.iter().map(|(append, _)| append);
        match self.ledger.commit(appends, &mut self.answers) {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!("the log can be written again");
                }
                let written = self.answers.iter().flatten().map(|appended| appended.position);
                if let Some(last) = written.max() {
                    self.growth.to(last);
                }
                for ((_, answer), appended) in self.group.drain(..).zip(self.answers.drain(..)) {
                    // Who asked may have gone.
                    let _ = answer.send(appended);
                }
                if self.wal.tend(self.ledger.connection()) {
                    self.upkeep.checkpoint();
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(%error, "the log cannot be written: {error}");
                }
                let failure = failure(&error);
                for (_, answer) in self.group.drain(..) {
                    let _ = answer.send(Err(failure.clone()));
                }
            }
        }
    }

    fn limit(&self, pages: u32) -> Result<(), Failure> {
        let connection = self.ledger.connection();
        let set = connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()));
        set.map_err(|error| failure(&error))
    }
}
