//! Applications and hooks as Chatwoot shows them; never with a credential.

use events::hook::Created;
use events::installation::Role;
use events::{AccountId, HookId};
use projections::hook_health::Hook;
use serde_json::{Map, Value, json};

use super::apps::App as Application;
use crate::app::App;
use crate::http::auth::Caller;

/// What there is to show of a hook.
pub(super) struct Shown<'a> {
    pub(super) id: HookId,
    pub(super) facts: &'a Created,
    pub(super) enabled: bool,
    pub(super) required: bool,
}

impl<'a> From<&'a Hook<'a>> for Shown<'a> {
    fn from(hook: &'a Hook<'a>) -> Self {
        Self {
            id: hook.id,
            facts: hook.facts,
            enabled: hook.off.is_none(),
            required: hook.health.reauthorization_required,
        }
    }
}

/// The JSON of one hook; settings are for administrators.
pub(super) fn hook(app: &App, caller: &Caller, hook: &Shown<'_>) -> Map<String, Value> {
    let Shown { id, facts, enabled, required } = hook;
    let mut shown = Map::new();
    let mut add = |key: &str, value: Value| shown.insert(key.to_owned(), value);
    add("id", json!(id));
    add("app_id", json!(facts.app));
    add("status", json!(enabled));
    add("inbox", inbox(app, facts));
    add("account_id", json!(facts.account));
    add("hook_type", json!(facts.scope.as_str()));
    add("reauthorization_required", json!(required));
    if caller.role == Role::Administrator {
        // It is JSON of ours.
        add("settings", serde_json::from_str(&facts.settings).unwrap_or_default());
        add("reference_id", json!(facts.reference));
    }
    shown
}

fn inbox(app: &App, facts: &Created) -> Value {
    let Some(inbox) = facts.scope.inbox() else { return Value::Null };
    let name = app.views.inbox_health.read(|view| {
        let inbox = view.inbox(inbox).filter(|inbox| inbox.account == facts.account);
        inbox.map(|inbox| inbox.name.to_owned())
    });
    json!({ "id": inbox, "name": name })
}

/// The JSON of an application with the account's hooks of it.
pub(super) fn application(app: &App, caller: &Caller, application: &Application) -> Value {
    let hooks: Vec<_> = app.views.hook_health.read(|view| {
        let hooks = view.of_account(caller.account);
        let of_it = hooks.iter().filter(|it| it.facts.app == application.id);
        of_it.map(|it| Value::Object(hook(app, caller, &it.into()))).collect()
    });
    let enabled = match application.id {
        "webhook" => has_webhooks(app, caller.account),
        _ => !hooks.is_empty(),
    };
    let mut shown = json!({
        "id": application.id,
        "name": application.name,
        "description": application.description,
        "short_description": application.description,
        "enabled": enabled,
        "hooks": hooks,
    });
    if caller.role == Role::Administrator {
        shown["hook_type"] = application.hook_type().into();
        shown["allow_multiple_hooks"] = application.multiple.into();
        shown["visible_properties"] = application.visible_properties().into();
        // Where an application is connected is the host platform's affair.
        shown["action"] = Value::Null;
        shown["button"] = Value::Null;
    }
    shown
}

fn has_webhooks(app: &App, account: AccountId) -> bool {
    app.views.webhook_health.read(|view| view.of_account(account).next().is_some())
}
