//! Where deliveries go, asked of whoever has the endpoint's settings.

use std::sync::Arc;

use events::{Actor, EndpointId, WebhookId};
use futures_core::future::BoxFuture;
use uuid::Uuid;

use super::attempts::{RETRY_FIRST, pause};
use crate::ports::{Clock, Target, Targets};
use crate::registry::Registry;
use crate::shell::{Context, Refused};
use crate::webhook::{Command, Webhook};

/// Asks the actors of the process.
#[derive(Clone)]
pub struct ActorTargets {
    /// The webhooks.
    pub webhooks: Registry<Webhook>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Targets for ActorTargets {
    fn target(&self, endpoint: EndpointId) -> BoxFuture<'_, Target> {
        Box::pin(async move {
            match endpoint {
                EndpointId::Webhook(webhook) => self.webhook(webhook).await,
                // Nobody has settings for these, so nothing can be owed to them yet.
                EndpointId::Inbox(_) | EndpointId::Mail(_) => Target::Nowhere,
            }
        })
    }
}

impl ActorTargets {
    async fn webhook(&self, webhook: WebhookId) -> Target {
        let mut wait = RETRY_FIRST;
        loop {
            let (id, now) = (Uuid::nil(), self.clock.now());
            let actor = Actor::DELIVERY;
            let context = Context { id, correlation: id, actor, account: None, now };
            match self.webhooks.ask(webhook, context, Command::Look).await {
                Ok(done) => {
                    let settings = done.answer.settings();
                    return settings.map_or(Target::Nowhere, |settings| {
                        Target::To(Box::new(settings.endpoint(webhook)))
                    });
                }
                Err(Refused::Halted { .. }) => return Target::Halted,
                Err(_) => pause(&mut wait).await,
            }
        }
    }
}
