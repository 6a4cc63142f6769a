//! How far the fan-out has come, kept in the log itself.

use std::time::Duration;

use events::fanout::{Advanced, Event};
use events::store::{Draft, Slice, Tail};
use events::{Actor, EventStore, Failure, Metadata, Position, Record, StreamName, Timestamp};
use uuid::Uuid;

/// How often the checkpoint follows at the end of the log.
const EVERY: Duration = Duration::from_secs(1);

/// The checkpoint, and how far beyond it the fan-out is.
#[derive(Debug)]
pub(super) struct Checkpoint {
    /// What the log says: what lies behind is fanned out after a restart.
    pub(super) position: Position,
    /// How far it is in truth.
    pub(super) reached: Position,
    /// Debts handed over since.
    pub(super) queued: usize,
    /// Records passed since.
    pub(super) passed: usize,
    /// A halted ledger did not take what it is owed at this position; the checkpoint stays
    /// before it, so that a restart owes it again.
    stuck: Option<Position>,
    stream: StreamName,
    tail: Tail,
}

impl Checkpoint {
    pub(super) async fn load(store: &dyn EventStore) -> Result<Self, Failure> {
        let stream = StreamName::fanout();
        let last = store.read_stream(&stream, Slice::Before(None), 1).await?.pop();
        let mut tail = Tail::default();
        let mut position = Position::START;
        if let Some(record) = last {
            tail = Tail::behind(&record);
            position = advanced(record)?;
        }
        let (queued, passed, stuck) = (0, 0, None);
        Ok(Self { position, reached: position, queued, passed, stuck, stream, tail })
    }

    /// A page was fanned out.
    pub(super) fn advance(&mut self, page: &[Record], queued: usize, stuck: Option<Position>) {
        let Some(last) = page.last().filter(|last| last.position > self.reached) else { return };
        self.reached = last.position;
        self.queued += queued;
        self.passed += page.len();
        self.stuck = self.stuck.or(stuck);
    }

    /// Whether it was written a second ago or more: at the end of the log it would otherwise
    /// follow every event.
    pub(super) fn is_old(&self, now: Timestamp) -> bool {
        now.since(self.tail.at) >= EVERY
    }

    /// Writes it down.
    pub(super) async fn save(
        &mut self,
        store: &dyn EventStore,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let position = match self.stuck {
            Some(stuck) => self.reached.min(Position(stuck.0.saturating_sub(1))),
            None => self.reached,
        };
        if position > self.position {
            match self.append(store, position, now).await {
                Ok(()) => {}
                Err(Failure::Conflict { .. }) => {
                    let Self { position, tail, .. } = Self::load(store).await?;
                    (self.position, self.tail) = (position, tail);
                    return Ok(());
                }
                Err(failure) => return Err(failure),
            }
        }
        (self.queued, self.passed) = (0, 0);
        Ok(())
    }

    async fn append(
        &mut self,
        store: &dyn EventStore,
        position: Position,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let cause = Uuid::new_v5(&Uuid::nil(), &position.0.to_be_bytes());
        let metadata =
            Metadata { correlation: cause, causation: cause, actor: Actor::FANOUT, account: None };
        let mut draft = Draft::new(&self.stream, self.tail);
        draft.add(&Event::from(Advanced { position }).into(), &metadata, now, 0);
        let (records, tail) = draft.finish();
        store.append(&self.stream, self.tail.expected(), records).await?;
        self.position = position;
        self.tail = tail;
        Ok(())
    }
}

fn advanced(record: Record) -> Result<Position, Failure> {
    let at = record.position;
    let corrupt = |reason| Failure::Corrupt { position: Some(at), reason };
    let recorded = record.decode().map_err(|undecodable| corrupt(undecodable.to_string()))?;
    let kind = recorded.event.kind();
    if let events::Event::Fanout(Event::Advanced(Advanced { position })) = recorded.event {
        Ok(position)
    } else {
        Err(corrupt(format!("the fan-out's stream holds {kind}")))
    }
}
