//! A subject as it was when a record was written, and before the command that wrote it.

use std::collections::HashMap;
use std::sync::Arc;

use events::evidence::Class;
use events::inbox::Event as InboxEvent;
use events::reauthorization::Event as Authorization;
use events::store::{PAGE_MAX, Slice, is_last};
use events::{
    Event, EventStore, Failure, Position, Record, Recorded, Revision, StreamName, Timestamp,
};
use uuid::Uuid;

use super::followed::{Followed, tells};

/// As many subjects of a kind as are kept between two questions.
const KEPT_MAX: usize = 1024;

/// A subject as its stream tells it up to a revision.
#[derive(Debug, Default, Clone)]
pub(super) struct Known<S> {
    pub(super) subject: S,
    /// When it was there first since it was not.
    pub(super) created_at: Option<Timestamp>,
    /// Since when somebody must reauthorize it.
    pub(super) required_since: Option<Timestamp>,
    /// The error that was recorded last.
    pub(super) last_error: Option<LastError>,
    /// What stands here and behind is not in it.
    next: Revision,
}

/// What an administrator is told of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LastError {
    pub(super) class: Class,
    pub(super) provider: Option<String>,
    pub(super) code: Option<String>,
    /// In the provider's own words.
    pub(super) message: Option<String>,
}

/// What one command made of a subject.
#[derive(Debug)]
pub(super) struct Change<S> {
    pub(super) number: u64,
    pub(super) at: Timestamp,
    pub(super) before: Known<S>,
    pub(super) after: Known<S>,
}

/// The subjects of a kind that were asked of last, so that what is told of one is not read again
/// from its beginning. Losing them costs a reading and nothing else.
pub(super) struct Histories<S> {
    store: Arc<dyn EventStore>,
    /// Each with the number of the question that it was last needed for.
    kept: HashMap<u64, (u64, Known<S>)>,
    asked: u64,
}

impl<S: Followed> Known<S> {
    /// Whether somebody must reauthorize it.
    pub(super) fn is_required(&self) -> bool {
        self.subject.authorization().is_some_and(|it| it.required)
    }

    /// Whether nobody wants to hear of the incident that it is in.
    pub(super) fn is_muted(&self) -> bool {
        self.subject.authorization().is_some_and(|it| it.is_muted())
    }

    /// How many errors count.
    pub(super) fn error_count(&self) -> u32 {
        self.subject.authorization().map_or(0, |it| it.error_count)
    }

    fn take_in(&mut self, record: Record) {
        self.next = record.revision.next();
        let at = record.at;
        // What cannot be decoded has halted the subject before it came here.
        let Ok(Recorded { event, .. }) = record.decode() else { return };
        if let Event::Inbox(InboxEvent::Registered(_)) = &event {
            self.created_at = Some(at);
        }
        if let Some(Authorization::AuthorizationErrorRecorded(it)) = event.reauthorization() {
            self.last_error = Some(LastError {
                class: it.verdict.class,
                provider: it.evidence.provider.clone(),
                code: it.evidence.code.clone(),
                message: it.evidence.message.clone(),
            });
        }
        if let Some(event) = S::narrow(event) {
            self.subject.evolve(&event);
        }
        let since = self.required_since.unwrap_or(at);
        self.required_since = self.is_required().then_some(since);
    }
}

impl<S: Followed> Histories<S> {
    pub(super) fn new(store: Arc<dyn EventStore>) -> Self {
        Self { store, kept: HashMap::new(), asked: 0 }
    }

    /// What the command that wrote this record made of its subject. None when a later record of the
    /// same command tells it: one command is told of once, as one save is in Chatwoot.
    pub(super) async fn change(
        &mut self,
        recorded: &Recorded<Event>,
    ) -> Result<Option<Change<S>>, Failure> {
        let Some(number) = recorded.stream.number() else { return Ok(None) };
        let kept = self.kept.remove(&number).map(|(_, known)| known);
        let kept = kept.filter(|known| known.next <= recorded.revision);
        let mut after = kept.unwrap_or_default();
        let mut before = after.clone();
        let cause = cause(recorded.metadata().ok(), recorded.id.0);
        let (mut run, mut told_by) = (None, None);
        'reading: loop {
            let from = Slice::From(after.next);
            let page = self.store.read_stream(&recorded.stream, from, PAGE_MAX).await?;
            let last = is_last(&page, PAGE_MAX);
            for record in page {
                let behind = record.revision > recorded.revision;
                let telling = tells(&record.kind);
                if behind || telling {
                    let by = cause_of(&record);
                    if behind && by != cause {
                        break 'reading;
                    }
                    if telling && run != Some(by) {
                        before = after.clone();
                        run = Some(by);
                    }
                }
                told_by = if telling { Some(record.revision) } else { told_by };
                after.take_in(record);
            }
            if last {
                break;
            }
        }
        self.keep(number, before.clone());
        let at = recorded.at;
        let told = told_by == Some(recorded.revision);
        Ok(told.then_some(Change { number, at, before, after }))
    }

    /// The subject of this number as it was before that position.
    pub(super) async fn before(
        &mut self,
        number: u64,
        position: Position,
    ) -> Result<Known<S>, Failure> {
        let kept = self.kept.remove(&number).map(|(_, known)| known);
        let mut known = kept.unwrap_or_default();
        let stream = StreamName::new(S::CATEGORY, number);
        'reading: loop {
            let page = self.store.read_stream(&stream, Slice::From(known.next), PAGE_MAX).await?;
            let last = is_last(&page, PAGE_MAX);
            for record in page {
                if record.position >= position {
                    break 'reading;
                }
                known.take_in(record);
            }
            if last {
                break;
            }
        }
        self.keep(number, known.clone());
        Ok(known)
    }

    fn keep(&mut self, number: u64, known: Known<S>) {
        if self.kept.len() >= KEPT_MAX {
            let longest_ago = self.kept.iter().min_by_key(|(_, (asked, _))| *asked);
            if let Some(id) = longest_ago.map(|(id, _)| *id) {
                self.kept.remove(&id);
            }
        }
        self.asked += 1;
        self.kept.insert(number, (self.asked, known));
    }
}

fn cause_of(record: &Record) -> Uuid {
    cause(serde_json::from_slice(&record.metadata).ok(), record.id.0)
}

/// Metadata that is not ours makes a command of every record.
fn cause(metadata: Option<events::Metadata>, id: Uuid) -> Uuid {
    metadata.map_or(id, |metadata| metadata.causation)
}
