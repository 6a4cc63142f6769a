//! Which API inboxes have a webhook of their own: `webhook_url` of Chatwoot's `Channel::Api`.

use std::collections::BTreeMap;

use events::inbox::Event;
use events::{AccountId, InboxId};
use serde::{Deserialize, Serialize};

use crate::inbox::{API_CHANNEL, webhook_url};

/// Inboxes that are of the channel type or have such a url; whoever has both is delivered to.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct ApiInboxes(BTreeMap<InboxId, Candidate>);

#[derive(Debug, Serialize, Deserialize)]
struct Candidate {
    account: AccountId,
    is_api: bool,
    url: Option<String>,
}

impl ApiInboxes {
    /// Whether what happens in this inbox goes to a webhook of its own.
    pub(super) fn has_webhook(&self, account: AccountId, inbox: InboxId) -> bool {
        self.place(inbox).is_some_and(|(owner, _)| owner == account)
    }

    /// Whose such an inbox is, and where its webhook.
    pub(super) fn place(&self, inbox: InboxId) -> Option<(AccountId, &str)> {
        let it = self.0.get(&inbox).filter(|it| it.is_api)?;
        Some((it.account, it.url.as_deref()?))
    }

    pub(super) fn evolve(&mut self, id: InboxId, event: &Event) {
        match event {
            Event::Registered(it) => {
                let is_api = it.channel_type == API_CHANNEL;
                let url = webhook_url(&it.attributes);
                self.0.insert(id, Candidate { account: it.account, is_api, url });
            }
            Event::ChannelTypeChanged(it) => {
                if let Some(candidate) = self.0.get_mut(&id) {
                    candidate.is_api = it.channel_type == API_CHANNEL;
                }
            }
            Event::AttributesChanged(it) => {
                if let Some(candidate) = self.0.get_mut(&id) {
                    candidate.url = webhook_url(&it.attributes);
                }
            }
            Event::Removed(_) => {
                self.0.remove(&id);
            }
            Event::Renamed(_)
            | Event::CredentialsReplaced(_)
            | Event::ThresholdSet(_)
            | Event::Reauthorization(_) => {}
        }
    }
}
