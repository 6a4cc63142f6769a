//! All nodes that share the log, and who works what, as the node sees it that answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actors::nodes::{Division, Work};
use actors::ports::NodeId;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use events::{AccountId, EndpointId, InboxId, WebhookId};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::app::App;
use crate::http::auth::Operator;
use crate::http::fresh::Fresh;

/// The route; for the administrator of the installation.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/v1/nodes", get(list))
}

/// Whose attempts one node makes.
#[derive(Default)]
struct Ledgers {
    /// All that are not deleted.
    webhooks: BTreeSet<WebhookId>,
    /// The API inboxes that were ever owed anything.
    inboxes: BTreeSet<InboxId>,
    /// The accounts whose administrators were ever owed mail.
    mail: BTreeSet<AccountId>,
}

impl Ledgers {
    fn insert(&mut self, endpoint: EndpointId) {
        match endpoint {
            EndpointId::Webhook(webhook) => self.webhooks.insert(webhook),
            EndpointId::Inbox(inbox) => self.inboxes.insert(inbox),
            EndpointId::Mail(account) => self.mail.insert(account),
        };
    }
}

async fn list(State(app): State<Arc<App>>, _: Operator, _: Fresh) -> Json<Value> {
    let division = app.share.division();
    let mut worked: BTreeMap<NodeId, Ledgers> = BTreeMap::new();
    for endpoint in endpoints(&app) {
        worked.entry(division.worker(Work::Ledger(endpoint))).or_default().insert(endpoint);
    }
    let show = |node: &NodeId| node_of(&division, *node, worked.remove(node).unwrap_or_default());
    let nodes: Vec<_> = division.members.iter().map(show).collect();
    Json(json!({ "node": division.name, "nodes": nodes }))
}

fn endpoints(app: &App) -> Vec<EndpointId> {
    let mut all: Vec<_> = app.views.webhook_health.read(|view| {
        let webhooks = view.iter().map(|webhook| EndpointId::Webhook(webhook.id));
        webhooks.collect()
    });
    let is_other = |endpoint: &EndpointId| endpoint.webhook().is_none();
    app.views.delivery_log.read(|view| all.extend(view.endpoints().filter(is_other)));
    all
}

fn node_of(division: &Division, node: NodeId, ledgers: Ledgers) -> Value {
    let Ledgers { webhooks, inboxes, mail } = ledgers;
    let now = Instant::now();
    let peer = division.peers.get(&node);
    let (name, state, heard) = if node == division.me {
        let state = if division.is_open(now) { "working" } else { "waiting" };
        (Some(&division.name), state, None)
    } else {
        // Who is a member and no longer heard of is about to be counted out.
        let state = if peer.is_some() { "heard" } else { "silent" };
        let heard = peer.map(|peer| now.duration_since(peer.heard).as_millis());
        (peer.map(|peer| &peer.name), state, heard)
    };
    let works = |work| division.worker(work) == node;
    json!({
        "id": node.to_string(),
        "name": name,
        "this": node == division.me,
        "state": state,
        "heard_ms_ago": heard.and_then(|heard| u64::try_from(heard).ok()),
        "works": {
            "fanout": works(Work::Fanout),
            "expiry": works(Work::Expiry),
            "webhooks": webhooks,
            "inboxes": inboxes,
            "mail": mail,
        },
    })
}

#[cfg(test)]
mod tests;
