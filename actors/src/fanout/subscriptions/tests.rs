use events::installation::{InboxEventsDisabled, InboxEventsEnabled};
use events::webhook::{Created, Deleted, Policy, PolicyChanged, SubscriptionsChanged};
use events::{Category, EventId, KeyId, Position, Revision, Sealed, StreamName};
use uuid::Uuid;

use super::*;
use crate::testing::NOON;

const ACCOUNT: AccountId = AccountId(1);
const HOOK: WebhookId = WebhookId(7);

fn created(account: AccountId, subscriptions: &[&str], inboxes: Option<Vec<InboxId>>) -> Created {
    Created {
        account,
        url: "https://example.com".into(),
        name: None,
        inbox: Some(InboxId(1)),
        subscriptions: subscriptions.iter().copied().map(Into::into).collect(),
        secret: Sealed { key: KeyId([0; 8]), nonce: [0; 24], text: vec![] },
        policy: Policy { inboxes, ..Policy::default() },
    }
}

fn after<I>(events: I) -> Subscriptions
where
    I: IntoIterator<Item = (StreamName, Event)>,
{
    let mut subscriptions = Subscriptions::default();
    for (stream, event) in events {
        subscriptions.evolve(&Recorded {
            position: Position(1),
            stream,
            revision: Revision::FIRST,
            id: EventId(Uuid::nil()),
            at: NOON,
            metadata: bytes::Bytes::new(),
            event,
        });
    }
    subscriptions
}

fn hook(id: WebhookId, event: impl Into<WebhookEvent>) -> (StreamName, Event) {
    (StreamName::new(Category::Webhook, id), event.into().into())
}

fn hook_id(number: u64) -> EndpointId {
    EndpointId::Webhook(WebhookId(number))
}

fn installation(event: impl Into<InstallationEvent>) -> (StreamName, Event) {
    (StreamName::installation(), event.into().into())
}

#[test]
fn whoever_names_an_event_or_its_beginning_wants_it() {
    let subscriptions = after([
        hook(WebhookId(4), created(ACCOUNT, &["message_created"], None)),
        hook(WebhookId(3), created(ACCOUNT, &["message_*"], None)),
        hook(WebhookId(2), created(ACCOUNT, &["*"], None)),
        hook(WebhookId(1), created(ACCOUNT, &["message", "conversation_*"], None)),
    ]);
    let wanting = |event| subscriptions.wanting(ACCOUNT, event, None);
    assert_eq!(wanting("message_created"), [2, 3, 4].map(hook_id));
    assert_eq!(wanting("message_updated"), [2, 3].map(hook_id));
    assert_eq!(wanting("conversation_created"), [1, 2].map(hook_id));
}

#[test]
fn nobody_wants_the_events_of_another_account() {
    let subscriptions = after([hook(HOOK, created(ACCOUNT, &["*"], None))]);
    assert!(subscriptions.wanting(AccountId(2), "message_created", None).is_empty());
}

#[test]
fn a_filter_by_inbox_lets_through_its_inboxes_and_what_happened_in_none() {
    let inboxes = Some(vec![InboxId(5), InboxId(6)]);
    let subscriptions = after([hook(HOOK, created(ACCOUNT, &["*"], inboxes))]);
    let wants = |inbox| !subscriptions.wanting(ACCOUNT, "message_created", inbox).is_empty();
    assert!(wants(Some(InboxId(5))) && wants(Some(InboxId(6))) && wants(None));
    assert!(!wants(Some(InboxId(1))), "the inbox it is shown with filters nothing");
}

#[test]
fn changes_hold_from_the_record_on_that_makes_them() {
    let mut history = vec![hook(HOOK, created(ACCOUNT, &["message_created"], None))];
    let changed = SubscriptionsChanged { subscriptions: vec!["contact_created".into()] };
    history.push(hook(HOOK, changed));
    let policy = Policy { inboxes: Some(vec![InboxId(5)]), ..Policy::default() };
    history.push(hook(HOOK, PolicyChanged { policy }));
    let subscriptions = after(history.clone());
    assert!(subscriptions.wanting(ACCOUNT, "message_created", None).is_empty());
    assert_eq!(subscriptions.wanting(ACCOUNT, "contact_created", Some(InboxId(5))), [HOOK.into()]);
    assert!(subscriptions.wanting(ACCOUNT, "contact_created", Some(InboxId(6))).is_empty());
    history.push(hook(HOOK, Deleted {}));
    let subscriptions = after(history);
    assert!(subscriptions.wanting(ACCOUNT, "contact_created", None).is_empty());
    assert_eq!(
        subscriptions.ever().collect::<Vec<_>>(),
        [HOOK.into()],
        "it may still be owed an end"
    );
}

#[test]
fn inbox_events_are_off_until_the_installation_turns_them_on() {
    let on = installation(InboxEventsEnabled {});
    let off = installation(InboxEventsDisabled {});
    assert!(!after([]).inbox_events());
    assert!(after([on.clone()]).inbox_events());
    assert!(!after([on, off]).inbox_events());
}

#[test]
fn an_account_is_called_what_it_was_called_last() {
    use events::account::{Event as AccountEvent, Registered, Renamed};
    let stream = StreamName::new(Category::Account, ACCOUNT);
    let registered = Registered { name: "Acme".into(), administrator_emails: vec![] };
    let registered = (stream.clone(), AccountEvent::from(registered).into());
    let renamed = (stream, AccountEvent::from(Renamed { name: "Apex".into() }).into());
    assert_eq!(after([]).account_name(ACCOUNT), "");
    assert_eq!(after([registered.clone()]).account_name(ACCOUNT), "Acme");
    assert_eq!(after([registered, renamed]).account_name(ACCOUNT), "Apex");
}
