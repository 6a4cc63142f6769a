//! A record as EventStoreDB keeps it: its type is our wire name, its data our postcard, its
//! metadata our JSON with one more key.
//!
//! The server has no place for a version, a moment and a hash of ours. They are spliced into the
//! metadata as `"relink":{...}`, behind all other keys and without touching a byte of them, because
//! the hash is over those bytes.

use std::borrow::Cow;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use events::store::Proposed;
use events::{EventId, Hash, Position, Record, Revision, StreamName, Timestamp, codec};
use eventstore::{EventData, RecordedEvent};
use serde::{Deserialize, Serialize};

/// Where our key begins.
const KEY: &[u8] = b"\"relink\":";

/// As many as a hash has in hexadecimal.
const HASH_DIGITS: usize = 64;

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
///
/// Its bytes are put behind those of the records before it: what the client gives is part of a
/// buffer that is used again once nobody needs it any more.
pub(super) fn from_event(event: RecordedEvent, stream: StreamName, page: &mut BytesMut) -> Record {
    let whole = &event.custom_metadata[..];
    let apart = apart(whole).unwrap_or_else(|| Apart {
        version: 0,
        at: event.created.timestamp_micros(),
        hash: Hash::ROOT,
        metadata: (whole.into(), b""),
    });
    let Apart { version, at, hash, metadata: (metadata, end) } = apart;
    page.reserve(metadata.len() + end.len() + event.data.len());
    let metadata = put(page, &metadata, end);
    let data = put(page, &event.data, b"");
    let kind = codec::known(&event.event_type).map_or(Cow::Owned(event.event_type), Cow::Borrowed);
    Record {
        position: Position(event.position.commit),
        stream,
        revision: Revision(event.revision),
        id: EventId(event.id),
        kind,
        version,
        at: Timestamp::from_micros(at),
        metadata,
        data,
        hash,
    }
}

fn put(page: &mut BytesMut, bytes: &[u8], end: &[u8]) -> Bytes {
    page.extend_from_slice(bytes);
    page.extend_from_slice(end);
    page.split().freeze()
}

/// What was spliced together.
struct Apart<'a> {
    version: u16,
    at: i64,
    hash: Hash,
    /// And what belongs behind it.
    metadata: (Cow<'a, [u8]>, &'static [u8]),
}

fn apart(whole: &[u8]) -> Option<Apart<'_>> {
    plainly_apart(whole).or_else(|| parsed_apart(whole))
}

/// Reads from its end what nearly every record has, byte by byte as it is written: parsing it as
/// JSON takes longer than all else that is done to a record here.
fn plainly_apart(whole: &[u8]) -> Option<Apart<'_>> {
    let rest = whole.strip_suffix(b"\"}}")?;
    let (rest, digits) = rest.split_at_checked(rest.len().checked_sub(HASH_DIGITS)?)?;
    let hash = str::from_utf8(digits).ok()?.parse().ok()?;
    let (rest, at) = number_apart(rest.strip_suffix(b",\"hash\":\"")?)?;
    let (rest, version) = number_apart(rest.strip_suffix(b",\"at\":")?)?;
    let before = rest.strip_suffix(b"{\"version\":")?.strip_suffix(KEY)?;
    Some(Apart { version, at, hash, metadata: (inner(before)?.into(), b"}") })
}

fn number_apart<T: FromStr>(bytes: &[u8]) -> Option<(&[u8], T)> {
    let is_of_it = |byte: &u8| byte.is_ascii_digit() || *byte == b'-';
    let start = bytes.iter().rposition(|byte| !is_of_it(byte))? + 1;
    let (rest, number) = bytes.split_at_checked(start)?;
    Some((rest, str::from_utf8(number).ok()?.parse().ok()?))
}

fn parsed_apart(whole: &[u8]) -> Option<Apart<'_>> {
    let start = whole.windows(KEY.len()).rposition(|window| window == KEY)?;
    let ours = whole[start + KEY.len()..].strip_suffix(b"}")?;
    let Ours { version, at, hash, metadata } = serde_json::from_slice(ours).ok()?;
    let metadata = match metadata {
        Some(text) => (BASE64_STANDARD.decode(text).ok()?.into(), &b""[..]),
        None => (inner(&whole[..start])?.into(), &b"}"[..]),
    };
    Some(Apart { version, at, hash: hash.parse().ok()?, metadata })
}

/// The metadata without its last brace, of what stands before our key.
fn inner(before: &[u8]) -> Option<&[u8]> {
    match before {
        b"{" => Some(before),
        [inner @ .., b','] => Some(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
