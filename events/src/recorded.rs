//! An event as the log holds it: as bytes (`Record`) and as meaning (`Recorded`).

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::vocabulary::vocabularies;
use crate::{
    AccountId, Actor, EventId, Hash, Position, Revision, StreamName, Timestamp, Undecodable, codec,
};

vocabularies! {
    /// Everything that can have happened, by the category that it happened in.
    pub enum Event {
        Account(crate::account::Event),
        Inbox(crate::inbox::Event),
        Webhook(crate::webhook::Event),
        Delivery(crate::delivery::Event),
        Platform(crate::platform::Event),
        Installation(crate::installation::Event),
        Fanout(crate::fanout::Event),
        Request(crate::request::Event),
        Hook(crate::hook::Event),
        Rule(crate::rule::Event),
    }
}

impl Event {
    /// What it says of a subject's authorization, of whichever kind that is.
    pub fn reauthorization(&self) -> Option<&crate::reauthorization::Event> {
        match self {
            Self::Inbox(crate::inbox::Event::Reauthorization(event))
            | Self::Hook(crate::hook::Event::Reauthorization(event))
            | Self::Rule(crate::rule::Event::Reauthorization(event)) => Some(event),
            Self::Inbox(_)
            | Self::Hook(_)
            | Self::Rule(_)
            | Self::Account(_)
            | Self::Webhook(_)
            | Self::Delivery(_)
            | Self::Platform(_)
            | Self::Installation(_)
            | Self::Fanout(_)
            | Self::Request(_) => None,
        }
    }
}

/// Who did it and why: JSON beside every payload, with EventStoreDB's own keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// What started it all: the same for everything that one request brought about.
    #[serde(rename = "$correlationId")]
    pub correlation: Uuid,
    /// The command or event that brought this about directly.
    #[serde(rename = "$causationId")]
    pub causation: Uuid,
    /// Who acted.
    pub actor: Actor,
    /// The tenant it belongs to; none for facts of the whole installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
}

/// One record of the log, undecoded.
///
/// Its bytes may be part of a whole page of records: copy what is kept for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where in the log.
    pub position: Position,
    /// Which stream.
    pub stream: StreamName,
    /// Where in the stream.
    pub revision: Revision,
    /// The event's id.
    pub id: EventId,
    /// The event's wire name, such as `inbox.registered`.
    pub kind: Cow<'static, str>,
    /// The version of its shape.
    pub version: u16,
    /// When it was decided.
    pub at: Timestamp,
    /// [`Metadata`] as JSON.
    pub metadata: Bytes,
    /// The payload in postcard.
    pub data: Bytes,
    /// The chain: over all of the above but the position, and the predecessor's hash.
    pub hash: Hash,
}

impl Record {
    /// The record with its meaning.
    ///
    /// # Errors
    /// When this build does not know the shape, or the bytes are not of it.
    pub fn decode(self) -> Result<Recorded<Event>, Undecodable> {
        let event = codec::decode(&self.kind, self.version, &self.data)?;
        Ok(Recorded {
            position: self.position,
            stream: self.stream,
            revision: self.revision,
            id: self.id,
            at: self.at,
            metadata: self.metadata,
            event,
        })
    }
}

/// One event of the log, with what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded<E> {
    /// Where in the log.
    pub position: Position,
    /// Which stream.
    pub stream: StreamName,
    /// Where in the stream.
    pub revision: Revision,
    /// The event's id.
    pub id: EventId,
    /// When it was decided.
    pub at: Timestamp,
    /// [`Metadata`] as JSON: a replay of millions never parses it. As part of a page of records it
    /// keeps that page in memory.
    pub metadata: Bytes,
    /// What happened.
    pub event: E,
}

impl<E> Recorded<E> {
    /// Who did it and why.
    ///
    /// # Errors
    /// When the metadata is not of our making.
    pub fn metadata(&self) -> Result<Metadata, serde_json::Error> {
        serde_json::from_slice(&self.metadata)
    }
}
