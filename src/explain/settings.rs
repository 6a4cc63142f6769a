//! The settings of an endpoint at any moment of its history.

use actors::aggregate::Aggregate;
use actors::inbox::Inbox;
use actors::ports::Endpoint;
use actors::webhook::Webhook;
use events::store::{PAGE_MAX, Slice, is_last};
use events::{
    EndpointId, Event, EventStore, Failure, InboxId, Recorded, Revision, StreamName, Subject,
};

/// All that ever happened to the settings.
pub(super) struct History {
    endpoint: EndpointId,
    events: Vec<Recorded<Event>>,
}

/// The settings of a moment.
pub(super) struct Settings {
    pub(super) endpoint: Endpoint,
    pub(super) name: Option<String>,
    /// What it wants; an API inbox hears of all that happens in it without asking.
    pub(super) subscriptions: Vec<String>,
    pub(super) inboxes: Option<Vec<InboxId>>,
}

impl History {
    /// Mail has none: whom to write to is in each.
    pub(super) async fn read(
        store: &dyn EventStore,
        endpoint: EndpointId,
    ) -> Result<Self, Failure> {
        let mut events = vec![];
        for stream in Self::streams(endpoint) {
            events = read(store, &stream).await?;
        }
        Ok(Self { endpoint, events })
    }

    /// The stream that tells of them, if any does.
    pub(super) fn streams(endpoint: EndpointId) -> Vec<StreamName> {
        match endpoint {
            EndpointId::Webhook(id) => vec![Subject::Webhook(id).stream()],
            EndpointId::Inbox(id) => vec![Subject::Inbox(id).stream()],
            EndpointId::Mail(_) => vec![],
        }
    }

    /// The settings after everything that was before; none when there was no endpoint then.
    pub(super) fn at(&self, before: impl Fn(&Recorded<Event>) -> bool) -> Option<Settings> {
        let events = self.events.iter().take_while(|recorded| before(recorded));
        match self.endpoint {
            EndpointId::Webhook(id) => {
                let webhook: Webhook = folded(events);
                let settings = webhook.settings()?;
                Some(Settings {
                    endpoint: settings.endpoint(id),
                    name: settings.name.clone(),
                    subscriptions: settings.subscriptions.clone(),
                    inboxes: settings.policy.inboxes.clone(),
                })
            }
            EndpointId::Inbox(id) => {
                let inbox: Inbox = folded(events);
                let profile = inbox.profile()?;
                Some(Settings {
                    endpoint: profile.endpoint(id)?,
                    name: Some(profile.name.clone()),
                    subscriptions: vec![],
                    inboxes: Some(vec![id]),
                })
            }
            EndpointId::Mail(_) => None,
        }
    }
}

async fn read(
    store: &dyn EventStore,
    stream: &StreamName,
) -> Result<Vec<Recorded<Event>>, Failure> {
    let (mut events, mut from) = (Vec::new(), Revision::FIRST);
    loop {
        let page = store.read_stream(stream, Slice::From(from), PAGE_MAX).await?;
        let Some(last) = page.last().map(|last| last.revision) else { return Ok(events) };
        let end = is_last(&page, PAGE_MAX);
        events.extend(page.into_iter().filter_map(|record| record.decode().ok()));
        if end {
            return Ok(events);
        }
        from = last.next();
    }
}

fn folded<'a, A>(events: impl Iterator<Item = &'a Recorded<Event>>) -> A
where
    A: Aggregate,
{
    let mut state = A::default();
    for recorded in events {
        if let Some(event) = A::narrow(recorded.event.clone()) {
            state.evolve(&event);
        }
    }
    state
}
