//! Where deliveries of webhooks go, as their actors said last: attempts need not wait for a word
//! each time.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use events::WebhookId;
use tokio::time::Instant;

use crate::aggregate::Nothing;
use crate::ports::Endpoint;
use crate::registry::{Finish, Host};
use crate::webhook::Webhook;

/// As long as an actor's word holds. It says a new one before it answers whoever changed anything;
/// only of a change whose writing the log left in doubt does nobody hear before he asks.
const HOLDS_FOR: Duration = Duration::from_secs(1);

/// As many webhooks are known; beyond that all of them are asked about anew. Tests come to it
/// sooner.
const KNOWN_MAX: usize = if cfg!(test) { 16 } else { 4_096 };

/// The webhooks that were asked about.
#[derive(Default)]
pub(super) struct Known(DashMap<WebhookId, Option<(Instant, Arc<Endpoint>)>>);

impl Known {
    /// None where the actor has to be asked, whose word is kept from then on.
    pub(super) fn get(&self, webhook: WebhookId) -> Option<Arc<Endpoint>> {
        if let Some(known) = self.0.get(&webhook) {
            let fresh = known.as_ref().filter(|(at, _)| at.elapsed() < HOLDS_FOR);
            return fresh.map(|(_, endpoint)| endpoint.clone());
        }
        if self.0.len() >= KNOWN_MAX {
            self.0.clear();
        }
        self.0.entry(webhook).or_default();
        None
    }
}

impl Host<Webhook> for Known {
    fn perform(&self, _: WebhookId, owed: Nothing, _: Finish<Webhook>) {
        match owed {}
    }

    fn works(&self, _: WebhookId) -> bool {
        false
    }

    fn look(&self, id: WebhookId, webhook: &Webhook) {
        if let Some(mut known) = self.0.get_mut(&id) {
            let endpoint = webhook.settings().map(|settings| Arc::new(settings.endpoint(id)));
            *known = endpoint.map(|endpoint| (Instant::now(), endpoint));
        }
    }
}

#[cfg(test)]
mod tests;
