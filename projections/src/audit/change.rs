//! What an event changes, in Chatwoot's words, and without anything secret.

use events::account::Event as AccountEvent;
use events::hook::Event as HookEvent;
use events::inbox::Event as InboxEvent;
use events::installation::Event as InstallationEvent;
use events::rule::Event as RuleEvent;
use events::webhook::{Event as WebhookEvent, Policy};
use events::{AccountId, Event, TokenId, credentials, words};
use serde_json::{Value, json};

/// Stands for what must not be read.
pub const REDACTED: &str = "[REDACTED]";

words! {
    /// What was done.
    pub enum Action {
        /// It is there.
        Create = "create",
        /// It is otherwise.
        Update = "update",
        /// It is gone.
        Destroy = "destroy",
        /// Its secret was shown: an action that Chatwoot does not have.
        Reveal = "reveal",
    }
}

/// What an event changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Chatwoot's name of the kind of thing that is changed.
    pub auditable: &'static str,
    /// What was done to it.
    pub action: Action,
    /// The attributes that are said, each with its new value.
    pub said: Vec<(&'static str, Value)>,
    /// Whose change it is, where the event says so itself.
    pub account: Option<AccountId>,
    /// Which token it is: tokens have no stream of their own.
    pub token: Option<TokenId>,
}

type Said = (Action, Vec<(&'static str, Value)>);

/// What an event changes; none when it is nothing that somebody wanted, such as evidence.
pub fn change(event: &Event) -> Option<Change> {
    let (auditable, (action, said)) = match event {
        Event::Account(event) => ("Account", account(event)?),
        Event::Inbox(event) => ("Inbox", inbox(event)?),
        Event::Webhook(event) => ("Webhook", webhook(event)),
        Event::Hook(event) => ("Integrations::Hook", hook(event)?),
        Event::Rule(event) => ("AutomationRule", rule(event)?),
        Event::Installation(event) => return token(event),
        Event::Delivery(_) | Event::Platform(_) | Event::Fanout(_) | Event::Request(_) => {
            return None;
        }
    };
    Some(Change { auditable, action, said, account: None, token: None })
}

fn update(name: &'static str, value: Value) -> Said {
    (Action::Update, vec![(name, value)])
}

fn destroy() -> Said {
    (Action::Destroy, vec![])
}

/// Our own JSON, kept as text, without what is named like a credential.
fn parsed(text: &str) -> Value {
    let mut value = serde_json::from_str(text).unwrap_or_default();
    credentials::strip(&mut value);
    value
}

/// That there is a secret, and no more.
fn redacted<T>(secret: Option<&T>) -> Value {
    secret.map_or(Value::Null, |_| REDACTED.into())
}

fn account(event: &AccountEvent) -> Option<Said> {
    Some(match event {
        AccountEvent::Registered(it) => (
            Action::Create,
            vec![
                ("name", json!(it.name)),
                ("administrator_emails", json!(it.administrator_emails)),
            ],
        ),
        AccountEvent::Renamed(it) => update("name", json!(it.name)),
        AccountEvent::AdministratorsChanged(it) => {
            update("administrator_emails", json!(it.administrator_emails))
        }
        AccountEvent::LocaleSet(it) => update("locale", json!(it.locale)),
        AccountEvent::PolicySet(it) => {
            (Action::Update, vec![("policy_kind", json!(it.kind)), ("policy", json!(it.policy))])
        }
        AccountEvent::WebhookUrlClaimed(_)
        | AccountEvent::WebhookUrlReleased(_)
        | AccountEvent::IntegrationClaimed(_)
        | AccountEvent::IntegrationReleased(_) => return None,
    })
}

fn inbox(event: &InboxEvent) -> Option<Said> {
    Some(match event {
        InboxEvent::Registered(it) => (
            Action::Create,
            vec![
                ("name", json!(it.name)),
                ("channel_type", json!(it.channel_type)),
                ("attributes", parsed(&it.attributes)),
                ("credentials", redacted(it.credentials.as_ref())),
                ("threshold", json!(it.threshold)),
            ],
        ),
        InboxEvent::Renamed(it) => update("name", json!(it.name)),
        InboxEvent::ChannelTypeChanged(it) => update("channel_type", json!(it.channel_type)),
        InboxEvent::AttributesChanged(it) => update("attributes", parsed(&it.attributes)),
        InboxEvent::CredentialsReplaced(it) => {
            update("credentials", redacted(Some(&it.credentials)))
        }
        InboxEvent::ThresholdSet(it) => update("threshold", json!(it.threshold)),
        InboxEvent::Removed(_) => destroy(),
        InboxEvent::Reauthorization(_) => return None,
    })
}

fn webhook(event: &WebhookEvent) -> Said {
    match event {
        // Its secret is left out altogether, as in Chatwoot.
        WebhookEvent::Created(it) => (
            Action::Create,
            vec![
                ("url", json!(it.url)),
                ("name", json!(it.name)),
                ("inbox_id", json!(it.inbox)),
                ("subscriptions", json!(it.subscriptions)),
                ("delivery", policy(&it.policy)),
            ],
        ),
        WebhookEvent::Renamed(it) => update("name", json!(it.name)),
        WebhookEvent::UrlChanged(it) => update("url", json!(it.url)),
        WebhookEvent::SubscriptionsChanged(it) => update("subscriptions", json!(it.subscriptions)),
        WebhookEvent::InboxChanged(it) => update("inbox_id", json!(it.inbox)),
        WebhookEvent::PolicyChanged(it) => update("delivery", policy(&it.policy)),
        WebhookEvent::SecretRotated(it) => update("secret", redacted(Some(&it.secret))),
        WebhookEvent::KeyPairRotated(it) => update("public_key", json!(it.public)),
        WebhookEvent::KeyPairRetired(_) => update("public_key", Value::Null),
        WebhookEvent::SecretRevealed(_) => (Action::Reveal, vec![]),
        WebhookEvent::Deleted(_) => destroy(),
    }
}

/// Headers by their names alone.
fn policy(policy: &Policy) -> Value {
    let headers = policy.headers.iter().map(|it| (it.name.clone(), REDACTED.into()));
    let headers = Value::Object(headers.collect());
    let mut shown = json!(policy);
    shown["headers"] = headers;
    shown
}

fn hook(event: &HookEvent) -> Option<Said> {
    let status = |enabled| json!(if enabled { "enabled" } else { "disabled" });
    Some(match event {
        HookEvent::Created(it) => (
            Action::Create,
            vec![
                ("app_id", json!(it.app)),
                ("hook_type", json!(it.scope.as_str())),
                ("inbox_id", json!(it.scope.inbox())),
                ("reference_id", json!(it.reference)),
                ("settings", parsed(&it.settings)),
                ("credentials", redacted(it.credentials.as_ref())),
                ("access_token", redacted(it.access_token.as_ref())),
                ("status", status(it.enabled)),
            ],
        ),
        HookEvent::SettingsChanged(it) => (
            Action::Update,
            vec![
                ("settings", parsed(&it.settings)),
                ("credentials", redacted(it.credentials.as_ref())),
            ],
        ),
        HookEvent::AccessTokenReplaced(it) => {
            update("access_token", redacted(Some(&it.access_token)))
        }
        HookEvent::Enabled(_) => update("status", status(true)),
        HookEvent::Disabled(_) => update("status", status(false)),
        HookEvent::Deleted(_) => destroy(),
        HookEvent::Reauthorization(_) => return None,
    })
}

fn rule(event: &RuleEvent) -> Option<Said> {
    Some(match event {
        RuleEvent::Created(it) => (
            Action::Create,
            vec![
                ("name", json!(it.name)),
                ("description", json!(it.description)),
                ("event_name", json!(it.event_name)),
                ("conditions", parsed(&it.conditions)),
                ("actions", parsed(&it.actions)),
                ("active", json!(it.active)),
            ],
        ),
        RuleEvent::Renamed(it) => update("name", json!(it.name)),
        RuleEvent::Described(it) => update("description", json!(it.description)),
        RuleEvent::EventNameChanged(it) => update("event_name", json!(it.event_name)),
        RuleEvent::ConditionsChanged(it) => update("conditions", parsed(&it.conditions)),
        RuleEvent::ActionsChanged(it) => update("actions", parsed(&it.actions)),
        RuleEvent::Activated(_) => update("active", json!(true)),
        RuleEvent::Deactivated(_) => update("active", json!(false)),
        RuleEvent::Deleted(_) => destroy(),
        RuleEvent::Reauthorization(_) => return None,
    })
}

/// A token of one account; those of the installation are nobody's change.
fn token(event: &InstallationEvent) -> Option<Change> {
    match event {
        InstallationEvent::TokenCreated(it) => Some(Change {
            auditable: "AccessToken",
            action: Action::Create,
            said: vec![("role", json!(it.role))],
            account: Some(it.account?),
            token: Some(it.token),
        }),
        InstallationEvent::TokenRevoked(it) => Some(Change {
            auditable: "AccessToken",
            action: Action::Destroy,
            said: vec![("role", json!(it.role))],
            account: Some(it.account?),
            token: Some(it.token),
        }),
        InstallationEvent::SealingKeyIntroduced(_)
        | InstallationEvent::PolicySet(_)
        | InstallationEvent::SealingKeyRotated(_)
        | InstallationEvent::WebhookNumberTaken(_)
        | InstallationEvent::HookNumberTaken(_)
        | InstallationEvent::RuleNumberTaken(_)
        | InstallationEvent::InboxEventsEnabled(_)
        | InstallationEvent::InboxEventsDisabled(_)
        | InstallationEvent::MailEnabled(_)
        | InstallationEvent::MailDisabled(_)
        | InstallationEvent::AppIncidentMuted(_)
        | InstallationEvent::AppIncidentUnmuted(_)
        | InstallationEvent::AppIncidentClosed(_) => None,
    }
}
