//! The health of an account's subjects, now or at any moment of the past.

mod shown;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Json, Router};
use events::{AccountId, EndpointId, Position, Timestamp, Until};
use projections::inbox_health::HealthState;
use projections::webhook_health::WebhookStatus;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::{App, Seen};
use crate::damage::Damage;
use crate::http::auth::Caller;
use crate::http::context::Cause;
use crate::http::fresh::Fresh;
use crate::http::native::accounts;
use crate::http::places::Places;
use crate::http::problem::Problem;
use crate::http::query::{self, Query};
use crate::http::under;
use crate::past::{self, Subjects};
use crate::rendering::health;

#[derive(Deserialize)]
struct Asked {
    state: Option<String>,
    at: Option<String>,
}

/// Whose health is shown, and as of when.
struct Shown {
    as_of: Timestamp,
    position: Position,
    inboxes: Vec<Value>,
    webhooks: Vec<Value>,
    endpoints: Vec<Value>,
    hooks: Vec<Value>,
    automation_rules: Vec<Value>,
    /// What could not be told of the past.
    damage: Vec<Damage>,
}

impl Shown {
    /// Marks whose streams these are.
    fn mark(&mut self, halted: &[String]) {
        let Self { inboxes, webhooks, endpoints, hooks, automation_rules, .. } = self;
        shown::mark(inboxes, "inbox", halted);
        shown::mark(webhooks, "webhook", halted);
        shown::mark_endpoints(endpoints, halted);
        shown::mark(hooks, "hook", halted);
        shown::mark(automation_rules, "rule", halted);
    }
}

/// The route; for agents too.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new().route(under!("/health"), get(show)).layer(Extension(Places::of_pasts()))
}

async fn show(
    State(app): State<Arc<App>>,
    Extension(places): Extension<Places>,
    caller: Caller,
    cause: Cause,
    Query(asked): Query<Asked>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    accounts::registered(&app, &caller, cause.step("account")).await?;
    let states = query::read("state", asked.state.as_deref(), states)?;
    let until = query::read("at", asked.at.as_deref(), past::moment)?;
    let (mut shown, mut halted) = match until {
        Some(until) if !is_future(&app, until).await? => {
            let _place = places.wait(&app, caller.account).await?;
            let shown = then(&app, &caller, until);
            let mut shown = app.unless_it_stops(shown).await??;
            let streams = shown.damage.iter().map(|damage| damage.stream.to_string());
            let streams = streams.collect::<Vec<_>>();
            shown.mark(&streams);
            (shown, shown::halted(&app, caller.account).await)
        }
        Some(_) | None => {
            let (mut shown, halted) =
                (now(&app, &caller).await, shown::halted(&app, caller.account).await);
            let streams = halted.iter().filter_map(|it| it["stream"].as_str().map(str::to_owned));
            shown.mark(&streams.collect::<Vec<_>>());
            (shown, halted)
        }
    };
    shown::add(&mut halted, &shown.damage);
    if let Some(states) = states {
        let Shown { inboxes, webhooks, endpoints, hooks, automation_rules, .. } = &mut shown;
        for subjects in [inboxes, webhooks, endpoints, hooks, automation_rules] {
            let wanted = |subject: &Value| {
                subject["state"].as_str().is_some_and(|state| states.contains(state))
            };
            subjects.retain(wanted);
        }
    }
    Ok(Json(json!({
        "node": app.share.name(),
        "as_of": shown.as_of,
        "position": shown.position,
        "inboxes": shown.inboxes,
        "webhooks": shown.webhooks,
        "endpoints": shown.endpoints,
        "hooks": shown.hooks,
        "automation_rules": shown.automation_rules,
        "halted": halted,
        "mail": shown::mail(&app),
    })))
}

/// One of them, or several with commas between.
fn states(text: &str) -> Result<BTreeSet<&'static str>, String> {
    text.split(',').map(state).collect()
}

/// The states of inboxes and of webhooks, each word once.
fn state(text: &str) -> Result<&'static str, String> {
    let inboxes = HealthState::ALL.iter().map(|state| state.as_str());
    let webhooks = WebhookStatus::ALL.iter().map(|status| status.as_str());
    let known: BTreeSet<_> = inboxes.chain(webhooks).collect();
    known.get(text).copied().ok_or_else(|| {
        let known: Vec<_> = known.into_iter().collect();
        format!("{text:?} is no state; there are {}", known.join(", "))
    })
}

async fn is_future(app: &App, until: Until) -> Result<bool, Problem> {
    Ok(match until {
        Until::Now => true,
        Until::Time(time) => time > app.clock.now(),
        Until::Position(position) => position > app.store.head().await?,
    })
}

async fn now(app: &App, caller: &Caller) -> Shown {
    let (seen, shown) = looked_at(app, caller.account);
    Shown { as_of: app.as_of(seen).await, ..shown }
}

/// What the views show; as of when is to be told by how far they have seen.
fn looked_at(app: &App, account: AccountId) -> (Seen, Shown) {
    let mut seen = Seen::default();
    let view = app.views.inbox_health.reading();
    let inboxes = view.of_account(account).map(|inbox| health::inbox(&inbox)).collect();
    // Both at once, for those of inboxes have their names there; whoever folds holds one at a time.
    let deliveries = app.views.webhook_health.reading();
    let webhooks = deliveries.of_account(account).map(health::webhook).collect();
    let endpoints = shown::endpoints(account, &view, &deliveries);
    seen.by(&view);
    seen.by(&deliveries);
    drop((view, deliveries));
    let view = app.views.hook_health.reading();
    let hooks = view.of_account(account).iter().map(health::hook).collect();
    seen.by(&view);
    drop(view);
    let view = app.views.rule_health.reading();
    let automation_rules = view.of_account(account).iter().map(health::rule).collect();
    seen.by(&view);
    let (position, as_of) = (seen.position(), Timestamp::default());
    let damage = vec![];
    (seen, Shown { as_of, position, inboxes, webhooks, endpoints, hooks, automation_rules, damage })
}

async fn then(app: &App, caller: &Caller, until: Until) -> Result<Shown, Problem> {
    let subjects = subjects(app, caller);
    let past = past::health(&app.store, subjects, until).await?;
    let (last, last_at) = past.last().unwrap_or_default();
    let (as_of, position) = match until {
        Until::Now => (app.clock.now(), last),
        Until::Time(time) => (time, last),
        Until::Position(position) => {
            let record = app.store.record_at(position).await?;
            (record.map_or(last_at, |record| record.at), position)
        }
    };
    let account = caller.account;
    let inboxes = past.inboxes.iter().flat_map(|(_, known)| known.view.of_account(account));
    let webhooks = past.webhooks.iter().flat_map(|(_, known)| {
        let webhooks = known.view.of_account(account);
        webhooks.map(|webhook| health::as_kept(health::webhook(webhook), known.kept_from))
    });
    let hooks = past.hooks.iter().flat_map(|(_, known)| known.view.of_account(account));
    let rules = past.rules.iter().flat_map(|(_, known)| known.view.of_account(account));
    Ok(Shown {
        as_of,
        position,
        inboxes: inboxes.map(|inbox| health::inbox(&inbox)).collect(),
        webhooks: webhooks.collect(),
        endpoints: shown::endpoints_then(account, &past),
        hooks: hooks.map(|hook| health::hook(&hook)).collect(),
        automation_rules: rules.map(|rule| health::rule(&rule)).collect(),
        damage: past.damage().cloned().collect(),
    })
}

/// Whoever is or was of the account, as far as the views know them.
fn subjects(app: &App, caller: &Caller) -> Subjects {
    let (views, account) = (&app.views, caller.account);
    let inboxes: Vec<_> = views.inbox_health.read(|view| view.ever_of_account(account).collect());
    let endpoints = inboxes.iter().copied().map(EndpointId::Inbox);
    let endpoints = endpoints.chain([EndpointId::Mail(account)]);
    let endpoints = views
        .webhook_health
        .read(|view| endpoints.filter(|endpoint| view.other(*endpoint).is_some()).collect());
    Subjects {
        inboxes,
        webhooks: views.webhook_health.read(|view| view.ever_of_account(account).collect()),
        endpoints,
        hooks: views.hook_health.read(|view| view.ever_of_account(account).collect()),
        rules: views.rule_health.read(|view| view.ever_of_account(account).collect()),
    }
}

#[cfg(test)]
mod tests;
