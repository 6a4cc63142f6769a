//! The settings of an endpoint at any moment of its history.

use actors::aggregate::Aggregate;
use actors::webhook::{Settings, Webhook};
use events::store::{PAGE_MAX, Slice, is_last};
use events::{EndpointId, Event, EventStore, Failure, Fold, Recorded, Revision, Subject};

/// All that ever happened to the settings.
pub(super) struct History(Vec<Recorded<Event>>);

impl History {
    /// Of an endpoint that is no webhook there is none.
    pub(super) async fn read(
        store: &dyn EventStore,
        endpoint: EndpointId,
    ) -> Result<Self, Failure> {
        let mut history = Vec::new();
        let Some(webhook) = endpoint.webhook() else { return Ok(Self(history)) };
        let stream = Subject::Webhook(webhook).stream();
        let mut from = Revision::FIRST;
        loop {
            let page = store.read_stream(&stream, Slice::From(from), PAGE_MAX).await?;
            let Some(last) = page.last().map(|last| last.revision) else { break };
            let end = is_last(&page, PAGE_MAX);
            history.extend(page.into_iter().filter_map(|record| record.decode().ok()));
            if end {
                break;
            }
            from = last.next();
        }
        Ok(Self(history))
    }

    /// The settings after everything that was before; none when there was no webhook then.
    pub(super) fn at(&self, before: impl Fn(&Recorded<Event>) -> bool) -> Option<Settings> {
        let mut webhook = Webhook::default();
        for recorded in self.0.iter().take_while(|recorded| before(recorded)) {
            if let Some(event) = Webhook::narrow(recorded.event.clone()) {
                webhook.evolve(&event);
            }
        }
        webhook.settings().cloned()
    }
}
