//! An inbox as it was when a record was written, and before the command that wrote it.

use std::collections::HashMap;
use std::sync::Arc;

use events::evidence::Class;
use events::inbox::Event as InboxEvent;
use events::reauthorization::Event as Authorization;
use events::store::{PAGE_MAX, Slice, is_last};
use events::{Event, EventStore, Failure, Fold, InboxId, Record, Recorded, Revision, Timestamp};
use uuid::Uuid;

use crate::aggregate::Aggregate;
use crate::inbox::Inbox;

/// As many inboxes as are kept between two questions.
const KEPT_MAX: usize = 1024;

/// Wire names of what subscribers and administrators are told of.
const TELLING: [&str; 6] = [
    "inbox.registered",
    "inbox.renamed",
    "inbox.channel_type_changed",
    "inbox.attributes_changed",
    "inbox.reauthorization_required",
    "inbox.reauthorized",
];

/// Whether records of this kind may be told of.
pub(super) fn tells(kind: &str) -> bool {
    TELLING.contains(&kind)
}

/// An inbox as its stream tells it up to a revision.
#[derive(Debug, Default, Clone)]
pub(super) struct Known {
    pub(super) inbox: Inbox,
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

/// What one command made of an inbox.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) id: InboxId,
    pub(super) at: Timestamp,
    pub(super) before: Known,
    pub(super) after: Known,
}

/// The inboxes that were asked of last, so that what is told of one is not read again from its
/// beginning. Losing them costs a reading and nothing else.
pub(super) struct Histories {
    store: Arc<dyn EventStore>,
    /// Each with the number of the question that it was last needed for.
    kept: HashMap<InboxId, (u64, Known)>,
    asked: u64,
}

impl Known {
    fn take_in(&mut self, record: Record) {
        self.next = record.revision.next();
        let at = record.at;
        // What cannot be decoded has halted the inbox before it came here.
        let event = record.decode().ok().and_then(|recorded| Inbox::narrow(recorded.event));
        let Some(event) = event else { return };
        if matches!(event, InboxEvent::Registered(_)) {
            self.created_at = Some(at);
        }
        if let InboxEvent::Reauthorization(Authorization::AuthorizationErrorRecorded(it)) = &event {
            self.last_error = Some(LastError {
                class: it.verdict.class,
                provider: it.evidence.provider.clone(),
                code: it.evidence.code.clone(),
                message: it.evidence.message.clone(),
            });
        }
        self.inbox.evolve(&event);
        let since = self.required_since.unwrap_or(at);
        self.required_since = self.inbox.reauthorization().required.then_some(since);
    }
}

impl Histories {
    pub(super) fn new(store: Arc<dyn EventStore>) -> Self {
        Self { store, kept: HashMap::new(), asked: 0 }
    }

    /// What the command that wrote this record made of the inbox. None when a later record of the
    /// same command tells it: one command is told of once, as one save is in Chatwoot.
    pub(super) async fn change(
        &mut self,
        recorded: &Recorded<Event>,
    ) -> Result<Option<Change>, Failure> {
        let Some(id) = recorded.stream.number().map(InboxId) else { return Ok(None) };
        let kept = self.kept.remove(&id).map(|(_, known)| known);
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
        self.keep(id, before.clone());
        let at = recorded.at;
        let told = told_by == Some(recorded.revision);
        Ok(told.then_some(Change { id, at, before, after }))
    }

    fn keep(&mut self, id: InboxId, known: Known) {
        if self.kept.len() >= KEPT_MAX {
            let longest_ago = self.kept.iter().min_by_key(|(_, (asked, _))| *asked);
            if let Some(id) = longest_ago.map(|(id, _)| *id) {
                self.kept.remove(&id);
            }
        }
        self.asked += 1;
        self.kept.insert(id, (self.asked, known));
    }
}

fn cause_of(record: &Record) -> Uuid {
    cause(serde_json::from_slice(&record.metadata).ok(), record.id.0)
}

/// Metadata that is not ours makes a command of every record.
fn cause(metadata: Option<events::Metadata>, id: Uuid) -> Uuid {
    metadata.map_or(id, |metadata| metadata.causation)
}
