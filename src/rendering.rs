//! One record of the log as JSON, the same in a timeline and in `relink log --json`.

pub mod health;
pub mod incidents;

use events::{Metadata, Record};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// A record as people and programs read it; what is sealed stays sealed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rendered {
    /// Where in the log.
    pub position: u64,
    /// Which stream.
    pub stream: String,
    /// Where in the stream.
    pub revision: u64,
    /// The event's id.
    pub id: Uuid,
    /// The event's wire name, such as `inbox.registered`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version of its shape.
    pub version: u16,
    /// When it was decided, RFC 3339.
    pub at: String,
    /// Who acted; null when the metadata cannot be read.
    pub actor: Option<String>,
    /// The tenant; null for facts of the whole installation.
    pub account_id: Option<u64>,
    /// The same for everything that one request brought about.
    pub correlation_id: Option<Uuid>,
    /// The command or event that brought this about directly.
    pub causation_id: Option<Uuid>,
    /// The payload; null when this build cannot read it.
    pub data: Value,
    /// Why the payload cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecodable: Option<String>,
}

/// Renders one record. One that this build does not understand is shown too, without its payload.
pub fn render(record: &Record) -> Rendered {
    let metadata = serde_json::from_slice::<Metadata>(&record.metadata).ok();
    let data = record
        .clone()
        .decode()
        .map_err(|undecodable| undecodable.to_string())
        .and_then(|recorded| recorded.event.view().map_err(|error| error.to_string()))
        .map(shortened);
    let (data, undecodable) = match data {
        Ok(data) => (data, None),
        Err(reason) => (Value::Null, Some(reason)),
    };
    let metadata = metadata.as_ref();
    Rendered {
        position: record.position.0,
        stream: record.stream.to_string(),
        revision: record.revision.0,
        id: record.id.0,
        kind: record.kind.clone().into_owned(),
        version: record.version,
        at: record.at.to_string(),
        actor: metadata.map(|it| it.actor.to_string()),
        account_id: metadata.and_then(|it| it.account).map(|account| account.0),
        correlation_id: metadata.map(|it| it.correlation),
        causation_id: metadata.map(|it| it.causation),
        data,
        undecodable,
    }
}

/// Of the long lists of a ledger's summary, and of what was removed, only how long they are.
fn shortened(mut data: Value) -> Value {
    for list in ["recent", "outcomes"] {
        if let Some(length) = data[list].as_array().map(Vec::len) {
            data[list] = length.into();
        }
    }
    data
}

#[cfg(test)]
mod tests;
