//! Ledgers are woken in waves, beside what the fan-out is at: neither new events nor whoever stops
//! it waits until the last of very many has been woken.

use std::time::Duration;

use events::EndpointId;
use tokio::task::JoinHandle;

use crate::delivery::Ledger;
use crate::nodes::Work;
use crate::registry::Registry;

/// As many ledgers as are woken at once: each reads its stream, and others wait for the log too.
pub(super) const WAVE: usize = 256;

/// The time between two waves.
pub(super) const BETWEEN_WAVES: Duration = Duration::from_millis(20);

/// The waves of one turn of the division; none follows once this is dropped.
#[derive(Debug)]
pub(super) struct Waking {
    turn: u64,
    count: usize,
    rest: Option<JoinHandle<()>>,
}

impl Waking {
    /// Lets every ledger of these look at what it owes that is worked here: the first wave at
    /// once, and the others as time goes by.
    pub(super) fn start(ledgers: &Registry<Ledger>, all: Vec<EndpointId>) -> Self {
        let (turn, count) = (ledgers.share().turn(), all.len());
        let is_ours = |endpoint: &EndpointId| ledgers.share().works(Work::Ledger(*endpoint));
        let mut first: Vec<_> = all.into_iter().filter(is_ours).collect();
        let others = first.split_off(first.len().min(WAVE));
        wake(ledgers, &first);
        let rest = (!others.is_empty()).then(|| tokio::spawn(go_on(ledgers.clone(), others)));
        Self { turn, count, rest }
    }

    /// Whether these are the waves of this turn of the division.
    pub(super) fn is_of(&self, turn: u64) -> bool {
        self.turn == turn
    }

    /// Whether it is to begin anew where there are so many endpoints: waves that are under way in
    /// the same turn come to their end first, for else those who stand last might never be woken.
    pub(super) fn is_over(&self, turn: u64, count: usize) -> bool {
        let done = self.rest.as_ref().is_none_or(JoinHandle::is_finished);
        !self.is_of(turn) || (done && self.count != count)
    }
}

impl Drop for Waking {
    fn drop(&mut self) {
        if let Some(rest) = &self.rest {
            rest.abort();
        }
    }
}

async fn go_on(ledgers: Registry<Ledger>, rest: Vec<EndpointId>) {
    for wave in rest.chunks(WAVE) {
        tokio::time::sleep(BETWEEN_WAVES).await;
        wake(&ledgers, wave);
    }
}

/// Whose they are may have changed since they were gathered.
fn wake(ledgers: &Registry<Ledger>, wave: &[EndpointId]) {
    let ours = wave.iter().filter(|endpoint| ledgers.share().works(Work::Ledger(**endpoint)));
    ours.for_each(|endpoint| ledgers.wake(*endpoint));
}
