//! How many attempts are under way at once to all endpoints together, and how many of them may be
//! one account's: whoever has a hundred endpoints that hang leaves places to the others. So does
//! mail, which goes to one server, whosever it is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use events::{AccountId, EndpointId};
use tokio::sync::oneshot;

/// Who shares may have so many times as many places as are left free then. One by itself gets
/// three quarters of all and no more, the next three quarters of the rest; but who has none gets
/// one while there is any.
const TIMES_FREE: usize = 3;

/// Among whom the places are shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sharer {
    /// All webhooks of an account.
    Account(AccountId),
    /// All mail.
    Mail,
}

impl Sharer {
    /// Whose place an attempt takes.
    pub(super) fn of(endpoint: EndpointId, account: AccountId) -> Self {
        match endpoint {
            EndpointId::Webhook(_) | EndpointId::Inbox(_) => Self::Account(account),
            EndpointId::Mail(_) => Self::Mail,
        }
    }
}

/// All places; cheap to clone.
#[derive(Clone)]
pub(super) struct Places(Arc<Mutex<State>>);

struct State {
    free: usize,
    sharers: BTreeMap<Sharer, Share>,
    /// Those who wait: who has the fewest first, and who waits or got one longest ago first among
    /// these.
    line: BTreeSet<(usize, u64, Sharer)>,
    turns: u64,
}

#[derive(Default)]
struct Share {
    taken: usize,
    turn: u64,
    waiting: VecDeque<oneshot::Sender<Place>>,
}

/// One of them; dropped, it is the next one's.
pub(super) struct Place {
    of: Places,
    sharer: Sharer,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.of.give_back(self.sharer);
    }
}

impl Places {
    pub(super) fn new(count: usize) -> Self {
        let (sharers, line) = (BTreeMap::new(), BTreeSet::new());
        Self(Arc::new(Mutex::new(State { free: count, sharers, line, turns: 0 })))
    }

    /// Waits for one.
    pub(super) async fn take(&self, sharer: Sharer) -> Place {
        let (give, given) = oneshot::channel();
        let place = || Place { of: self.clone(), sharer };
        {
            let mut state = self.state();
            if state.may_take(sharer) {
                state.take(sharer);
                return place();
            }
            state.wait(sharer, give);
        }
        given.await.expect("who waits is given a place, or has gone away")
    }

    fn give_back(&self, sharer: Sharer) {
        let mut given = vec![];
        {
            let mut state = self.state();
            state.give_back(sharer);
            while let Some((sharer, give)) = state.next() {
                given.push((give, Place { of: self.clone(), sharer }));
            }
        }
        for (give, place) in given {
            // Who went away gives it back by dropping it.
            let _ = give.send(place);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whoever could be given one has been, so that this overtakes only who has more.
    fn may_take(&self, sharer: Sharer) -> bool {
        let known = self.sharers.get(&sharer);
        let (taken, waits) = known.map_or((0, false), |it| (it.taken, !it.waiting.is_empty()));
        !waits && self.has_room(taken)
    }

    /// Whether who has so many may have one more.
    fn has_room(&self, taken: usize) -> bool {
        let left = self.free.checked_sub(1);
        left.is_some_and(|left| taken == 0 || taken < left * TIMES_FREE)
    }

    fn take(&mut self, sharer: Sharer) {
        self.free -= 1;
        self.turns += 1;
        let turn = self.turns;
        self.change(sharer, |it| (it.taken, it.turn) = (it.taken + 1, turn));
    }

    /// Who begins to wait stands behind those who wait already, also where it has been forgotten.
    fn wait(&mut self, sharer: Sharer, give: oneshot::Sender<Place>) {
        self.turns += 1;
        let turn = self.turns;
        self.change(sharer, |it| {
            if it.waiting.is_empty() {
                it.turn = turn;
            }
            it.waiting.push_back(give);
        });
    }

    fn give_back(&mut self, sharer: Sharer) {
        self.free += 1;
        self.change(sharer, |it| it.taken -= 1);
    }

    /// Who is given one now; who has gone away meanwhile is left out.
    fn next(&mut self) -> Option<(Sharer, oneshot::Sender<Place>)> {
        loop {
            let (taken, _, sharer) = *self.line.first()?;
            if !self.has_room(taken) {
                return None;
            }
            let mut next = None;
            self.change(sharer, |it| {
                while let Some(give) = it.waiting.pop_front() {
                    if !give.is_closed() {
                        next = Some(give);
                        break;
                    }
                }
            });
            if let Some(give) = next {
                self.take(sharer);
                return Some((sharer, give));
            }
        }
    }

    /// Changes what one has; it then stands in the line where it belongs.
    fn change(&mut self, sharer: Sharer, change: impl FnOnce(&mut Share)) {
        let known = self.sharers.entry(sharer).or_default();
        self.line.remove(&(known.taken, known.turn, sharer));
        change(known);
        if !known.waiting.is_empty() {
            self.line.insert((known.taken, known.turn, sharer));
        } else if known.taken == 0 {
            self.sharers.remove(&sharer);
        }
    }
}

#[cfg(test)]
mod tests;
