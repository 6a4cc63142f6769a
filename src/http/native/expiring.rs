//! Which credentials of an account end soon, or have ended: a calendar of its inboxes and hooks.
//! Automation rules have no credentials, so none of them is ever in it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use events::{Subject, Timestamp};
use projections::hook_health::Hook;
use projections::inbox_health::Inbox;
use projections::subject_health::Health;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::{App, Seen};
use crate::http::auth::Caller;
use crate::http::fresh::Fresh;
use crate::http::problem::Problem;
use crate::http::query::{self, Query};
use crate::http::under;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const DAYS: u32 = 30;
const DAYS_MAX: u32 = 3_660;

#[derive(Deserialize)]
struct Asked {
    days: Option<String>,
}

/// The route; for agents too.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new().route(under!("/expiring"), get(list))
}

async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(asked): Query<Asked>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    let within = |text: &str| {
        let number = text.parse().ok().filter(|number| (0..=DAYS_MAX).contains(number));
        number.ok_or_else(|| format!("{text:?} is no number of days from 0 to {DAYS_MAX}"))
    };
    let days = query::read("days", asked.days.as_deref(), within)?.unwrap_or(DAYS);
    let now = app.clock.now();
    let (own, end) = (caller.account, now.after(DAY * days));
    let mut seen = Seen::default();
    let mut expiring: Vec<(Option<Timestamp>, Value)> = {
        let view = app.views.inbox_health.reading();
        seen.by(&view);
        let inboxes = view.expiring_before(end).filter(|inbox| inbox.account == own);
        inboxes.map(|it| (it.expires_at, inbox(&it, now))).collect()
    };
    {
        let view = app.views.hook_health.reading();
        seen.by(&view);
        let hooks = view.expiring_before(end).filter(|hook| hook.account == own);
        expiring.extend(hooks.map(|it| (it.health.expires_at, hook(&it, now))));
    }
    // Of those that end at once, inboxes first.
    expiring.sort_by_key(|(ends, _)| *ends);
    let expiring: Vec<_> = expiring.into_iter().map(|(_, shown)| shown).collect();
    Ok(Json(json!({ "as_of": app.as_of(seen).await, "days": days, "expiring": expiring })))
}

fn inbox(inbox: &Inbox<'_>, now: Timestamp) -> Value {
    let mut shown = shown(Subject::Inbox(inbox.id), &inbox.health, now);
    shown["id"] = json!(inbox.id);
    shown["name"] = json!(inbox.name);
    shown["channel_type"] = json!(inbox.channel_type);
    shown
}

/// A hook is called what its application is.
fn hook(hook: &Hook<'_>, now: Timestamp) -> Value {
    let mut shown = shown(Subject::Hook(hook.id), &hook.health, now);
    shown["id"] = json!(hook.id);
    shown["name"] = json!(hook.facts.app);
    shown["app_id"] = json!(hook.facts.app);
    shown
}

fn shown(subject: Subject, health: &Health, now: Timestamp) -> Value {
    let ends = health.expires_at;
    json!({
        "subject": subject.to_string(),
        "state": health.state.as_str(),
        "expires_at": ends,
        "ended": ends.is_some_and(|ends| ends <= now),
        "days_left": ends.map(|ends| ends.since(now).as_secs() / DAY.as_secs()),
        "told_days": health.told_days,
    })
}

#[cfg(test)]
mod tests;
