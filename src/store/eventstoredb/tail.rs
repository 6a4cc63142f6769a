//! The end of the log as this process read it last: all that follow it get the same pages, and
//! the server is asked for each of them once.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use events::store::PAGE_MAX;
use events::{Failure, Position, Record};
use tokio::time::timeout;

use super::{EventStoreDb, READ_WITHIN};

/// As many records as are kept.
const RECORDS_MAX: usize = 4 * PAGE_MAX;

/// As many bytes of payloads and metadata as are kept: less than a page may have.
const BYTES_MAX: usize = 8 << 20;

/// What is kept of it, and the turn of whoever reads on.
#[derive(Debug, Default)]
pub(super) struct Tail {
    kept: Mutex<Kept>,
    turn: tokio::sync::Mutex<()>,
}

/// All of our records behind one position, up to the last of them.
#[derive(Debug, Default)]
struct Kept {
    behind: Position,
    records: VecDeque<Record>,
    bytes: usize,
}

impl EventStoreDb {
    /// The next page for one who goes on asking until there is none.
    pub(super) async fn next_page(&self, behind: Position) -> Result<Vec<Record>, Failure> {
        if let Some(page) = self.kept_page(behind) {
            return Ok(page);
        }
        if self.tail.is_past(behind) {
            // Nobody else waits for that, and finding its place may take a walk through the log.
            return self.walk_page(behind).await.map(|(page, _)| page);
        }
        let turn = self.tail.turn.try_lock().ok();
        if turn.is_none() {
            // Somebody is reading, perhaps just this page. Nobody waits twice, nor for ever.
            let _ = timeout(READ_WITHIN, self.tail.turn.lock()).await;
            if let Some(page) = self.kept_page(behind) {
                return Ok(page);
            }
        }
        let (page, ended) = self.walk_page(behind).await?;
        // Whoever is far behind goes through pages that nobody else waits for.
        if ended {
            self.tail.extend(behind, &page);
        }
        drop(turn);
        Ok(page)
    }

    /// The next page, where others have read it already. A walk that comes to it ends here.
    fn kept_page(&self, behind: Position) -> Option<Vec<Record>> {
        let page = self.tail.behind(behind)?;
        self.walk.end(behind);
        Some(page)
    }
}

impl Tail {
    /// What is kept behind a position, unless it is nothing: then the server may have more.
    fn behind(&self, position: Position) -> Option<Vec<Record>> {
        let kept = self.kept();
        if position < kept.behind {
            return None;
        }
        let from = kept.records.partition_point(|record| record.position <= position);
        let page: Vec<_> = kept.records.range(from..).take(PAGE_MAX).cloned().collect();
        (!page.is_empty()).then_some(page)
    }

    /// Whether the end of the log, as far as it is known, is further than that.
    fn is_past(&self, position: Position) -> bool {
        self.kept().records.back().is_some_and(|last| position < last.position)
    }

    /// Takes a page that was read behind a position, if it goes further than what is kept.
    fn extend(&self, behind: Position, page: &[Record]) {
        let Some(last) = page.last() else { return };
        let mut kept = self.kept();
        let end = kept.records.back().map_or(Position::START, |last| last.position);
        if last.position <= end {
            return;
        }
        if behind != end || kept.records.is_empty() {
            *kept = Kept { behind, ..Kept::default() };
        }
        kept.bytes += page.iter().map(size).sum::<usize>();
        kept.records.extend(page.iter().cloned());
        while kept.records.len() > RECORDS_MAX || kept.bytes > BYTES_MAX {
            let Some(oldest) = kept.records.pop_front() else { break };
            kept.bytes -= size(&oldest);
            kept.behind = oldest.position;
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(record: &Record) -> usize {
    record.metadata.len() + record.data.len()
}

#[cfg(test)]
mod tests;
