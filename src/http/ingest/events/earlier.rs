//! What a request with an `Idempotency-Key` had taken before it was broken off. The log tells it:
//! the actor remembers only the last commands, and a body has more lines than that.

use std::collections::HashMap;

use events::store::{PAGE_MAX, Slice, is_last};
use events::{AccountId, Category, EventStore, Failure, Metadata, Position, StreamName};
use uuid::Uuid;

use super::Taken;

/// The events by the ids of their commands; only derived ids are ever asked for.
#[derive(Debug, Default)]
pub(super) struct Earlier(HashMap<Uuid, Taken>);

impl Earlier {
    /// Reads back to where the request began; nothing for one that was not broken off.
    pub(super) async fn read(
        store: &dyn EventStore,
        account: AccountId,
        began: Option<Position>,
    ) -> Result<Self, Failure> {
        let mut earlier = Self::default();
        let Some(began) = began else { return Ok(earlier) };
        let stream = StreamName::new(Category::Platform, account);
        let mut before = None;
        loop {
            let page = store.read_stream(&stream, Slice::Before(before), PAGE_MAX).await?;
            for record in page.iter().take_while(|record| record.position > began) {
                let Ok(metadata) = serde_json::from_slice::<Metadata>(&record.metadata) else {
                    continue;
                };
                if metadata.causation.get_version_num() == 5 {
                    let taken = Taken { id: record.id, position: record.position };
                    earlier.0.insert(metadata.causation, taken);
                }
            }
            match page.last() {
                Some(oldest) if oldest.position > began && !is_last(&page, PAGE_MAX) => {
                    before = Some(oldest.revision);
                }
                Some(_) | None => return Ok(earlier),
            }
        }
    }

    /// What this command came to.
    pub(super) fn of(&self, command: Uuid) -> Option<Taken> {
        self.0.get(&command).copied()
    }
}
