//! Who is there, as one node has heard it. Pure: time comes in.

use std::collections::{BTreeMap, BTreeSet};

use events::Revision;
use tokio::time::Instant;

use super::share::{Division, Peer};
use super::{RENEW_EVERY, SILENT_FOR, VALID_FOR};
use crate::ports::{NodeId, Word};

#[derive(Debug, Clone)]
pub(super) struct Table {
    me: NodeId,
    name: String,
    /// Those that are heard of.
    others: BTreeMap<NodeId, Other>,
    /// Whom this node counts in, as the others know it.
    counted: BTreeSet<NodeId>,
    /// When this node last began to say something that was then heard.
    renewed: Option<Instant>,
    behind: Option<Revision>,
}

#[derive(Debug, Clone)]
struct Other {
    name: String,
    heard: Instant,
    counts_us: bool,
}

impl Table {
    pub(super) fn new(me: NodeId, name: String) -> Self {
        let (others, counted) = (BTreeMap::new(), BTreeSet::new());
        Self { me, name, others, counted, renewed: None, behind: None }
    }

    /// How far it has listened.
    pub(super) fn behind(&self) -> Option<Revision> {
        self.behind
    }

    /// Somebody said something. What was said long ago counts as if it were said now: whoever is
    /// dead since is waited for once.
    pub(super) fn hear(&mut self, revision: Revision, word: Option<Word>, now: Instant) {
        self.behind = self.behind.max(Some(revision));
        let Some(word) = word else { return };
        if word.node == self.me {
            // Also after a restart: what was counted then is counted out aloud.
            self.counted = word.counts;
        } else if word.leaves {
            self.others.remove(&word.node);
        } else {
            let counts_us = word.counts.contains(&self.me);
            let other = Other { name: word.name, heard: now, counts_us };
            self.others.insert(word.node, other);
        }
    }

    /// Who has been silent for too long is no longer there.
    pub(super) fn count_out(&mut self, now: Instant) {
        self.others.retain(|node, other| {
            let there = now.duration_since(other.heard) < SILENT_FOR;
            if !there {
                let name = &other.name;
                tracing::warn!(%node, "node {name} is silent for {SILENT_FOR:?}: others go on");
            }
            there
        });
    }

    /// What is due to be said. Who came is counted in once everything of theirs is `let_go`; who
    /// is gone is counted out at once, and only then is their part this node's.
    pub(super) fn to_say(&self, now: Instant, let_go: bool) -> Option<Word> {
        let known = |node: &&NodeId| let_go || self.counted.contains(node);
        let counts: BTreeSet<_> = self.others.keys().filter(known).copied().collect();
        let due = self.renewed.is_none_or(|renewed| now.duration_since(renewed) >= RENEW_EVERY);
        (due || counts != self.counted).then(|| self.word(counts, false))
    }

    /// It was said, and `began` to be said then.
    pub(super) fn said(&mut self, revision: Revision, word: Word, began: Instant) {
        self.behind = self.behind.max(Some(revision));
        self.counted = word.counts;
        self.renewed = Some(began);
    }

    pub(super) fn last_word(&self) -> Word {
        self.word(BTreeSet::new(), true)
    }

    fn word(&self, counts: BTreeSet<NodeId>, leaves: bool) -> Word {
        Word { node: self.me, name: self.name.clone(), counts, leaves }
    }

    pub(super) fn division(&self) -> Division {
        let others = self.others.iter();
        let peer = |other: &Other| Peer {
            name: other.name.clone(),
            heard: other.heard,
            counts_us: other.counts_us,
        };
        let peers: BTreeMap<_, _> = others.map(|(node, other)| (*node, peer(other))).collect();
        let mut members = self.counted.clone();
        members.extend(peers.keys());
        members.insert(self.me);
        // A node that never said anything may begin nothing.
        let until = self.renewed.map_or_else(Instant::now, |renewed| renewed + VALID_FOR);
        let (me, name) = (self.me, self.name.clone());
        Division { me, name, peers, members, until: Some(until), turn: 0 }
    }
}
