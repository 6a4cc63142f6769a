//! A webhook as Chatwoot shows it, and what Relink knows beside.

use actors::webhook::Settings;
use events::delivery::Standing;
use events::signing::Algorithm;
use events::{Sealed, WebhookId};
use projections::webhook_health::{Webhook, WebhookStatus};
use serde_json::{Map, Value, json};

use super::policy;
use crate::app::App;
use crate::http::problem::Problem;
use crate::outbound::{key_context, whsec};

/// What the views know of it that its settings do not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Doing {
    pub(super) status: WebhookStatus,
    /// How many deliveries are owed but held.
    pub(super) held: u64,
    /// Why it is disabled, if it is.
    pub(super) disabled_reason: Option<String>,
}

impl Doing {
    /// What is known of a webhook that no attempt was made for yet.
    const NEW: Self = Self { status: WebhookStatus::Healthy, held: 0, disabled_reason: None };

    /// How it is doing, as far as the view has come.
    pub(in crate::http) fn of(app: &App, id: WebhookId) -> Self {
        app.views.webhook_health.read(|view| view.webhook(id).map_or(Self::NEW, Self::seen))
    }

    /// How the view sees it.
    pub(super) fn seen(webhook: &Webhook) -> Self {
        let disabled_reason = match &webhook.health.standing {
            Standing::Disabled { reason, .. } => Some(reason.clone()),
            Standing::Free | Standing::Probing { .. } | Standing::Paused { .. } => None,
        };
        Self { status: webhook.status, held: webhook.counts.held, disabled_reason }
    }
}

/// A key of a webhook in clear.
///
/// # Errors
/// When it stays shut.
pub(in crate::http) fn opened(
    app: &App,
    id: WebhookId,
    algorithm: Algorithm,
    key: &Sealed,
) -> Result<Vec<u8>, Problem> {
    app.vault.unseal(&key_context(id, algorithm), key).map_err(|unsealable| {
        tracing::error!(webhook.id = %id, "a secret of webhook {id} stays shut: {unsealable}");
        Problem::Bug
    })
}

/// The JSON of one webhook, with its secret in clear, as Chatwoot has it.
///
/// # Errors
/// When the secret stays shut.
pub(in crate::http) fn show(
    app: &App,
    id: WebhookId,
    settings: &Settings,
    doing: Doing,
) -> Result<Value, Problem> {
    let secret = opened(app, id, Algorithm::Hmac, settings.keys.secret())?;
    let text = String::from_utf8_lossy(&secret);
    let mut shown = Map::new();
    let mut add = |key: &str, value: Value| shown.insert(key.to_owned(), value);
    add("id", json!(id));
    add("name", json!(settings.name));
    add("url", json!(settings.url));
    add("account_id", json!(settings.account));
    add("subscriptions", json!(settings.subscriptions));
    add("secret", json!(text));
    if let Some(inbox) = settings.inbox {
        let name = app.views.inbox_health.read(|view| {
            let inbox = view.inbox(inbox).filter(|inbox| inbox.account == settings.account);
            inbox.map(|inbox| inbox.name.to_owned())
        });
        add("inbox", json!({ "id": inbox, "name": name }));
    }
    add("status", json!(doing.status.as_str()));
    add("disabled_reason", json!(doing.disabled_reason));
    add("held", json!(doing.held));
    add("signing_secret", json!(whsec(&secret)));
    let pair = settings.keys.pair().and_then(|pair| pair.public.as_deref());
    add("signing_public_key", json!(pair));
    add("delivery", policy::show(&settings.policy));
    Ok(Value::Object(shown))
}
