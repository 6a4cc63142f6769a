//! What the core asks of the world beside the log. Adapters live in the root crate.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use events::delivery::{AttemptClass, Response};
use events::signing::SigningKeys;
use events::webhook::Header;
use events::{AccountId, DeliveryId, EndpointId, Failure, Revision, Timestamp};
use futures_core::future::BoxFuture;
use uuid::Uuid;

/// Knows what time it is.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// Where an endpoint's deliveries go, as its settings are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Which.
    pub id: EndpointId,
    /// The tenant.
    pub account: AccountId,
    /// The url.
    pub url: String,
    /// What it is signed with.
    pub keys: SigningKeys,
    /// Sent beside our own headers.
    pub headers: Vec<Header>,
    /// For the whole exchange, body included; none means the installation's.
    pub timeout: Option<Duration>,
    /// Attempts under way at once; none means the installation's.
    pub concurrency: Option<u32>,
    /// Waits between attempts; none means the installation's.
    pub retry_schedule: Option<Vec<Duration>>,
    /// Attempts begun in any second; none means as many as can be.
    pub rate_per_second: Option<u32>,
}

impl Endpoint {
    /// One that has no settings of its own.
    pub fn plain(id: EndpointId, account: AccountId, url: String, keys: SigningKeys) -> Self {
        Self {
            id,
            account,
            url,
            keys,
            headers: vec![],
            timeout: None,
            concurrency: None,
            retry_schedule: None,
            rate_per_second: None,
        }
    }
}

/// What is known of where an endpoint's deliveries go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// There.
    To(Arc<Endpoint>),
    /// Nowhere any more: what is owed is abandoned.
    Nowhere,
    /// Nobody can tell before somebody looks at the endpoint's stream.
    Halted,
}

/// Knows where deliveries go, for every kind of endpoint.
pub trait Targets: Send + Sync {
    /// Answers as soon as it can tell: what is owed is never given up for our own trouble. The
    /// account is the one that the delivery belongs to.
    fn target(&self, endpoint: EndpointId, account: AccountId) -> BoxFuture<'_, Target>;
}

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What is delivered.
    pub delivery: DeliveryId,
    /// The first is 1.
    pub number: u32,
    /// When it begins: the moment that is signed, by keys that sign then.
    pub at: Timestamp,
    /// What the receiver calls the event.
    pub event: String,
    /// The exact bytes.
    pub body: Bytes,
    /// Where to.
    pub endpoint: Arc<Endpoint>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The receiver answered 2xx.
    Delivered(Response),
    /// It did not.
    Failed {
        /// What kind of failure; never [`AttemptClass::Ok`].
        class: AttemptClass,
        /// What happened, in words.
        detail: String,
        /// What the receiver answered, if it did.
        response: Option<Response>,
        /// How long it asked to be left alone (`Retry-After`), if it did.
        retry_after: Option<Duration>,
    },
}

/// An attempt that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// How it ended.
    pub ended: Ended,
    /// Where the connection led to, as `192.0.2.1:443`; none when there was none.
    pub address: Option<String>,
}

impl From<Ended> for Made {
    fn from(ended: Ended) -> Self {
        Self { ended, address: None }
    }
}

/// Reaches endpoints.
pub trait Outbound: Send + Sync {
    /// Makes one attempt: signs afresh, sends the exact bytes, follows no redirect, reads no more
    /// of the answer than it keeps, and ends within the endpoint's timeout.
    fn attempt(&self, attempt: Attempt) -> BoxFuture<'_, Made>;
}

/// One process among those that share a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub Uuid);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a node says to the others, each time all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Who says it.
    pub node: NodeId,
    /// Its name, for people.
    pub name: String,
    /// The others with whom it divides the work: it has let go of what is theirs.
    pub counts: BTreeSet<NodeId>,
    /// Whether it is its last.
    pub leaves: bool,
}

/// A word, and where it stands; none is one that this build does not understand.
pub type Said = (Revision, Option<Word>);

/// Where the nodes that share a log hear of each other, in one order.
pub trait Roster: Send + Sync {
    /// What was said behind this revision, the oldest first; without one, what was said last.
    fn heard(&self, behind: Option<Revision>) -> BoxFuture<'_, Result<Vec<Said>, Failure>>;

    /// Says something, if nothing was said behind this revision: [`Failure::Conflict`] else.
    fn say(&self, behind: Option<Revision>, word: Word)
    -> BoxFuture<'_, Result<Revision, Failure>>;
}
