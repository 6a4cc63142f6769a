//! Answers that nobody has read yet: limited for each request and for all together, and thrown away
//! with the request of whoever reads nothing for too long.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Waiting, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Frame;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

/// As many bytes as wait for one reader. Many clients read nothing before they have sent
/// everything: this is about a million lines of theirs.
const EACH_MAX: usize = 64 << 20;

/// As many bytes as wait for all readers together.
const ALL_MAX: usize = 256 << 20;

/// As long as a reader may read nothing once that is all there is to do, as at `/live`.
const SLOW_MAX: Duration = Duration::from_secs(10);

/// As long as others may take to make room.
const ROOM_WITHIN: Duration = Duration::from_secs(30);

/// An answer, and its place among those of the request and among all.
type Answer = (Bytes, [OwnedSemaphorePermit; 2]);

type Queue = Mutex<Option<mpsc::UnboundedReceiver<Answer>>>;

/// Room for the answers of all requests.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ALL_MAX)))
    }
}

impl Room {
    /// Where the answers of one request go in, and where they come out.
    pub(super) fn open(self) -> (Out, Answers) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let queue = Arc::new(Mutex::new(Some(receiver)));
        let own = Arc::new(Semaphore::new(EACH_MAX));
        (Out { sender, own, all: self.0, queue: queue.clone() }, Answers(queue))
    }
}

/// The body of the answer.
pub(super) struct Answers(Arc<Queue>);

/// Why the body has no end.
#[derive(Debug, thiserror::Error)]
#[error("nobody read the answers within {SLOW_MAX:?}")]
pub(super) struct Unread;

impl hyper::body::Body for Answers {
    type Data = Bytes;
    type Error = Unread;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Waiting<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unread>>> {
        match locked(&self.0).as_mut() {
            Some(queue) => {
                let next = queue.poll_recv(cx);
                next.map(|answer| answer.map(|(bytes, _)| Ok(Frame::data(bytes))))
            }
            None => Poll::Ready(Some(Err(Unread))),
        }
    }
}

/// The way in.
pub(super) struct Out {
    sender: mpsc::UnboundedSender<Answer>,
    own: Arc<Semaphore>,
    all: Arc<Semaphore>,
    queue: Arc<Queue>,
}

impl Out {
    /// False when nobody reads any more.
    pub(super) async fn send(&self, bytes: Bytes) -> bool {
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX).min(EACH_MAX as u32);
        let Some(own) = self.read_until(size).await else { return false };
        let all = tokio::select! {
            biased;
            () = self.sender.closed() => return false,
            all = timeout(ROOM_WITHIN, self.all.clone().acquire_many_owned(size)) => all,
        };
        match all {
            Ok(Ok(all)) => self.sender.send((bytes, [own, all])).is_ok(),
            Ok(Err(_)) | Err(_) => self.give_up(),
        }
    }

    /// Waits until everything is read, for it would be kept for as long as the connection.
    pub(super) async fn end(self) {
        self.read_until(EACH_MAX as u32).await;
    }

    /// Waits until so much of the room of this request is free, for as long as anything is read.
    async fn read_until(&self, size: u32) -> Option<OwnedSemaphorePermit> {
        loop {
            let before = self.own.available_permits();
            let room = tokio::select! {
                biased;
                () = self.sender.closed() => return None,
                room = timeout(SLOW_MAX, self.own.clone().acquire_many_owned(size)) => room,
            };
            match room {
                Ok(room) => return room.ok(),
                Err(_) if self.own.available_permits() > before => {}
                Err(_) => {
                    self.give_up();
                    return None;
                }
            }
        }
    }

    fn give_up(&self) -> bool {
        locked(&self.queue).take();
        false
    }
}

fn locked(queue: &Queue) -> MutexGuard<'_, Option<mpsc::UnboundedReceiver<Answer>>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
