//! All nodes that share the log, and who works what, as the node sees it that answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use actors::nodes::{Division, Work};
use actors::ports::NodeId;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use events::{EndpointId, WebhookId};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::app::App;
use crate::http::auth::Operator;
use crate::http::fresh::Fresh;

/// The route; for the administrator of the installation.
pub(in crate::http) fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/v1/nodes", get(list))
}

async fn list(State(app): State<Arc<App>>, _: Operator, _: Fresh) -> Json<Value> {
    let division = app.share.division();
    let mut webhooks: BTreeMap<NodeId, Vec<WebhookId>> = BTreeMap::new();
    app.views.webhook_health.read(|view| {
        for webhook in view.iter() {
            let worker = division.worker(Work::Ledger(EndpointId::Webhook(webhook.id)));
            webhooks.entry(worker).or_default().push(webhook.id);
        }
    });
    let mut show =
        |node: &NodeId| node_of(&division, *node, webhooks.remove(node).unwrap_or_default());
    let nodes: Vec<_> = division.members.iter().map(&mut show).collect();
    Json(json!({ "node": division.name, "nodes": nodes }))
}

fn node_of(division: &Division, node: NodeId, mut webhooks: Vec<WebhookId>) -> Value {
    webhooks.sort_unstable();
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
        },
    })
}

#[cfg(test)]
mod tests;
