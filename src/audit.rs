//! What a change said, and what was there before it, read from the log.

use std::collections::BTreeMap;

use events::store::{Slice, is_last};
use events::{EventStore, Failure, Metadata, Position, Record, Revision, StreamName, Timestamp};
use projections::audit::{Action, Change, Entry, change};
use serde_json::{Map, Value, json};

/// As many records as are read at once to find what was there before.
const PAGE: usize = 256;

/// As many pages: whoever has had more evidence than that since is shown null for it.
const PAGES_MAX: usize = 8;

/// One change in full.
#[derive(Debug, Clone, PartialEq)]
pub struct Audited {
    /// Where it stands.
    pub position: Position,
    /// Chatwoot's name of the kind of thing that was changed.
    pub auditable: &'static str,
    /// Which one.
    pub id: u64,
    /// What was done to it.
    pub action: Action,
    /// What was created or destroyed; of an update, each attribute with the old and the new value.
    pub changes: Map<String, Value>,
    /// Grows with everything that happens to the thing.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// Who and why.
    pub metadata: Metadata,
}

/// Reads one change; none when this build cannot decode it.
///
/// # Errors
/// When the log cannot be read.
pub async fn read(store: &dyn EventStore, entry: Entry) -> Result<Option<Audited>, Failure> {
    let Some(first) = store.record_at(entry.position).await? else { return Ok(None) };
    let (stream, from) = (first.stream.clone(), first.revision);
    let many = usize::try_from(entry.records).unwrap_or(usize::MAX).min(PAGE);
    let records = store.read_stream(&stream, Slice::From(from), many).await?;
    let (mut said, mut last) = (BTreeMap::new(), None);
    for change in records.into_iter().filter_map(understood) {
        said.extend(change.said.iter().cloned());
        last = Some(change);
    }
    let Some(Change { auditable, action, token, .. }) = last else { return Ok(None) };
    let Ok(metadata) = serde_json::from_slice(&first.metadata) else { return Ok(None) };
    let changes = match action {
        // Tokens share a stream, so that of each says everything itself.
        Action::Destroy if token.is_some() => named(said),
        Action::Create => named(said),
        Action::Update => {
            let before = before(store, &stream, from).await?;
            let was = |name| before.get(name).cloned().unwrap_or_default();
            said.into_iter().map(|(name, is)| (name.to_owned(), json!([was(name), is]))).collect()
        }
        Action::Reveal => serde_json::Map::new(),
        Action::Destroy => named(before(store, &stream, from).await?),
    };
    Ok(Some(Audited {
        position: entry.position,
        auditable,
        id: token.map(|token| token.0).or_else(|| stream.number()).unwrap_or_default(),
        action,
        changes,
        version: from.0 + 1,
        at: first.at,
        metadata,
    }))
}

fn named(said: BTreeMap<&'static str, Value>) -> Map<String, Value> {
    said.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What was last said of each attribute before a revision, back to the thing's creation.
async fn before(
    store: &dyn EventStore,
    stream: &StreamName,
    revision: Revision,
) -> Result<BTreeMap<&'static str, Value>, Failure> {
    let mut known = BTreeMap::new();
    let mut behind = revision;
    for _ in 0..PAGES_MAX {
        let page = store.read_stream(stream, Slice::Before(Some(behind)), PAGE).await?;
        let ended = is_last(&page, PAGE);
        behind = page.last().map_or(Revision::FIRST, |record| record.revision);
        for change in page.into_iter().filter_map(understood) {
            let created = change.action == Action::Create;
            for (name, value) in change.said {
                known.entry(name).or_insert(value);
            }
            if created {
                return Ok(known);
            }
        }
        if ended {
            break;
        }
    }
    Ok(known)
}

fn understood(record: Record) -> Option<Change> {
    record.decode().ok().and_then(|recorded| change(&recorded.event))
}
