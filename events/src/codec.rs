//! Between meaning and bytes: postcard, one name and one version for each shape.
//!
//! Postcard is not self-describing: a shape that has shipped is frozen for ever, and every rest
//! behind a payload is refused, because a longer shape would otherwise read as a shorter one.

pub mod delivery;
pub mod fanout;
pub mod inbox;
pub mod reauthorization;
pub mod webhook;

use serde::de::DeserializeOwned;

use crate::Event;

/// An event as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The wire name.
    pub kind: &'static str,
    /// The version of the shape.
    pub version: u16,
    /// The payload.
    pub data: Vec<u8>,
}

/// Why bytes are not an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Written by a newer build, or by somebody else.
    #[error("this build does not know the shape")]
    Unknown,
    /// Not the shape that they are said to be.
    #[error("the payload is damaged: {0}")]
    Damaged(#[from] postcard::Error),
    /// Longer than the shape that they are said to be.
    #[error("{0} bytes are left over behind the payload")]
    Rest(usize),
}

/// A record that cannot be given its meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} version {version} cannot be decoded: {problem}")]
pub struct Undecodable {
    /// The wire name.
    pub kind: String,
    /// The version that was asked for.
    pub version: u16,
    /// What is wrong.
    #[source]
    pub problem: Problem,
}

/// An event's name, version and bytes.
pub fn encode(event: &Event) -> Encoded {
    encode_behind(event, Vec::new())
}

/// The same with its bytes put behind those that are there already.
pub(crate) fn encode_behind(event: &Event, bytes: Vec<u8>) -> Encoded {
    let data = event.encode(bytes).expect("postcard refuses only shapes that no event of ours has");
    Encoded { kind: event.kind(), version: event.version(), data }
}

/// The event that the bytes mean, lifted to today's shape.
///
/// # Errors
/// When the shape is unknown or the bytes are not of it.
pub fn decode(kind: &str, version: u16, data: &[u8]) -> Result<Event, Undecodable> {
    let (category, name) = kind.split_once('.').unwrap_or((kind, ""));
    Event::decode(category, name, version, data).map_err(|problem| Undecodable {
        kind: kind.to_owned(),
        version,
        problem,
    })
}

/// Every wire name with every version of its shape that has ever shipped.
pub fn shapes() -> Vec<(String, u16)> {
    Event::shapes()
}

/// The wire name as a word of this build, where it is one: a replay of millions owns no names.
pub fn known(kind: &str) -> Option<&'static str> {
    let (category, name) = kind.split_once('.')?;
    Event::known(category, name)
}

/// All of the bytes as one value.
pub(crate) fn exact<T: DeserializeOwned>(data: &[u8]) -> Result<T, Problem> {
    match postcard::take_from_bytes(data)? {
        (value, []) => Ok(value),
        (_, rest) => Err(Problem::Rest(rest.len())),
    }
}

#[cfg(test)]
mod tests;
