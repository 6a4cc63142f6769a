//! The health of one subject as JSON, the same over HTTP and in `relink at`.

use events::delivery::Standing;
use events::{Actor, Timestamp};
use projections::hook_health::Hook;
use projections::inbox_health::Inbox;
use projections::rule_health::Rule;
use projections::subject_health::{Health, HealthState};
use projections::webhook_health::Webhook;
use serde_json::{Map, Value, json};
use url::Url;

/// What to do about a webhook that refuses us.
const AUTHORIZE: &str =
    "see why the endpoint answers 401 or 403: its url or its secret may be wrong";

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
    let failure = webhook.last_failure;
    // Its state is that of any subject where it refuses us, else how deliveries are doing.
    let (state, since) = match webhook.action_needed_since {
        Some(since) => (HealthState::ActionNeeded.as_str(), since),
        None => (webhook.status.as_str(), webhook.since),
    };
    let row = webhook.health.failing.as_ref();
    let stopped = Stopped::of(webhook);
    json!({
        "id": webhook.id,
        "name": webhook.name,
        "url": origin(&webhook.url),
        "state": state,
        "status": webhook.status.as_str(),
        "since": since,
        "cause": webhook.cause.map(|class| class.as_str()),
        "pending": webhook.counts.pending,
        "delivered": webhook.counts.delivered,
        "abandoned": webhook.counts.abandoned,
        "held": webhook.counts.held,
        "held_since": stopped.since,
        "failing_since": row.map(|row| row.since),
        "first_failure": row.map(|row| row.detail.as_str()),
        "throttled_until": webhook.health.throttled_until,
        "disabled_by": stopped.by,
        "disabled_rule": stopped.rule,
        "disabled_reason": stopped.reason,
        "last_delivered_at": webhook.last_delivered_at,
        "last_failure_at": failure.map(|failure| failure.at),
        "last_failure_class": failure.map(|failure| failure.class.as_str()),
        "authorization_error_count": webhook.authorization_error_count,
        "next_action": webhook.action_needed_since.map(|_| AUTHORIZE),
    })
}

/// A webhook's health at a moment of the past; what its deliveries were like then is not known any
/// more before `kept_from`, where that is set.
pub fn webhook_then(then: &Webhook, kept_from: Option<Timestamp>) -> Value {
    let mut shown = webhook(then);
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

/// Who holds what a webhook is owed, since when, and why.
#[derive(Debug, Default)]
struct Stopped<'a> {
    since: Option<Timestamp>,
    by: Option<&'a Actor>,
    rule: Option<&'static str>,
    reason: Option<&'a str>,
}

impl<'a> Stopped<'a> {
    fn of(webhook: &'a Webhook) -> Self {
        match &webhook.health.standing {
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
