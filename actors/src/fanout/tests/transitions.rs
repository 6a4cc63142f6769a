//! What an inbox's authorization owes to whom.

use events::HookId;
use events::codec::reauthorization::AuthorizationErrorRecordedV1;
use events::evidence::{self, Class, Evidence, Verdict};
use events::hook::{Created as Connected, Event as HookEvent, Scope};
use events::inbox::{self, AttributesChanged, Registered, Removed, Renamed};
use events::installation::{self, InboxEventsDisabled, InboxEventsEnabled};
use events::reauthorization::{
    Cause, Event as Authorization, ReauthorizationRequired, Reauthorized,
};

use super::*;
use crate::shell::Context;

pub(super) const INBOX: InboxId = InboxId(42);

pub(super) async fn tell_inbox(store: &TestStore, event: impl Into<inbox::Event>) {
    write(store, StreamName::new(Category::Inbox, INBOX), event.into()).await;
}

pub(super) async fn set(store: &TestStore, event: impl Into<installation::Event>) {
    write(store, StreamName::installation(), event.into()).await;
}

pub(super) fn required() -> Authorization {
    let cause = Cause::Prompted { reason: None };
    Authorization::ReauthorizationRequired(ReauthorizationRequired::from(cause))
}

pub(super) fn reauthorized(was_required: bool) -> Authorization {
    Authorization::Reauthorized(Reauthorized { was_required, by_hand: false })
}

pub(super) fn error() -> Authorization {
    let verdict = Verdict { class: Class::Auth, scope: evidence::Scope::Channel, rule: None };
    let (evidence, count) = (Evidence::default(), 1);
    let recorded = AuthorizationErrorRecordedV1 { evidence, verdict, count };
    Authorization::AuthorizationErrorRecorded(recorded.into())
}

pub(super) fn registered() -> Registered {
    Registered {
        account: ACCOUNT,
        name: "Support".into(),
        channel_type: "Channel::Whatsapp".into(),
        attributes: r#"{"phone_number":"+49"}"#.into(),
        credentials: Some(Sealed { key: KeyId([9; 8]), nonce: [9; 24], text: vec![9; 32] }),
        threshold: None,
    }
}

async fn start() -> Arc<TestStore> {
    let store = Arc::new(TestStore::default());
    let account = events::account::Registered { name: "Acme".into(), administrator_emails: vec![] };
    let account = events::account::Event::from(account);
    write(&store, StreamName::new(Category::Account, ACCOUNT), account).await;
    tell_inbox(&store, registered()).await;
    subscribe(&store, HOOK, &["inbox_updated"]).await;
    subscribe(&store, OTHER, &["message_created"]).await;
    store
}

async fn bodies(store: &TestStore) -> Vec<Value> {
    let queued = queued(store, HOOK).await.into_iter();
    queued.map(|it| serde_json::from_str(&it.body).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn only_transitions_are_told_and_only_while_inbox_events_are_enabled() {
    let store = start().await;
    tell_inbox(&store, required()).await;
    tell_inbox(&store, reauthorized(true)).await;
    set(&store, InboxEventsEnabled {}).await;
    tell_inbox(&store, error()).await;
    tell_inbox(&store, reauthorized(false)).await;
    tell_inbox(&store, required()).await;
    tell_inbox(&store, error()).await;
    tell_inbox(&store, reauthorized(true)).await;
    set(&store, InboxEventsDisabled {}).await;
    tell_inbox(&store, required()).await;
    Service::run(&store).await;
    let current: Vec<_> = bodies(&store)
        .await
        .into_iter()
        .map(|body| {
            let change = body["changed_attributes"][0]["reauthorization_required"].clone();
            assert_ne!(change["previous_value"], change["current_value"]);
            change["current_value"].as_bool().unwrap()
        })
        .collect();
    assert_eq!(current, [true, false]);
    assert!(ledger(&store, OTHER).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_transition_shows_the_inbox_as_it_was_then() {
    let store = start().await;
    set(&store, InboxEventsEnabled {}).await;
    tell_inbox(&store, Renamed { name: "Sales".into() }).await;
    tell_inbox(&store, required()).await;
    tell_inbox(&store, Renamed { name: "Later".into() }).await;
    tell_inbox(&store, AttributesChanged { attributes: "{}".into() }).await;
    Service::run(&store).await;
    let body = bodies(&store).await.remove(0);
    assert_eq!(body["id"], 42);
    assert_eq!(body["name"], "Sales");
    assert_eq!(body["channel_type"], "Channel::Whatsapp");
    assert_eq!(body["phone_number"], "+49");
    assert_eq!(body["account"], json!({ "id": 1, "name": "Acme" }));
    assert_eq!(body["event"], "inbox_updated");
}

#[tokio::test(start_paused = true)]
async fn no_trace_of_a_credential_leaves() {
    let store = start().await;
    set(&store, InboxEventsEnabled {}).await;
    tell_inbox(&store, required()).await;
    Service::run(&store).await;
    let body = queued(&store, HOOK).await.remove(0).body;
    for word in ["credential", "sealed", "nonce", "0909"] {
        assert!(!body.contains(word), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_inbox_that_was_registered_again_shows_itself_anew() {
    let store = start().await;
    set(&store, InboxEventsEnabled {}).await;
    tell_inbox(&store, Removed {}).await;
    let again = Registered { name: "Again".into(), attributes: "{}".into(), ..registered() };
    tell_inbox(&store, again).await;
    tell_inbox(&store, required()).await;
    Service::run(&store).await;
    let body = bodies(&store).await.remove(0);
    assert_eq!(body["name"], "Again");
    assert_eq!(body.get("phone_number"), None);
}

#[tokio::test(start_paused = true)]
async fn a_filter_by_inbox_holds_for_transitions_too() {
    let store = start().await;
    set(&store, InboxEventsEnabled {}).await;
    let policy = Policy { inboxes: Some(vec![InboxId(1)]), ..Policy::default() };
    tell_webhook(&store, HOOK, events::webhook::PolicyChanged { policy }).await;
    tell_inbox(&store, required()).await;
    Service::run(&store).await;
    assert!(ledger(&store, HOOK).await.is_empty());
}

/// What the account's webhook hears of an inbox from its first moment on.
async fn everything(store: &TestStore) -> Vec<(String, Value)> {
    subscribe(store, WebhookId(9), &["inbox_*"]).await;
    let queued = queued(store, WebhookId(9)).await.into_iter();
    queued.map(|it| (it.event, serde_json::from_str(&it.body).unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_registration_and_each_change_are_told_while_inbox_events_are_enabled() {
    let store = Arc::new(TestStore::default());
    everything(&store).await;
    tell_inbox(&store, registered()).await;
    tell_inbox(&store, Renamed { name: "Quiet".into() }).await;
    set(&store, InboxEventsEnabled {}).await;
    tell_inbox(&store, Renamed { name: "Sales".into() }).await;
    tell_inbox(&store, inbox::ThresholdSet { threshold: Some(3) }).await;
    tell_inbox(&store, Removed {}).await;
    tell_inbox(&store, registered()).await;
    Service::run(&store).await;
    let told = everything(&store).await;
    let names: Vec<_> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["inbox_updated", "inbox_created"]);
    let change = json!({ "previous_value": "Quiet", "current_value": "Sales" });
    assert_eq!(told[0].1["changed_attributes"], json!([{ "name": change }]));
    assert_eq!(told[1].1["name"], "Support");
}

#[tokio::test(start_paused = true)]
async fn one_command_is_told_of_once_however_much_it_changed() {
    let store = start().await;
    set(&store, InboxEventsEnabled {}).await;
    let service = Service::over(&store);
    let inboxes: Registry<crate::inbox::Inbox> = Registry::new(world(&store));
    for name in ["Sales", "Support"] {
        let given = crate::inbox::Registration {
            name: Some(name.into()),
            channel_type: Some(format!("Channel::{name}")),
            attributes: Some(json!({ "timezone": name }).to_string()),
            threshold: Some(Some(7)),
            ..Default::default()
        };
        let action = crate::inbox::Action::Register(given);
        let command = crate::inbox::Command { account: ACCOUNT, layers: Arc::default(), action };
        let id = uuid::Uuid::new_v4();
        let actor = events::Actor::ADMIN;
        let now = crate::testing::NOON;
        let context = Context { id, correlation: id, actor, account: Some(ACCOUNT), now };
        inboxes.ask(INBOX, context, command).await.unwrap();
    }
    service.catch_up().await;
    service.fanout.stop().await;
    let told = bodies(&store).await;
    assert_eq!(told.len(), 2);
    let changes = told[1]["changed_attributes"].as_array().unwrap();
    let keys: Vec<_> = changes.iter().flat_map(|it| it.as_object().unwrap().keys()).collect();
    assert_eq!(keys, ["name", "channel_type", "timezone"]);
    assert_eq!(changes[0]["name"]["previous_value"], "Sales");
}

/// Slack of the whole account, or Dialogflow of an inbox.
pub(super) fn hook(scope: Scope) -> Connected {
    let app = if scope == Scope::Account { "slack" } else { "dialogflow" };
    Connected {
        account: ACCOUNT,
        app: app.into(),
        scope,
        reference: None,
        settings: "{}".into(),
        credentials: None,
        access_token: None,
        enabled: true,
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_works_for_an_inbox_is_told_as_that_inbox_was_then() {
    let store = start().await;
    set(&store, InboxEventsEnabled {}).await;
    for (number, scope) in [(3, Scope::Inbox(INBOX)), (4, Scope::Account)] {
        let stream = StreamName::new(Category::Hook, HookId(number));
        write(&store, stream.clone(), HookEvent::from(hook(scope))).await;
        write(&store, stream.clone(), HookEvent::from(error())).await;
        write(&store, stream, HookEvent::from(required())).await;
    }
    tell_inbox(&store, Renamed { name: "Later".into() }).await;
    let stream = StreamName::new(Category::Hook, HookId(3));
    write(&store, stream, HookEvent::from(reauthorized(true))).await;
    Service::run(&store).await;
    let told = bodies(&store).await;
    let told: Vec<_> = told.iter().filter(|body| body.get("hook").is_some()).collect();
    let seen = |body: &Value| (body["name"].clone(), body["changed_attributes"][0].clone());
    let change = |previous_value: bool, current_value: bool| {
        let values = json!({ "previous_value": previous_value, "current_value": current_value });
        json!({ "reauthorization_required": values })
    };
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(seen(told[0]), (json!("Support"), change(false, true)));
    assert_eq!(seen(told[1]), (json!("Later"), change(true, false)));
    assert_eq!(told[0]["hook"], json!({ "id": 3, "app_id": "dialogflow" }));
    assert_eq!((&told[0]["id"], &told[0]["event"]), (&json!(42), &json!("inbox_updated")));
}

#[tokio::test(start_paused = true)]
async fn a_hook_of_an_inbox_that_is_gone_or_anothers_is_not_told() {
    let store = start().await;
    set(&store, InboxEventsEnabled {}).await;
    let foreign = Connected { account: AccountId(2), ..hook(Scope::Inbox(INBOX)) };
    for created in [hook(Scope::Inbox(InboxId(43))), foreign] {
        let inbox = created.scope.inbox().unwrap();
        let stream = StreamName::new(Category::Hook, HookId(inbox.0));
        write(&store, stream.clone(), HookEvent::from(created)).await;
        write(&store, stream, HookEvent::from(required())).await;
    }
    Service::run(&store).await;
    assert!(ledger(&store, HOOK).await.is_empty());
}
