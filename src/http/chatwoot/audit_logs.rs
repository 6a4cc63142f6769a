//! `GET /audit_logs`: who changed what, newest first, as Chatwoot pages it.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use events::{InboxId, WebhookId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::audit::{self, Audited};
use crate::http::auth::Caller;
use crate::http::fresh::Fresh;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::under;

/// As many changes as a page has, as in Chatwoot.
const PER_PAGE: usize = 25;

#[derive(Deserialize)]
struct Asked {
    page: Option<String>,
}

/// The route; for administrators.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new().route(under!("/audit_logs"), get(list))
}

async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(asked): Query<Asked>,
    _: Fresh,
) -> Result<Json<Value>, Problem> {
    // As in Chatwoot, what is no page is the first.
    let page = asked.page.and_then(|page| page.parse().ok()).unwrap_or(1).max(1);
    let (entries, total) = app
        .views
        .audit
        .read(|audit| (audit.page(caller.account, page, PER_PAGE), audit.count(caller.account)));
    let mut logs = Vec::with_capacity(entries.len());
    for entry in entries {
        logs.extend(audit::read(&*app.store, entry).await?.map(|it| shown(&app, &caller, &it)));
    }
    Ok(Json(json!({
        "per_page": PER_PAGE,
        "total_entries": total,
        "current_page": page,
        "audit_logs": logs,
    })))
}

fn shown(app: &App, caller: &Caller, audited: &Audited) -> Value {
    let Audited { position, auditable, id, action, changes, version, at, metadata } = audited;
    let actor = metadata.actor.to_string();
    let token = actor.strip_prefix("token/").and_then(|number| number.parse::<u64>().ok());
    json!({
        "id": position,
        "auditable_id": id,
        "auditable_type": auditable,
        "auditable": named(app, auditable, *id),
        "associated_id": caller.account,
        "associated_type": "Account",
        "user_id": token,
        "user_type": token.map(|_| "AccessToken"),
        "username": actor,
        "action": action.as_str(),
        "audited_changes": changes,
        "version": version,
        "comment": null,
        "request_uuid": metadata.correlation,
        "created_at": at.as_seconds(),
        "remote_address": null,
    })
}

/// What it is called now, also when it is gone; null where it has no name.
fn named(app: &App, auditable: &str, id: u64) -> Value {
    let views = &app.views;
    let name = match auditable {
        "Inbox" => views
            .inbox_health
            .read(|view| view.inbox(InboxId(id)).map(|inbox| inbox.name.to_owned())),
        "Webhook" => views
            .webhook_health
            .read(|view| view.webhook(WebhookId(id)).and_then(|webhook| webhook.name.clone())),
        "Integrations::Hook" => views
            .hook_health
            .read(|view| view.hook(events::HookId(id)).map(|hook| hook.facts.app.clone())),
        "AutomationRule" => views
            .rule_health
            .read(|view| view.rule(events::RuleId(id)).map(|rule| rule.facts.name.clone())),
        _ => None,
    };
    name.map_or(Value::Null, |name| json!({ "id": id, "name": name }))
}

#[cfg(test)]
mod tests;
