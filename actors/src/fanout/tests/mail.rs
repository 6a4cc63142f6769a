//! What administrators are owed: one mail for each transition.

use events::account::{self, AdministratorsChanged, LocaleSet};
use events::delivery::{DisableRule, EndpointDisabled};
use events::hook::{self, Scope};
use events::installation::{InboxEventsEnabled, MailDisabled, MailEnabled};
use events::reauthorization::{Event as Authorization, Expiring, IncidentMuted, IncidentUnmuted};
use events::switch::OffCause;
use events::{HookId, RuleId, rule};

use super::transitions::{INBOX, error, reauthorized, registered, required, set, tell_inbox};
use super::*;

const MAIL: EndpointId = EndpointId::Mail(ACCOUNT);

async fn tell_account(store: &TestStore, event: impl Into<account::Event>) {
    write(store, StreamName::new(Category::Account, ACCOUNT), event.into()).await;
}

async fn start(emails: &[&str]) -> Arc<TestStore> {
    let store = Arc::new(TestStore::default());
    let administrator_emails = emails.iter().copied().map(Into::into).collect();
    tell_account(&store, account::Registered { name: "Acme".into(), administrator_emails }).await;
    tell_inbox(&store, registered()).await;
    store
}

async fn mails(store: &TestStore) -> Vec<Value> {
    let queued = queued(store, MAIL).await.into_iter();
    queued.map(|it| serde_json::from_str(&it.body).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_transition_is_one_mail_with_what_was_known_then() {
    let store = start(&["a@acme.test", "b@acme.test"]).await;
    set(&store, MailEnabled {}).await;
    tell_account(&store, LocaleSet { locale: Some("pt_BR".into()) }).await;
    tell_inbox(&store, error()).await;
    tell_inbox(&store, required()).await;
    tell_inbox(&store, error()).await;
    tell_account(
        &store,
        AdministratorsChanged { administrator_emails: vec!["c@acme.test".into()] },
    )
    .await;
    tell_inbox(&store, reauthorized(true)).await;
    tell_inbox(&store, reauthorized(false)).await;
    Service::run(&store).await;
    let told = mails(&store).await;
    let names: Vec<_> = told.iter().map(|mail| mail["event"].clone()).collect();
    assert_eq!(names, ["inbox_disconnected", "inbox_reconnected"]);
    let about = json!({ "id": INBOX, "name": "Support", "channel_type": "Channel::Whatsapp" });
    let noon = crate::testing::NOON.to_millis();
    assert_eq!(
        told[0],
        json!({
            "to": ["a@acme.test", "b@acme.test"],
            "locale": "pt_BR",
            "account": { "id": 1, "name": "Acme" },
            "inbox": about,
            "reason": { "cause": "prompted", "message": null },
            "since": noon,
            "until": null,
            "evidence_count": 1,
            "event": "inbox_disconnected",
        })
    );
    assert_eq!((&told[1]["to"], &told[1]["inbox"]), (&json!(["c@acme.test"]), &about));
    assert_eq!((&told[1]["since"], &told[1]["until"]), (&json!(noon), &json!(noon)));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_owed_mail_without_a_server_or_without_an_address() {
    let store = start(&["a@acme.test"]).await;
    tell_inbox(&store, required()).await;
    set(&store, MailEnabled {}).await;
    tell_account(&store, AdministratorsChanged { administrator_emails: vec![] }).await;
    tell_inbox(&store, reauthorized(true)).await;
    tell_account(
        &store,
        AdministratorsChanged { administrator_emails: vec!["a@acme.test".into()] },
    )
    .await;
    tell_inbox(&store, required()).await;
    set(&store, MailDisabled {}).await;
    tell_inbox(&store, reauthorized(true)).await;
    Service::run(&store).await;
    let names: Vec<_> = mails(&store).await.iter().map(|mail| mail["event"].clone()).collect();
    assert_eq!(names, ["inbox_disconnected"]);
}

/// The names of all mails that an inbox brought about which went through this.
async fn named_mails(told: Vec<Authorization>) -> (Arc<TestStore>, Vec<Value>) {
    let store = start(&["a@acme.test"]).await;
    set(&store, MailEnabled {}).await;
    set(&store, InboxEventsEnabled {}).await;
    subscribe(&store, HOOK, &["inbox_updated"]).await;
    for event in told {
        tell_inbox(&store, event).await;
    }
    Service::run(&store).await;
    let names = mails(&store).await.iter().map(|mail| mail["event"].clone()).collect();
    (store, names)
}

fn muted() -> Authorization {
    Authorization::IncidentMuted(IncidentMuted { incident: 1 })
}

fn unmuted() -> Authorization {
    Authorization::IncidentUnmuted(IncidentUnmuted { incident: 1 })
}

#[tokio::test(start_paused = true)]
async fn nobody_is_written_to_of_a_muted_incident_and_its_webhooks_go_on() {
    let silent = vec![error(), muted(), required(), reauthorized(true)];
    let (store, names) = named_mails(silent).await;
    assert_eq!(names, [] as [&str; 0]);
    assert_eq!(queued(&store, HOOK).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn muting_ends_with_the_incident_and_where_somebody_wants_to_hear_again() {
    let begun = vec![required(), muted(), reauthorized(true), required()];
    let (_, names) = named_mails(begun).await;
    assert_eq!(names, ["inbox_disconnected", "inbox_disconnected"]);
    let heard = vec![error(), muted(), unmuted(), required(), reauthorized(true)];
    let (_, names) = named_mails(heard).await;
    assert_eq!(names, ["inbox_disconnected", "inbox_reconnected"]);
}

fn endpoint_disabled(rule: DisableRule) -> DeliveryEvent {
    let (by, at) = (events::Actor::DELIVERY, crate::testing::NOON);
    let reason = "it answered 410: gone".to_owned();
    DeliveryEvent::from(EndpointDisabled { rule, reason, by, at, since: Some(at), held: Some(3) })
}

async fn tell_ledger(store: &TestStore, endpoint: EndpointId, event: DeliveryEvent) {
    write(store, StreamName::new(Category::Ledger, endpoint), event).await;
}

#[tokio::test(start_paused = true)]
async fn administrators_are_told_of_an_endpoint_that_a_rule_disabled() {
    let store = start(&["a@acme.test"]).await;
    subscribe(&store, HOOK, &["message_created"]).await;
    tell_ledger(&store, HOOK.into(), endpoint_disabled(DisableRule::Gone)).await;
    set(&store, MailEnabled {}).await;
    tell_ledger(&store, HOOK.into(), endpoint_disabled(DisableRule::Failing)).await;
    tell_ledger(&store, HOOK.into(), endpoint_disabled(DisableRule::Asked)).await;
    tell_ledger(&store, MAIL, endpoint_disabled(DisableRule::Gone)).await;
    tell_ledger(&store, WebhookId(99).into(), endpoint_disabled(DisableRule::Gone)).await;
    Service::run(&store).await;
    let told = mails(&store).await;
    let noon = crate::testing::NOON.to_millis();
    let url = format!("https://example.com/{HOOK}");
    assert_eq!(
        told,
        [json!({
            "to": ["a@acme.test"],
            "locale": null,
            "account": { "id": 1, "name": "Acme" },
            "webhook": { "id": HOOK, "inbox_id": null, "name": null, "url": url },
            "rule": "failing",
            "detail": "it answered 410: gone",
            "since": noon,
            "disabled_at": noon,
            "held": 3,
            "event": "webhook_disabled",
        })]
    );
}

async fn tell_hook(store: &TestStore, event: impl Into<hook::Event>) {
    write(store, StreamName::new(Category::Hook, HookId(3)), event.into()).await;
}

async fn tell_rule(store: &TestStore, event: impl Into<rule::Event>) {
    write(store, StreamName::new(Category::Rule, RuleId(5)), event.into()).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_hook_and_a_rule_the_same_is_told() {
    let store = start(&["a@acme.test"]).await;
    set(&store, MailEnabled {}).await;
    tell_hook(&store, super::transitions::hook(Scope::Account)).await;
    tell_hook(&store, error()).await;
    tell_hook(&store, required()).await;
    tell_hook(&store, hook::Disabled { cause: OffCause::Reauthorization }).await;
    tell_hook(&store, error()).await;
    tell_hook(&store, reauthorized(true)).await;
    let made = rule::Created {
        account: ACCOUNT,
        name: "Label them".into(),
        description: None,
        event_name: "message_created".into(),
        conditions: "[]".into(),
        actions: "[]".into(),
        active: true,
    };
    tell_rule(&store, made).await;
    tell_rule(&store, required()).await;
    tell_rule(&store, reauthorized(true)).await;
    tell_rule(&store, required()).await;
    tell_rule(&store, rule::Deleted {}).await;
    Service::run(&store).await;
    let told = mails(&store).await;
    let names: Vec<_> = told.iter().map(|mail| mail["event"].as_str().unwrap()).collect();
    let of_hook = ["hook_disconnected", "hook_reconnected"];
    let of_rule = ["rule_disabled", "rule_corrected", "rule_disabled"];
    assert_eq!(names, [&of_hook[..], &of_rule[..]].concat());
    let slack = json!({ "id": 3, "app_id": "slack", "inbox_id": null });
    assert_eq!((&told[0]["hook"], &told[0]["evidence_count"]), (&slack, &json!(1)));
    assert_eq!(told[1]["until"], json!(crate::testing::NOON.to_millis()));
    assert_eq!(told[2]["rule"], json!({ "id": 5, "name": "Label them" }));
    let keys: Vec<_> = queued(&store, MAIL).await.into_iter().filter_map(|it| it.key).collect();
    assert_eq!((&*keys[0], &*keys[2]), ("hook/3", "rule/5"));
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_ends_soon_is_told_once_for_each_step() {
    let store = start(&["a@acme.test"]).await;
    set(&store, MailEnabled {}).await;
    let expires_at = crate::testing::NOON;
    for days in [30, 7] {
        tell_inbox(&store, Authorization::Expiring(Expiring { expires_at, days })).await;
    }
    Service::run(&store).await;
    let told = mails(&store).await;
    let names: Vec<_> = told.iter().map(|mail| mail["event"].clone()).collect();
    assert_eq!(names, ["inbox_expiring", "inbox_expiring"]);
    let ends = json!(expires_at.to_millis());
    assert_eq!((&told[0]["expires_at"], &told[0]["until"]), (&ends, &Value::Null));
}
