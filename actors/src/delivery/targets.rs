//! Where deliveries go, asked of whoever has the endpoint's settings.

mod known;

use std::sync::Arc;

use events::signing::SigningKeys;
use events::{AccountId, Actor, EndpointId, InboxId, WebhookId};
use futures_core::future::BoxFuture;
use uuid::Uuid;

use super::attempts::{RETRY_FIRST, pause};
use crate::inbox::{self, Inbox};
use crate::ports::{Clock, Endpoint, Target, Targets};
use crate::registry::Registry;
use crate::shell::{Context, Refused};
use crate::webhook::{Command, Webhook};
use known::Known;

/// Asks the actors of the process.
#[derive(Clone)]
pub struct ActorTargets {
    webhooks: Registry<Webhook>,
    inboxes: Registry<Inbox>,
    clock: Arc<dyn Clock>,
    known: Arc<Known>,
}

impl Targets for ActorTargets {
    fn target(&self, endpoint: EndpointId, account: AccountId) -> BoxFuture<'_, Target> {
        Box::pin(async move {
            match endpoint {
                EndpointId::Webhook(webhook) => self.webhook(webhook).await,
                EndpointId::Inbox(inbox) => self.inbox(inbox, account).await,
                // Whom to write to is in each mail, as of the event.
                EndpointId::Mail(_) => {
                    let keys = SigningKeys::none();
                    Target::To(Arc::new(Endpoint::plain(endpoint, account, String::new(), keys)))
                }
            }
        })
    }
}

impl ActorTargets {
    /// Of the webhooks, as whose host it sees what changes, and of the inboxes, of which some have
    /// a webhook of their own.
    pub fn new(
        webhooks: Registry<Webhook>,
        inboxes: Registry<Inbox>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let known = Arc::<Known>::default();
        webhooks.set_host(known.clone());
        Self { webhooks, inboxes, clock, known }
    }

    async fn webhook(&self, webhook: WebhookId) -> Target {
        // Where other nodes write too, only the stream's actor hears of it.
        let known = if self.webhooks.is_shared() { None } else { self.known.get(webhook) };
        if let Some(endpoint) = known {
            return Target::To(endpoint);
        }
        let (mut wait, mut sure) = (RETRY_FIRST, false);
        loop {
            let look = (self.context(), Command::Look);
            let told = if sure {
                self.webhooks.ask(webhook, look.0, look.1).await
            } else {
                self.webhooks.glance(webhook, look.0, look.1).await
            };
            match told.map(|done| done.answer) {
                Ok(it) => match it.settings() {
                    Some(settings) => return Target::To(Arc::new(settings.endpoint(webhook))),
                    None if sure => return Target::Nowhere,
                    // Another node may have created it a moment ago: what is abandoned is lost.
                    None => sure = true,
                },
                Err(Refused::Halted { .. }) => return Target::Halted,
                Err(_) => pause(&mut wait).await,
            }
        }
    }

    /// Its webhook as its settings are now: one without a url, or of another channel, has none.
    async fn inbox(&self, inbox: InboxId, account: AccountId) -> Target {
        // Where it goes hangs on no policy.
        let (layers, action) = (Arc::default(), inbox::Action::Look);
        let look = inbox::Command { account, layers, action };
        let (mut wait, mut sure) = (RETRY_FIRST, false);
        loop {
            let told = if sure {
                self.inboxes.ask(inbox, self.context(), look.clone()).await
            } else {
                self.inboxes.glance(inbox, self.context(), look.clone()).await
            };
            let profile = match told {
                Ok(done) => done.answer.profile,
                Err(Refused::Rejected(_)) => None,
                Err(Refused::Halted { .. }) => return Target::Halted,
                Err(_) => {
                    pause(&mut wait).await;
                    continue;
                }
            };
            match profile.and_then(|profile| profile.endpoint(inbox)) {
                Some(endpoint) => return Target::To(Arc::new(endpoint)),
                None if sure => return Target::Nowhere,
                // Another node may have given it one a moment ago: what is abandoned is lost.
                None => sure = true,
            }
        }
    }

    fn context(&self) -> Context {
        let (id, actor) = (Uuid::nil(), Actor::DELIVERY);
        Context { id, correlation: id, actor, account: None, now: self.clock.now() }
    }
}

#[cfg(test)]
mod tests;
