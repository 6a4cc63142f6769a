//! Commands to one actor that are carried out in the order in which they were handed over, or not
//! at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Whoever hands over many commands before the first answer hands them over as a chain: once one
/// is refused for now or for its size, or lost, so are all behind it, and none of them is carried
/// out before it.
#[derive(Debug, Clone)]
pub(crate) struct Chain(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    length: AtomicUsize,
    /// Which one was refused; all before it may still be carried out.
    broken_at: AtomicUsize,
}

/// The place of one command in its chain, if it is in any. Dropped, it breaks the chain there.
#[derive(Debug, Default)]
pub(crate) struct Link(Option<(Chain, usize)>);

impl Default for Chain {
    fn default() -> Self {
        let (length, broken_at) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
        Self(Arc::new(Inner { length, broken_at }))
    }
}

impl Link {
    /// The end of the chain.
    pub(crate) fn of(chain: &Chain) -> Self {
        let place = chain.0.length.fetch_add(1, Ordering::SeqCst);
        Self(Some((chain.clone(), place)))
    }

    /// Whether none before it was refused for now.
    pub(super) fn holds(&self) -> bool {
        let holds =
            |(chain, place): &(Chain, usize)| *place < chain.0.broken_at.load(Ordering::SeqCst);
        self.0.as_ref().is_none_or(holds)
    }

    /// It is done with: those behind it may go on.
    pub(super) fn pass(mut self) {
        self.0 = None;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some((chain, place)) = &self.0 {
            chain.0.broken_at.fetch_min(*place, Ordering::SeqCst);
        }
    }
}
