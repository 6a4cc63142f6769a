//! Which part of the work is this node's: asked before anything is begun.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use events::EndpointId;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use crate::ports::NodeId;

/// Something that one node works at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// The ledger of this endpoint: its attempts.
    Ledger(EndpointId),
    /// Turning events into deliveries.
    Fanout,
    /// Asking what has expired.
    Expiry,
}

impl fmt::Display for Work {
    /// Hashed: two builds on one log must agree on it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger(endpoint) => write!(f, "ledger-{endpoint}"),
            Self::Fanout => f.write_str("fanout"),
            Self::Expiry => f.write_str("expiry"),
        }
    }
}

/// Another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// When this node heard of it last.
    pub heard: Instant,
    /// Whether it has let go of what is this node's.
    pub counts_us: bool,
}

/// How the work is divided, as this node knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// This node.
    pub me: NodeId,
    /// Its name.
    pub name: String,
    /// The others that are heard of.
    pub peers: BTreeMap<NodeId, Peer>,
    /// All that have a part: this node, those that are heard of, and those not yet counted out.
    pub members: BTreeSet<NodeId>,
    /// Until when this node may begin anything; none where there is no other.
    pub(super) until: Option<Instant>,
    /// Raised with every change of what is whose.
    pub(super) turn: u64,
}

impl Division {
    /// That of a node which has the log for itself.
    pub fn alone(me: NodeId, name: String) -> Self {
        let (peers, members) = (BTreeMap::new(), BTreeSet::from([me]));
        Self { me, name, peers, members, until: None, turn: 0 }
    }

    /// Whose it is: the node with the highest hash of both (rendezvous), so that a node that comes
    /// or goes moves no work between the others.
    pub fn worker(&self, work: Work) -> NodeId {
        if self.members.len() == 1 {
            return self.me;
        }
        let work = work.to_string();
        let weight = |node: &&NodeId| Uuid::new_v5(&node.0, work.as_bytes());
        self.members.iter().max_by_key(weight).copied().unwrap_or(self.me)
    }

    /// Whether it is this node's, now or as soon as the others have let go of it.
    pub fn is_ours(&self, work: Work) -> bool {
        self.worker(work) == self.me
    }

    /// Whether this node may begin anything that is its own.
    pub fn is_open(&self, now: Instant) -> bool {
        let let_go = self.peers.values().all(|peer| peer.counts_us);
        let_go && self.until.is_none_or(|until| now < until)
    }

    pub(super) fn is_as(&self, other: &Self, now: Instant) -> bool {
        self.members == other.members && self.is_open(now) == other.is_open(now)
    }
}

/// This node's share; cheap to clone.
#[derive(Debug, Clone)]
pub struct Share {
    division: watch::Receiver<Division>,
}

/// All of the work, for a process that is no node among others.
impl Default for Share {
    fn default() -> Self {
        Self::alone(NodeId(Uuid::nil()), String::new())
    }
}

impl Share {
    pub(crate) fn new(division: watch::Receiver<Division>) -> Self {
        Self { division }
    }

    /// All of it.
    pub fn alone(me: NodeId, name: String) -> Self {
        Self { division: watch::channel(Division::alone(me, name)).1 }
    }

    /// What this node is called.
    pub fn name(&self) -> String {
        self.division.borrow().name.clone()
    }

    /// How the work is divided just now.
    pub fn division(&self) -> Division {
        self.division.borrow().clone()
    }

    /// Whether this node may begin it now.
    pub fn works(&self, work: Work) -> bool {
        let division = self.division.borrow();
        division.is_open(Instant::now()) && division.is_ours(work)
    }

    /// Raised with every change of what is whose.
    pub fn turn(&self) -> u64 {
        self.division.borrow().turn
    }

    /// Returns once the turn is another.
    pub async fn turned(&mut self, from: u64) {
        let turned = self.division.wait_for(|division| division.turn != from).await.is_ok();
        if !turned {
            // Nobody divides anything: it stays as it is.
            std::future::pending::<()>().await;
        }
    }
}
