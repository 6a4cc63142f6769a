//! Relink's own events: what an account's other webhooks are told of one that is in trouble.
//!
//! Nothing is told in a circle: a webhook is not told of its own trouble, and where what was told
//! cannot be delivered either, nobody is told of that.

use std::collections::{BTreeSet, VecDeque};

use events::{AccountId, DeliveryId, Event, Recorded, WebhookId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Wire names of the records that tell of trouble, and what subscribers call them: see
/// [`events::webhook::OPERATIONAL`].
const TOLD: [(&str, &str); 4] = [
    ("delivery.endpoint_failing", "webhook.failing"),
    ("delivery.endpoint_disabled", "webhook.disabled"),
    ("delivery.endpoint_recovered", "webhook.recovered"),
    ("delivery.abandoned", "delivery.abandoned"),
];

/// Why a delivery may be abandoned that is nobody's trouble: somebody asked for it.
const ASKED_FOR: [&str; 3] = ["webhook_deleted", "skipped", "backlog"];

/// As many deliveries are known as ones that tell of trouble, the last: more than wait at once.
const REMEMBERED_MAX: usize = 16_384;

/// What subscribers call a record of this wire name; none when it tells of no trouble.
pub(super) fn name(kind: &str) -> Option<&'static str> {
    TOLD.iter().find(|(told, _)| *told == kind).map(|(_, name)| *name)
}

/// The deliveries that tell of trouble.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Telling {
    ids: BTreeSet<DeliveryId>,
    /// In the order of telling.
    order: VecDeque<DeliveryId>,
}

impl Telling {
    pub(super) fn remember(&mut self, delivery: DeliveryId) {
        if !self.ids.insert(delivery) {
            return;
        }
        self.order.push_back(delivery);
        if self.order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

/// What a record tells, where it tells of the trouble of a webhook.
pub(super) struct Trouble {
    pub(super) name: &'static str,
    pub(super) webhook: WebhookId,
    facts: Map<String, Value>,
}

impl Trouble {
    /// None when there is none, when somebody asked for it, or when it is about telling itself.
    pub(super) fn of(recorded: &Recorded<Event>, telling: &Telling) -> Option<Self> {
        let name = name(recorded.event.kind())?;
        let webhook = recorded.stream.endpoint()?.webhook()?;
        // As JSON, so that each of these events is told with all that is known of it.
        let Ok(Value::Object(facts)) = recorded.event.view() else { return None };
        let asked_for = facts.get("reason").and_then(Value::as_str);
        if name == "delivery.abandoned" {
            let delivery = facts.get("delivery").and_then(Value::as_str)?.parse().ok()?;
            let told = telling.ids.contains(&delivery);
            if told || asked_for.is_some_and(|reason| ASKED_FOR.contains(&reason)) {
                return None;
            }
        }
        Some(Self { name, webhook, facts })
    }

    /// What subscribers receive.
    pub(super) fn body(
        self,
        recorded: &Recorded<Event>,
        account: AccountId,
        account_name: &str,
    ) -> String {
        let mut body = self.facts;
        body.insert("webhook".to_owned(), json!({ "id": self.webhook }));
        body.insert("occurred_at".to_owned(), json!(recorded.at.to_millis()));
        body.insert("account".to_owned(), json!({ "id": account, "name": account_name }));
        body.insert("event".to_owned(), json!(self.name));
        Value::Object(body).to_string()
    }
}

#[cfg(test)]
mod tests;
