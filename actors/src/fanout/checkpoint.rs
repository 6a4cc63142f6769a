//! How far the fan-out has come, kept in the log itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use events::fanout::{Advanced, Behind, Event};
use events::store::{Draft, Slice, Tail};
use events::{
    Actor, EndpointId, EventStore, Failure, Metadata, Position, Record, StreamName, Timestamp,
};
use uuid::Uuid;

/// How often the checkpoint follows at the end of the log.
const EVERY: Duration = Duration::from_secs(1);

/// As long as the checkpoint stays behind where nothing was queued. It moves all the same: whoever
/// stands by reads from there, and what retention removes must stand before it.
pub(super) const QUIET: Duration = Duration::from_secs(60);

/// Who is behind, and from where on nothing has been queued for them.
pub(super) type Laggards = BTreeMap<EndpointId, Position>;

/// What has been queued where it is owed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Paid {
    /// Everything up to here, for all who are not behind.
    pub(super) position: Position,
    /// Their ledgers are halted, or were when the process began.
    pub(super) behind: Laggards,
}

impl Paid {
    /// Where to begin reading again.
    pub(super) fn start(&self) -> Position {
        let first = self.behind.values().min().map_or(self.position, |from| before(*from));
        first.min(self.position)
    }

    /// Whether what a record of this position owes to the endpoint is still to be queued.
    pub(super) fn owes(&self, position: Position, endpoint: EndpointId) -> bool {
        position > self.position || self.behind.get(&endpoint).is_some_and(|from| position >= *from)
    }

    /// Everything up to and with `last` was handed over, but for what the `stuck` did not take.
    /// `halted` are those who have been stuck since the process began: they take nothing more.
    fn advance(&mut self, last: Position, stuck: &Laggards, halted: &mut BTreeSet<EndpointId>) {
        self.position = self.position.max(last);
        for (endpoint, from) in stuck {
            if halted.insert(*endpoint) {
                self.behind.insert(*endpoint, *from);
            }
        }
        for (_, from) in self.behind.iter_mut().filter(|(it, _)| !halted.contains(it)) {
            *from = behind(last).max(*from);
        }
        self.behind.retain(|_, from| *from <= self.position);
    }
}

fn before(position: Position) -> Position {
    Position(position.0.saturating_sub(1))
}

fn behind(position: Position) -> Position {
    Position(position.0 + 1)
}

/// The checkpoint, and how far beyond it the fan-out is.
#[derive(Debug)]
pub(super) struct Checkpoint {
    /// What the log says: what lies behind is fanned out after a restart.
    pub(super) saved: Paid,
    /// How far it is in truth.
    pub(super) reached: Paid,
    /// Debts handed over since.
    pub(super) queued: usize,
    /// Records passed since.
    pub(super) passed: usize,
    /// Since when there has been more to say than that it was written itself.
    behind_since: Option<Timestamp>,
    halted: BTreeSet<EndpointId>,
    stream: StreamName,
    tail: Tail,
}

impl Checkpoint {
    pub(super) async fn load(store: &dyn EventStore) -> Result<Self, Failure> {
        let stream = StreamName::fanout();
        let last = store.read_stream(&stream, Slice::Before(None), 1).await?.pop();
        let (mut tail, mut saved) = (Tail::default(), Paid::default());
        if let Some(record) = last {
            tail = Tail::behind(&record);
            saved = paid(record)?;
        }
        let (reached, behind_since, halted) = (saved.clone(), None, BTreeSet::new());
        let (queued, passed) = (0, 0);
        Ok(Self { saved, reached, queued, passed, behind_since, halted, stream, tail })
    }

    /// A page was fanned out; `stuck` are those whose ledgers did not take what they are owed, and
    /// the first position that owes it.
    pub(super) fn advance(
        &mut self,
        page: &[Record],
        queued: usize,
        stuck: &Laggards,
        now: Timestamp,
    ) {
        let Some(last) = page.last() else { return };
        if page.iter().any(|record| record.stream != self.stream) {
            self.behind_since.get_or_insert(now);
        }
        self.reached.advance(last.position, stuck, &mut self.halted);
        self.queued += queued;
        self.passed += page.len();
    }

    /// Whether it is to be written at the end of the log, where it would otherwise follow every
    /// event: what was queued waits for a second, anything else for [`QUIET`].
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let queued = self.queued > 0 && now.since(self.tail.at) >= EVERY;
        queued || self.behind_since.is_some_and(|since| now.since(since) >= QUIET)
    }

    /// Whether it will be due although nothing more is written to the log.
    pub(super) fn is_behind(&self) -> bool {
        self.behind_since.is_some()
    }

    /// Writes it down.
    pub(super) async fn save(
        &mut self,
        store: &dyn EventStore,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if self.reached != self.saved {
            match self.append(store, now).await {
                Ok(()) => {}
                Err(Failure::Conflict { .. }) => {
                    let Self { saved, tail, .. } = Self::load(store).await?;
                    (self.saved, self.tail) = (saved, tail);
                    // What another has paid is paid: the checkpoint never goes back.
                    if self.reached.position < self.saved.position {
                        self.reached = self.saved.clone();
                    }
                    return Ok(());
                }
                Err(failure) => return Err(failure),
            }
        }
        (self.queued, self.passed, self.behind_since) = (0, 0, None);
        Ok(())
    }

    async fn append(&mut self, store: &dyn EventStore, now: Timestamp) -> Result<(), Failure> {
        let paid = self.reached.clone();
        let Paid { position, behind } = &paid;
        let behind = behind.iter().map(|(&endpoint, &from)| Behind { endpoint, from }).collect();
        let cause = Uuid::new_v5(&Uuid::nil(), &position.0.to_be_bytes());
        let metadata =
            Metadata { correlation: cause, causation: cause, actor: Actor::FANOUT, account: None };
        let mut draft = Draft::new(&self.stream, self.tail).by_content(store.is_shared());
        let advanced = Advanced { position: *position, behind };
        draft.add(&Event::from(advanced).into(), &metadata, now, 0);
        let (records, tail) = draft.finish();
        store.append(&self.stream, self.tail.expected(), records).await?;
        self.saved = paid;
        self.tail = tail;
        Ok(())
    }
}

fn paid(record: Record) -> Result<Paid, Failure> {
    let at = record.position;
    let corrupt = |reason| Failure::Corrupt { position: Some(at), reason };
    let recorded = record.decode().map_err(|undecodable| corrupt(undecodable.to_string()))?;
    let kind = recorded.event.kind();
    if let events::Event::Fanout(Event::Advanced(Advanced { position, behind })) = recorded.event {
        let behind = behind.into_iter().map(|Behind { endpoint, from }| (endpoint, from)).collect();
        Ok(Paid { position, behind })
    } else {
        Err(corrupt(format!("the fan-out's stream holds {kind}")))
    }
}

#[cfg(test)]
mod tests;
