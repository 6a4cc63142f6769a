//! Why an endpoint is in the state that it is in: the rule, the evidence, the records behind it.

use events::delivery::{DisableRule, Standing, Tally};
use events::store::Slice;
use events::{Category, EndpointId, EventStore, Failure, Revision, StreamName, Subject, Timestamp};
use projections::subject_health::HealthState;
use projections::webhook_health::{Webhook, WebhookStatus};
use serde_json::{Value, json};

use crate::damage::{self, Untold};
use crate::explain::next_action;
use crate::rendering::{Rendered, health, render};
use crate::timeline::Walk;

/// As many records as are looked through, newest first.
const LOOKED_AT_MAX: usize = 4_096;

const PAGE: usize = 256;

/// As many records as are shown of each end of the story.
const SHOWN_MAX: usize = 20;

/// The state of an endpoint of any kind.
struct State<'a> {
    endpoint: EndpointId,
    tally: &'a Tally,
}

/// What speaks for the webhook's state.
///
/// # Errors
/// When the log cannot be read.
pub async fn webhook(store: &dyn EventStore, webhook: &Webhook) -> Result<Value, Untold> {
    let state = State { endpoint: webhook.id.into(), tally: &webhook.tally };
    let mut told = state.told(store).await?;
    told["id"] = json!(webhook.id);
    told["health"] = health::webhook(webhook);
    Ok(told)
}

/// What speaks for the state of an endpoint that is no webhook of the account, under the number
/// that its path has; without a tally it was never owed anything.
///
/// # Errors
/// When the log cannot be read.
pub async fn endpoint(
    store: &dyn EventStore,
    endpoint: EndpointId,
    number: u64,
    tally: Option<&Tally>,
) -> Result<Value, Untold> {
    let never = Tally::default();
    let state = State { endpoint, tally: tally.unwrap_or(&never) };
    let mut told = state.told(store).await?;
    if tally.is_none() {
        told["since"] = Value::Null;
    }
    told["id"] = json!(number);
    told["pending"] = json!(state.tally.counts.pending);
    told["held"] = json!(state.tally.counts.held);
    Ok(told)
}

impl State<'_> {
    async fn told(&self, store: &dyn EventStore) -> Result<Value, Untold> {
        let streams = self.streams();
        let behind = self.behind(store, &streams).await;
        let (events, complete) = damage::named(store, &streams, behind).await?;
        let failures = events.iter().filter(|event| event.kind == "delivery.attempt_failed");
        let failures = failures.count();
        let decided = events.iter().rev().find(|event| event.kind == "delivery.endpoint_disabled");
        let shown = if events.len() > 2 * SHOWN_MAX {
            let (first, last) = (&events[..SHOWN_MAX], &events[events.len() - SHOWN_MAX..]);
            json!([first, last].concat())
        } else {
            json!(events)
        };
        let (state, since) = health::state(self.tally);
        Ok(json!({
            "state": state,
            "status": self.tally.status.as_str(),
            "since": since,
            "cause": self.tally.cause.map(|class| class.as_str()),
            "rule": self.rule(),
            "disabled": self.disabled(decided),
            "hint": next_action(self.endpoint, self.tally),
            "evidence": {
                "failed_attempts": failures,
                "first": events.first().map(place),
                "last": events.last().map(place),
                "complete": complete,
            },
            "events": shown,
        }))
    }

    /// The rule that disabled it, and what it had seen.
    fn disabled(&self, decided: Option<&Rendered>) -> Value {
        let Standing::Disabled { since, by, rule, reason } = &self.tally.health.standing else {
            return Value::Null;
        };
        let row = self.tally.health.failing.as_ref();
        json!({
            "rule": rule.as_str(),
            "reason": reason,
            "by": by,
            "at": since,
            "position": decided.map(|event| event.position),
            "failing_since": row.map(|row| row.since),
            "failed_attempts": row.map(|row| row.attempts),
            "first_failure": row.map(|row| &row.detail),
        })
    }

    /// When what speaks for the state began: what a rule saw lies before what it did.
    fn begun(&self) -> Timestamp {
        let health = &self.tally.health;
        match (&health.standing, &health.failing) {
            (Standing::Disabled { rule, .. }, Some(row)) if *rule != DisableRule::Asked => {
                row.since
            }
            (_, _) => self.tally.since,
        }
    }

    fn streams(&self) -> Vec<StreamName> {
        let ledger = StreamName::new(Category::Ledger, self.endpoint);
        let settings = self.endpoint.webhook().map(|id| Subject::Webhook(id).stream());
        settings.into_iter().chain([ledger]).collect()
    }

    /// The records since then that speak for it, oldest first, and whether these are all.
    async fn behind(
        &self,
        store: &dyn EventStore,
        streams: &[StreamName],
    ) -> Result<(Vec<Rendered>, bool), Failure> {
        let (mut events, mut complete) = (Vec::new(), false);
        let since = self.begun();
        let mut walk = Walk::begin(store, streams, None).await?;
        for _ in 0..LOOKED_AT_MAX / PAGE {
            let page = walk.next(PAGE).await?;
            // Two streams are merged by position, so times may be out of order by a little.
            let oldest = page.last().map(|record| record.at);
            complete = page.len() < PAGE || oldest.is_none_or(|oldest| oldest < since);
            let recent = page.iter().filter(|record| record.at >= since);
            events.extend(recent.filter(|record| self.is_told_by(&record.kind)).map(render));
            if complete {
                break;
            }
        }
        events.reverse();
        let removed = match streams.last() {
            Some(ledger) => is_removed(store, ledger, since).await?,
            None => false,
        };
        Ok((events, complete && !removed))
    }

    fn is_told_by(&self, kind: &str) -> bool {
        let healthy = self.tally.status == WebhookStatus::Healthy;
        speaks(kind) && !(healthy && is_other_setting(kind))
    }

    fn rule(&self) -> &'static str {
        if health::state(self.tally).0 == HealthState::ActionNeeded.as_str() {
            return "it answered 401 or 403 more than once, and took nothing since";
        }
        match self.tally.status {
            WebhookStatus::Healthy => "the last attempt that ended was taken, or none was made yet",
            WebhookStatus::Failing => "attempts fail since then, and none was taken",
            WebhookStatus::Throttled => "it answered that it wants fewer, and said for how long",
            WebhookStatus::Probing => {
                "it failed, and is tried with the oldest delivery that it is owed"
            }
            WebhookStatus::Paused => "somebody paused it; what it is owed is held",
            WebhookStatus::Disabled => match &self.tally.health.standing {
                Standing::Disabled { rule, .. } => why_disabled(*rule),
                Standing::Free | Standing::Probing { .. } | Standing::Paused { .. } => "",
            },
        }
    }
}

fn why_disabled(rule: DisableRule) -> &'static str {
    match rule {
        DisableRule::Gone => {
            "it answered 410, which says that it is gone for good: that disables it at once; what \
             it is owed is held"
        }
        DisableRule::Failing => {
            "it took nothing for as long as RELINK_DISABLE_AFTER says, and five attempts at least; \
             what it is owed is held"
        }
        DisableRule::Asked => "somebody disabled it; what it is owed is held",
    }
}

fn place(event: &Rendered) -> Value {
    json!({ "position": event.position, "at": event.at, "type": event.kind })
}

/// Whether retention has removed something of the stream that happened since then.
async fn is_removed(
    store: &dyn EventStore,
    stream: &StreamName,
    since: Timestamp,
) -> Result<bool, Failure> {
    if store.bound(stream).await?.is_none() {
        return Ok(false);
    }
    let first = store.read_stream(stream, Slice::From(Revision::FIRST), 1).await?;
    Ok(first.first().is_some_and(|first| first.at > since))
}

/// That something is owed, or was taken, says nothing about the endpoint's trouble.
fn speaks(kind: &str) -> bool {
    let upkeep = ["delivery.summed_up", "delivery.trimmed", "delivery.removed"];
    !matches!(kind, "delivery.queued" | "delivery.delivered")
        && !upkeep.contains(&kind)
        && !kind.starts_with("delivery.recovery_")
}

/// Other settings may have to do with trouble; where there is none they say nothing.
fn is_other_setting(kind: &str) -> bool {
    kind.starts_with("webhook.") && !matches!(kind, "webhook.created" | "webhook.url_changed")
}
