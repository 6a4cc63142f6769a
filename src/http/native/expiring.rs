//! Which credentials of an account end soon, or have ended: a calendar.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use events::Timestamp;
use projections::inbox_health::Inbox;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
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
    let view = app.views.inbox_health.reading();
    let expiring = view.expiring_before(now.after(DAY * days));
    let own = expiring.filter(|inbox| inbox.account == caller.account);
    let expiring: Vec<_> = own.map(|inbox| shown(&inbox, now)).collect();
    Ok(Json(json!({ "as_of": now, "days": days, "expiring": expiring })))
}

fn shown(inbox: &Inbox<'_>, now: Timestamp) -> Value {
    let ends = inbox.expires_at;
    json!({
        "subject": format!("inbox/{}", inbox.id),
        "id": inbox.id,
        "name": inbox.name,
        "channel_type": inbox.channel_type,
        "state": inbox.state.as_str(),
        "expires_at": ends,
        "ended": ends.is_some_and(|ends| ends <= now),
        "days_left": ends.map(|ends| ends.since(now).as_secs() / DAY.as_secs()),
        "told_days": inbox.told_days,
    })
}

#[cfg(test)]
mod tests;
