//! What administrators are told by mail of an endpoint that a rule disabled, as facts.

use events::delivery::EndpointDisabled;
use events::{EndpointId, InboxId};
use serde_json::json;

use super::subscriptions::{Place, Tenant};

/// A rule disabled an endpoint, and what it is owed is held.
pub const DISABLED: &str = "webhook_disabled";

/// The mail about an endpoint that a rule disabled.
pub(super) fn mail(
    endpoint: EndpointId,
    place: Place<'_>,
    disabled: &EndpointDisabled,
    tenant: &Tenant,
) -> String {
    let inbox = if let EndpointId::Inbox(InboxId(id)) = endpoint { Some(id) } else { None };
    let body = json!({
        "to": tenant.administrator_emails,
        "locale": tenant.locale,
        "account": { "id": place.account, "name": tenant.name },
        "webhook": {
            "id": endpoint.webhook(),
            "inbox_id": inbox,
            "name": place.name,
            "url": place.url,
        },
        "rule": disabled.rule.as_str(),
        "detail": disabled.reason,
        "since": disabled.since.unwrap_or(disabled.at).to_millis(),
        "disabled_at": disabled.at.to_millis(),
        "held": disabled.held,
        "event": DISABLED,
    });
    body.to_string()
}
