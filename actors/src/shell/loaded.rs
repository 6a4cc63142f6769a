//! An aggregate in memory with the end of its stream, and a batch decided on it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use events::snapshot::Snapshots;
use events::store::{Draft, PAGE_MAX, Slice, Tail, is_last};
use events::{
    EventId, EventStore, Failure, Metadata, Position, Proposed, Record, Revision, StreamName,
    untold_from,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::mailbox::{Context, Done, Envelope, Outcome, Refused};
use crate::aggregate::Aggregate;

/// As many bytes as one batch comes to before the rest waits for the next: with all but a large one
/// on top it is less than a mebibyte, which every server takes.
const BATCH_BYTES: usize = 512 << 10;

/// As many repeatable commands as an actor remembers to have done.
const REMEMBERED: usize = 256;

/// Why an actor cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The log is not available now.
    Later(String),
    /// The stream is damaged or not understood.
    Halt(String),
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            // It is known how far reading came, and the bad record is behind that.
            Failure::Corrupt { position: Some(Position(read)), reason } => {
                Self::Halt(untold_from(Position(read + 1), &reason))
            }
            Failure::Corrupt { position: None, .. } => Self::Halt(failure.to_string()),
            Failure::Conflict { .. } | Failure::Size { .. } | Failure::Unavailable { .. } => {
                Self::Later(failure.to_string())
            }
        }
    }
}

#[derive(Clone)]
pub(crate) struct Loaded<A> {
    pub(crate) state: A,
    pub(super) stream: StreamName,
    pub(super) tail: Tail,
    pub(super) position: Position,
    pub(super) done: VecDeque<(Uuid, Before)>,
    /// How many events it is ahead of what is kept.
    pub(super) ahead: usize,
    /// Whether it is being packed to be kept.
    pub(super) packing: Arc<AtomicBool>,
}

/// What came of a command that was done before.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Before {
    pub(super) position: Position,
    /// Its first event.
    pub(super) event: EventId,
}

/// What came of a batch, before it is written.
pub(crate) struct Decided<A: Aggregate> {
    pub(crate) events: Events,
    pub(crate) verdicts: Vec<Verdict<A>>,
}

/// The events of a batch, before they are written.
pub(crate) struct Events {
    records: Vec<Proposed>,
    tail: Tail,
    /// Those of the commands that may be repeated.
    derived: Vec<(Uuid, EventId)>,
}

/// What came of one command, before it is written.
pub(crate) struct Verdict<A: Aggregate> {
    outcome: Result<(A::Answer, Option<EventId>), A::Rejection>,
    /// Where it was written before, when it is a repetition.
    position: Option<Position>,
    /// How many records of the batch there are up to and with its own.
    records: usize,
}

/// Where a batch stands in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    /// Its last record; without any, the last of the stream.
    last: Position,
    records: usize,
    /// Whether its records stand at consecutive positions.
    dense: bool,
}

impl Written {
    /// Where so many of its records are written.
    fn up_to(self, records: usize) -> Position {
        let behind = (self.records - records) as u64;
        if self.dense { Position(self.last.0 - behind) } else { self.last }
    }
}

impl Events {
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

impl<A: Aggregate> Verdict<A> {
    /// The answer once the batch is written.
    pub(crate) fn at(self, written: Written) -> Outcome<A> {
        match self.outcome {
            Ok((answer, event)) => {
                let position = self.position.unwrap_or_else(|| written.up_to(self.records));
                Ok(Done { answer, event, position })
            }
            Err(rejection) => Err(Refused::Rejected(rejection)),
        }
    }
}

impl<A: Aggregate> Loaded<A> {
    pub(crate) async fn load(
        store: &dyn EventStore,
        snapshots: Option<&Arc<dyn Snapshots>>,
        stream: &StreamName,
    ) -> Result<Self, Problem> {
        let mut loaded = Self::at(stream.clone(), Tail::default());
        if A::STATELESS {
            loaded.start_near_the_end(store).await?;
        } else if let Some(snapshots) = snapshots {
            loaded.take_up(store, snapshots).await?;
        }
        loaded.read_on(store).await?;
        Ok(loaded)
    }

    /// Nothing but where it goes on from.
    fn at(stream: StreamName, tail: Tail) -> Self {
        let (state, position) = (A::default(), Position::START);
        Self {
            state,
            stream,
            tail,
            position,
            done: VecDeque::new(),
            ahead: 0,
            packing: Arc::default(),
        }
    }

    /// Where what lay between was removed, begins anew with what is left, which says what there was
    /// before. Whether the record can be followed now: not where more was removed meanwhile.
    async fn step_over(&mut self, store: &dyn EventStore, next: &Record) -> Result<bool, Problem> {
        if next.revision <= self.tail.expected().first() {
            return Ok(true);
        }
        // Where nothing was removed, the chain is broken, and following it says so.
        let Some(bound) = store.bound(&self.stream).await? else { return Ok(true) };
        if bound.first == next.revision {
            *self = Self::at(self.stream.clone(), bound.tail());
        }
        Ok(bound.first <= next.revision)
    }

    /// Takes in what others have written since; whether there was any.
    pub(crate) async fn read_on(&mut self, store: &dyn EventStore) -> Result<bool, Problem> {
        let mut any = false;
        loop {
            let from = Slice::From(self.tail.revision.map_or(Revision::FIRST, Revision::next));
            let page = store.read_stream(&self.stream, from, PAGE_MAX).await?;
            any |= !page.is_empty();
            if let Some(first) = page.first()
                && !self.step_over(store, first).await?
            {
                continue;
            }
            let last = is_last(&page, PAGE_MAX);
            let remembered = page.len().saturating_sub(REMEMBERED * 4);
            for (index, record) in page.into_iter().enumerate() {
                self.follow(record, index >= remembered)?;
            }
            if last {
                return Ok(any);
            }
        }
    }

    /// Whether the stream reaches further than it knows.
    pub(crate) fn is_behind(&self, revision: Revision) -> bool {
        self.tail.revision < Some(revision)
    }

    /// Takes up the chain a few records before its end.
    async fn start_near_the_end(&mut self, store: &dyn EventStore) -> Result<(), Problem> {
        let end = store.read_stream(&self.stream, Slice::Before(None), REMEMBERED + 1).await?;
        if let Some(record) = end.last().filter(|record| record.revision > Revision::FIRST) {
            self.tail = Tail::behind(record);
            self.position = record.position;
        }
        Ok(())
    }

    fn follow(&mut self, record: Record, remember: bool) -> Result<(), Problem> {
        let position = record.position;
        let halt = |error: &dyn std::error::Error| Problem::Halt(untold_from(position, error));
        self.tail.follow(&record).map_err(|broken| halt(&broken))?;
        self.position = position;
        let event = record.id;
        let recorded = record.decode().map_err(|undecodable| halt(&undecodable))?;
        if remember {
            let metadata = recorded.metadata().map_err(|error| halt(&error))?;
            self.remember(metadata.causation, Before { position, event });
        }
        let anothers = || Problem::Halt(untold_from(position, &"it is another stream's event"));
        let event = A::narrow(recorded.event).ok_or_else(anothers)?;
        self.state.recorded_at(recorded.at);
        self.state.evolve(&event);
        self.ahead += 1;
        Ok(())
    }

    fn remember(&mut self, command: Uuid, before: Before) {
        if command.get_version_num() == 5 && self.done.back().is_none_or(|(id, _)| *id != command) {
            if self.done.len() == REMEMBERED {
                self.done.pop_front();
            }
            self.done.push_back((command, before));
        }
    }

    fn was_done(&self, command: Uuid) -> Option<Before> {
        self.done.iter().rev().find(|(id, _)| *id == command).map(|(_, before)| *before)
    }

    /// Decides as many of the commands as fit one append, each on what those before it made.
    ///
    /// The state is ahead of the log until [`Self::write`] succeeds; when it fails, forget it.
    /// `by_content`: see [`Draft::by_content`].
    pub(crate) fn decide(&mut self, batch: &[Envelope<A>], by_content: bool) -> Decided<A> {
        let stream = self.stream.clone();
        let mut draft = Draft::new(&stream, self.tail).by_content(by_content);
        let mut verdicts = Vec::with_capacity(batch.len());
        let mut derived: Vec<(Uuid, EventId)> = vec![];
        for Envelope { context, command, .. } in batch {
            if draft.size() >= BATCH_BYTES {
                break;
            }
            let before = self.was_done(context.id);
            let in_batch = || derived.iter().find(|(id, _)| *id == context.id);
            let event = before.map(|it| it.event).or_else(|| in_batch().map(|(_, event)| *event));
            if event.is_some() {
                let position = before.map(|it| it.position);
                let outcome = Ok((self.state.answer(command), event));
                verdicts.push(Verdict { outcome, position, records: draft.len() });
                continue;
            }
            let outcome = self.decide_one(&mut draft, context, command);
            if let Ok((_, Some(event))) = &outcome
                && context.id.get_version_num() == 5
            {
                derived.push((context.id, *event));
            }
            verdicts.push(Verdict { outcome, position: None, records: draft.len() });
        }
        let (records, tail) = draft.finish();
        Decided { events: Events { records, tail, derived }, verdicts }
    }

    fn decide_one(
        &mut self,
        draft: &mut Draft<'_>,
        context: &Context,
        command: &A::Command,
    ) -> Result<(A::Answer, Option<EventId>), A::Rejection> {
        let events = self.state.decide(command)?;
        let metadata: Metadata = context.metadata();
        let mut first = None;
        for (nth, event) in events.into_iter().enumerate() {
            self.state.recorded_at(draft.time(context.now));
            self.state.evolve(&event);
            let id = draft.add(&event.into(), &metadata, context.now, nth);
            first = first.or(Some(id));
        }
        Ok((self.state.answer(command), first))
    }

    /// Writes what was decided.
    pub(crate) async fn write(
        &mut self,
        store: &dyn EventStore,
        events: Events,
    ) -> Result<Written, Failure> {
        let records = events.records.len();
        if !events.records.is_empty() {
            let expected = self.tail.expected();
            let appended = store.append(&self.stream, expected, events.records).await?;
            self.tail = events.tail;
            self.position = appended.position;
            self.ahead += records;
            for (command, event) in events.derived {
                self.remember(command, Before { position: appended.position, event });
            }
        }
        Ok(Written { last: self.position, records, dense: store.is_dense() })
    }
}
