//! Where each account's changes stand in the log. What they say is read from there when it is asked
//! for, so that a change costs a few bytes here, however much it says.

mod change;

use std::collections::BTreeMap;

use events::{AccountId, Event, Fold, Position, Recorded, Revision};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Projection, Seen};

pub use change::{Action, Change, REDACTED, change};

/// One change: what one command did to one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where its first record stands.
    pub position: Position,
    /// How many records of its stream it takes from there.
    pub records: u32,
}

/// The last change that was seen: more of the same may follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Latest {
    account: AccountId,
    stream: Box<str>,
    revision: Revision,
    command: Uuid,
}

/// Every account's changes, the oldest first.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    seen: Seen,
    changes: BTreeMap<AccountId, Vec<Entry>>,
    latest: Option<Latest>,
}

impl Audit {
    /// One page of an account's changes, the newest first; the first page is 1.
    pub fn page(&self, account: AccountId, page: usize, per_page: usize) -> Vec<Entry> {
        let changes = self.changes.get(&account).map_or(&[][..], Vec::as_slice);
        let behind = page.saturating_sub(1).saturating_mul(per_page);
        changes.iter().rev().skip(behind).take(per_page).copied().collect()
    }

    /// How many changes an account has seen.
    pub fn count(&self, account: AccountId) -> usize {
        self.changes.get(&account).map_or(0, Vec::len)
    }

    fn take(&mut self, record: &Recorded<Event>, account: AccountId, command: Uuid) {
        let (stream, revision) = (record.stream.as_str(), record.revision);
        let changes = self.changes.entry(account).or_default();
        let same = self.latest.as_ref().filter(|latest| {
            latest.account == account && &*latest.stream == stream && latest.command == command
        });
        match (same, changes.last_mut()) {
            // What is between them is part of the same command.
            (Some(latest), Some(entry)) => {
                let further = revision.0.saturating_sub(latest.revision.0);
                entry.records += u32::try_from(further).unwrap_or_default();
            }
            (None, _) | (_, None) => {
                changes.push(Entry { position: record.position, records: 1 });
            }
        }
        self.latest = Some(Latest { account, stream: stream.into(), revision, command });
    }
}

impl Fold for Audit {
    type Event = Recorded<Event>;

    fn evolve(&mut self, record: &Recorded<Event>) {
        if !self.seen.is_news(record.position) {
            return;
        }
        let Some(change) = change(&record.event) else { return };
        // Metadata that is not ours names neither account nor command.
        let Ok(metadata) = record.metadata() else { return };
        if let Some(account) = change.account.or(metadata.account) {
            self.take(record, account, metadata.causation);
        }
    }
}

impl Projection for Audit {
    const NAME: &'static str = "audit";
    const VERSION: u32 = 1;
}

#[cfg(test)]
mod tests;
