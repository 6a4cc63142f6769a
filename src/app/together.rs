//! Many who ask the same question at once: it is asked one at a time, and whoever came before it
//! was asked shares the answer.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

#[derive(Debug, Default)]
pub(super) struct Together<T> {
    /// How many have come.
    came: AtomicU64,
    /// How many of them had come when the question was asked last, and its answer.
    answered: Mutex<(u64, T)>,
}

impl<T: Copy> Together<T> {
    /// The answer to a question that was asked after this call.
    pub(super) async fn ask(&self, question: impl Future<Output = T>) -> T {
        let turn = self.came.fetch_add(1, Ordering::SeqCst);
        let mut answered = self.answered.lock().await;
        if answered.0 <= turn {
            let came = self.came.load(Ordering::SeqCst);
            *answered = (came, question.await);
        }
        answered.1
    }
}

#[cfg(test)]
mod tests;
