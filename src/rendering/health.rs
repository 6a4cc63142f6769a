//! The health of one subject as JSON, the same over HTTP and in `relink at`.

use events::delivery::{Standing, Tally};
use events::{AccountId, Actor, EndpointId, InboxId, Timestamp};
use projections::hook_health::Hook;
use projections::inbox_health::Inbox;
use projections::rule_health::Rule;
use projections::subject_health::{Health, HealthState};
use projections::webhook_health::Webhook;
use serde_json::{Map, Value, json};
use url::Url;

use crate::explain::next_action;

/// An inbox's health.
pub fn inbox(inbox: &Inbox<'_>) -> Value {
    let mut shown = subject(json!(inbox.id), inbox.name, &inbox.health);
    shown.insert("channel_type".to_owned(), json!(inbox.channel_type));
    Value::Object(shown)
}

/// A hook's health; it is called what its application is.
pub fn hook(hook: &Hook<'_>) -> Value {
    let mut shown = subject(json!(hook.id), &hook.facts.app, &hook.health);
    shown.insert("app_id".to_owned(), json!(hook.facts.app));
    shown.insert("hook_type".to_owned(), json!(hook.facts.scope.as_str()));
    shown.insert("inbox_id".to_owned(), json!(hook.facts.scope.inbox()));
    shown.insert("enabled".to_owned(), json!(hook.off.is_none()));
    shown.insert("disabled_by".to_owned(), json!(hook.off));
    Value::Object(shown)
}

/// A rule's health.
pub fn rule(rule: &Rule<'_>) -> Value {
    let mut shown = subject(json!(rule.id), &rule.facts.name, &rule.health);
    shown.insert("active".to_owned(), json!(rule.off.is_none()));
    shown.insert("deactivated_by".to_owned(), json!(rule.off));
    Value::Object(shown)
}

/// What every subject shows that is reported on.
fn subject(id: Value, name: &str, health: &Health) -> Map<String, Value> {
    let mut shown = Map::new();
    let mut add = |key: &str, value: Value| shown.insert(key.to_owned(), value);
    add("id", id);
    add("name", json!(name));
    add("state", json!(health.state.as_str()));
    add("since", json!(health.since));
    add("cause", json!(health.cause));
    add("last_success_at", json!(health.last_success_at));
    add("last_error_at", json!(health.last_error_at));
    add("last_error_class", json!(health.last_error_class.map(|class| class.as_str())));
    add("authorization_error_count", json!(health.authorization_error_count));
    add("threshold", json!(health.threshold));
    add("reauthorization_required", json!(health.reauthorization_required));
    add("next_action", json!(health.next_action));
    add("expires_at", json!(health.expires_at));
    shown
}

/// A webhook's health; of its url only scheme and host.
pub fn webhook(webhook: &Webhook) -> Value {
    let mut shown = Map::new();
    shown.insert("id".to_owned(), json!(webhook.id));
    shown.insert("name".to_owned(), json!(webhook.name));
    shown.insert("url".to_owned(), json!(origin(&webhook.url)));
    deliveries(webhook.id.into(), &webhook.tally, &mut shown);
    Value::Object(shown)
}

/// The health of the webhook of an API inbox, under the name of the inbox.
pub fn inbox_endpoint(id: InboxId, name: &str, tally: &Tally) -> Value {
    other(EndpointId::Inbox(id), (json!(id), name), tally)
}

/// The health of the mail to the administrators of an account.
pub fn mail_endpoint(account: AccountId, tally: &Tally) -> Value {
    let name = "mail to administrators";
    other(EndpointId::Mail(account), (json!(account), name), tally)
}

fn other(endpoint: EndpointId, (id, name): (Value, &str), tally: &Tally) -> Value {
    let mut shown = Map::new();
    shown.insert("kind".to_owned(), json!(endpoint.kind()));
    shown.insert("id".to_owned(), id);
    shown.insert("name".to_owned(), json!(name));
    deliveries(endpoint, tally, &mut shown);
    Value::Object(shown)
}

/// An endpoint's state in a word, and since when. What is held is held, whatever was answered
/// before; else that it refuses us, for somebody must see to that; else how deliveries are doing.
pub fn state(tally: &Tally) -> (&'static str, Timestamp) {
    match tally.action_needed_since {
        Some(since) if !tally.health.standing.holds() => {
            (HealthState::ActionNeeded.as_str(), since)
        }
        Some(_) | None => (tally.status.as_str(), tally.since),
    }
}

/// What every endpoint shows that is owed deliveries.
fn deliveries(endpoint: EndpointId, tally: &Tally, shown: &mut Map<String, Value>) {
    let mut add = |key: &str, value: Value| shown.insert(key.to_owned(), value);
    let (state, since) = state(tally);
    let row = tally.health.failing.as_ref();
    let stopped = Stopped::of(&tally.health.standing);
    add("state", json!(state));
    add("status", json!(tally.status.as_str()));
    add("since", json!(since));
    add("cause", json!(tally.cause.map(|class| class.as_str())));
    add("pending", json!(tally.counts.pending));
    add("delivered", json!(tally.counts.delivered));
    add("abandoned", json!(tally.counts.abandoned));
    add("held", json!(tally.counts.held));
    add("held_since", json!(stopped.since));
    add("failing_since", json!(row.map(|row| row.since)));
    add("first_failure", json!(row.map(|row| row.detail.as_str())));
    add("throttled_until", json!(tally.health.throttled_until));
    add("disabled_by", json!(stopped.by));
    add("disabled_rule", json!(stopped.rule));
    add("disabled_reason", json!(stopped.reason));
    add("last_delivered_at", json!(tally.last_delivered_at));
    add("last_failure_at", json!(tally.last_failure.map(|failure| failure.at)));
    add("last_failure_class", json!(tally.last_failure.map(|failure| failure.class.as_str())));
    add("authorization_error_count", json!(tally.authorization_error_count));
    add("next_action", json!(next_action(endpoint, tally)));
}

/// An endpoint's health at a moment of the past; what its deliveries were like then is not known
/// any more before `kept_from`, where that is set.
pub fn as_kept(mut shown: Value, kept_from: Option<Timestamp>) -> Value {
    if let (Some(kept_from), Some(told)) = (kept_from, shown.as_object_mut()) {
        for unknown in ["pending", "delivered", "abandoned", "held"] {
            told.remove(unknown);
        }
        told.insert("state".to_owned(), "unknown".into());
        let removed = format!("retention removed what was before {kept_from}");
        told.insert("removed".to_owned(), removed.into());
        told.insert("kept_from".to_owned(), json!(kept_from));
    }
    shown
}

/// Who holds what an endpoint is owed, since when, and why.
#[derive(Debug, Default)]
struct Stopped<'a> {
    since: Option<Timestamp>,
    by: Option<&'a Actor>,
    rule: Option<&'static str>,
    reason: Option<&'a str>,
}

impl<'a> Stopped<'a> {
    fn of(standing: &'a Standing) -> Self {
        match standing {
            Standing::Free | Standing::Probing { .. } => Self::default(),
            Standing::Paused { since, by } => {
                Self { since: Some(*since), by: Some(by), ..Self::default() }
            }
            Standing::Disabled { since, by, rule, reason } => Self {
                since: Some(*since),
                by: Some(by),
                rule: Some(rule.as_str()),
                reason: Some(reason),
            },
        }
    }
}

/// The url without its path, which agents need not see: it may be a secret by itself.
fn origin(url: &str) -> String {
    Url::parse(url).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}
