//! A record as EventStoreDB keeps it: its type is our wire name, its data our postcard, its
//! metadata our JSON with one more key.
//!
//! The server has no place for a version, a moment and a hash of ours. They are spliced into the
//! metadata as `"relink":{...}`, behind all other keys and without touching a byte of them, because
//! the hash is over those bytes.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use events::store::Proposed;
use events::{EventId, Hash, Position, Record, Revision, StreamName, Timestamp, codec};
use eventstore::{EventData, RecordedEvent};
use serde::{Deserialize, Serialize};

/// Where our key begins.
const KEY: &[u8] = b"\"relink\":";

/// What the server has no place for.
#[derive(Debug, Serialize, Deserialize)]
struct Ours<'a> {
    /// Of the shape.
    version: u16,
    /// Microseconds since the Unix epoch at which it was decided.
    at: i64,
    /// The chain, in hexadecimal.
    #[serde(borrow)]
    hash: Cow<'a, str>,
    /// The metadata itself, in base64, where it is no JSON object that could be added to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
}

/// The record as it is sent.
pub(super) fn to_event(record: &Proposed) -> EventData {
    EventData::binary(&*record.kind, record.data.clone())
        .id(record.id.0)
        .metadata(Bytes::from(metadata_to_event(record)))
}

fn metadata_to_event(record: &Proposed) -> Vec<u8> {
    let mut digits = const_hex::Buffer::<32>::new();
    let mut ours = Ours {
        version: record.version,
        at: record.at.as_micros(),
        hash: (&*digits.format(&record.hash.0)).into(),
        metadata: None,
    };
    let mut whole = match &record.metadata[..] {
        b"{}" => b"{".to_vec(),
        [b'{', inner @ .., b'}'] if is_object(&record.metadata) && is_more(inner) => {
            [b"{", inner, b","].concat()
        }
        other => {
            ours.metadata = Some(BASE64_STANDARD.encode(other));
            b"{".to_vec()
        }
    };
    whole.extend_from_slice(KEY);
    whole.extend(serde_json::to_vec(&ours).expect("numbers and texts are JSON"));
    whole.push(b'}');
    whole
}

fn is_object(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

fn is_more(inner: &[u8]) -> bool {
    !inner.iter().all(u8::is_ascii_whitespace)
}

/// The record as it was sent. What somebody else wrote into a stream of ours comes as a record of
/// version 0, which nothing decodes: that stream stops alone, as one that is damaged does.
pub(super) fn from_event(event: RecordedEvent, stream: StreamName) -> Record {
    let (ours, metadata) = match metadata_from_event(&event.custom_metadata) {
        Some((ours, hash, metadata)) => (Some((ours, hash)), metadata),
        None => (None, event.custom_metadata),
    };
    let (version, at, hash) = match ours {
        Some((ours, hash)) => (ours.version, Timestamp::from_micros(ours.at), hash),
        None => (0, Timestamp::from_micros(event.created.timestamp_micros()), Hash::ROOT),
    };
    let kind = codec::known(&event.event_type).map_or(Cow::Owned(event.event_type), Cow::Borrowed);
    Record {
        position: Position(event.position.commit),
        stream,
        revision: Revision(event.revision),
        id: EventId(event.id),
        kind,
        version,
        at,
        metadata,
        data: event.data,
        hash,
    }
}

fn metadata_from_event(whole: &Bytes) -> Option<(Ours<'_>, Hash, Bytes)> {
    let start = whole.windows(KEY.len()).rposition(|window| window == KEY)?;
    let ours = whole[start + KEY.len()..].strip_suffix(b"}")?;
    let ours: Ours = serde_json::from_slice(ours).ok()?;
    let hash = ours.hash.parse().ok()?;
    let metadata = match (&ours.metadata, &whole[..start]) {
        (Some(text), _) => Bytes::from(BASE64_STANDARD.decode(text).ok()?),
        (None, b"{") => Bytes::from_static(b"{}"),
        (None, [before @ .., b',']) => Bytes::from([before, b"}"].concat()),
        (None, _) => return None,
    };
    Some((ours, hash, metadata))
}

#[cfg(test)]
mod tests;
