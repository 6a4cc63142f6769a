//! What happened: the vocabulary of Relink, its bytes, and the port of the log.
//!
//! This crate opens nothing: no file, no socket, no clock, no randomness.

mod chain;
mod endpoint;
mod fold;
mod identity;
mod position;
mod recorded;
mod sealed;
mod stream;
mod timestamp;
mod vocabulary;

pub mod codec;
pub mod snapshot;
pub mod store;

pub mod account;
pub mod credentials;
pub mod delivery;
pub mod evidence;
pub mod fanout;
pub mod hook;
pub mod inbox;
pub mod installation;
pub mod platform;
pub mod policy;
pub mod reauthorization;
pub mod request;
pub mod rule;
pub mod signing;
pub mod switch;
pub mod webhook;

pub use chain::{BrokenChain, Hash, Link, ParseHashError, untold_from};
pub use codec::Undecodable;
pub use endpoint::EndpointId;
pub use fold::{Fold, Until, replay};
pub use identity::{
    AccountId, Actor, DeliveryId, EventId, HookId, InboxId, KeyId, ParseIdError, RuleId, TokenId,
    WebhookId,
};
pub use position::{Position, Revision};
pub use recorded::{Event, Metadata, Record, Recorded};
pub use sealed::Sealed;
pub use store::{Appended, EventStore, Expected, Failure, Proposed};
pub use stream::{Category, StreamName, Subject};
pub use timestamp::{ParseTimestampError, Timestamp};
