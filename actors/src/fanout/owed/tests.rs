use events::reauthorization::Event as Authorization;
use events::store::PAGE_MAX;
use events::webhook::{Created, Policy};
use events::{Category, InboxId, KeyId, Sealed, StreamName};

use super::*;
use crate::testing::{Forgery, TestStore};

const ACCOUNT: AccountId = AccountId(1);
const HOOK: WebhookId = WebhookId(7);
const INBOX: InboxId = InboxId(42);

fn sealed() -> Sealed {
    Sealed { key: KeyId([0; 8]), nonce: [0; 24], text: vec![] }
}

async fn write(store: &TestStore, category: Category, id: u64, event: impl Into<Event>) {
    store.forge(&StreamName::new(category, id), &event.into(), Forgery::None).await;
}

/// Somebody who wants everything, inbox events, an inbox, a report and a transition.
async fn history() -> Arc<TestStore> {
    let store = Arc::new(TestStore::default());
    let created = Created {
        account: ACCOUNT,
        url: "https://example.com".into(),
        name: None,
        inbox: None,
        subscriptions: vec!["*".into()],
        secret: sealed(),
        policy: Policy::default(),
    };
    let created = events::webhook::Event::from(created);
    write(&store, Category::Webhook, HOOK.0, created).await;
    let enabled = events::installation::InboxEventsEnabled {};
    let enabled = events::installation::Event::from(enabled);
    write(&store, Category::Installation, 1, enabled).await;
    let registered = events::inbox::Registered {
        account: ACCOUNT,
        name: "Support".into(),
        channel_type: "Channel::Email".into(),
        attributes: "{}".into(),
        credentials: Some(sealed()),
        threshold: None,
    };
    let registered = events::inbox::Event::from(registered);
    write(&store, Category::Inbox, INBOX.0, registered).await;
    let (event, data) = ("message_created".into(), r#"{"id":1}"#.into());
    let received = EventReceived { account: ACCOUNT, event, data };
    let received = events::platform::Event::from(received);
    write(&store, Category::Platform, ACCOUNT.0, received).await;
    let required = events::reauthorization::ReauthorizationRequired::from(
        events::reauthorization::Cause::Prompted { reason: None },
    );
    let required = events::inbox::Event::from(Authorization::ReauthorizationRequired(required));
    write(&store, Category::Inbox, INBOX.0, required).await;
    store
}

async fn page(store: &TestStore) -> Vec<Record> {
    store.read_all(Position::START, PAGE_MAX).await.unwrap()
}

/// Nothing is kept, and everything up to `position` is paid.
fn debtor(store: &Arc<TestStore>, position: Position) -> Debtor {
    let paid = Paid { position, ..Paid::default() };
    Debtor::new(store.clone(), paid, Folded::default())
}

#[tokio::test]
async fn each_record_owes_at_its_own_position() {
    let store = history().await;
    let mut debtor = debtor(&store, Position::START);
    let debts = debtor.debts(&page(&store).await).await.unwrap();
    let positions: Vec<_> = debts.iter().map(|debt| (debt.endpoint, debt.position)).collect();
    assert_eq!(positions, [3, 4, 5].map(|position| (HOOK.into(), Position(position))));
    assert_eq!(debtor.endpoints().collect::<Vec<_>>(), [HOOK.into()]);
}

#[tokio::test]
async fn what_was_paid_is_folded_but_owed_no_more() {
    let store = history().await;
    let mut debtor = debtor(&store, Position(4));
    let debts = debtor.debts(&page(&store).await).await.unwrap();
    assert_eq!(debts.len(), 1);
    assert_eq!(debts[0].position, Position(5));
}

#[tokio::test]
async fn a_deletion_abandons_once_and_is_remembered() {
    let store = history().await;
    let deleted = events::webhook::Event::from(events::webhook::Deleted {});
    write(&store, Category::Webhook, HOOK.0, deleted).await;
    let page = page(&store).await;
    let mut unpaid = debtor(&store, Position(5));
    let debts = unpaid.debts(&page).await.unwrap();
    let abandon = Command::Abandon { delivery: None, reason: AbandonReason::WebhookDeleted };
    assert_eq!(debts.into_iter().map(|it| it.command).collect::<Vec<_>>(), [abandon]);
    let mut paid = debtor(&store, Position(6));
    assert!(paid.debts(&page).await.unwrap().is_empty());
    assert_eq!(paid.endpoints().collect::<Vec<_>>(), [HOOK.into()]);
}

#[tokio::test]
async fn a_failure_half_way_through_a_page_loses_and_doubles_nothing() {
    let store = history().await;
    let page = page(&store).await;
    let mut debtor = debtor(&store, Position::START);
    // What is told of the inbox is read from its stream.
    store.shut();
    debtor.debts(&page).await.unwrap_err();
    debtor.debts(&page).await.unwrap_err();
    store.reopen();
    let debts = debtor.debts(&page).await.unwrap();
    assert_eq!(debts.iter().map(|debt| debt.position.0).collect::<Vec<_>>(), [3, 4, 5]);
    assert!(debtor.debts(&page).await.unwrap().is_empty(), "a page is owed once");
}

#[tokio::test]
async fn two_debtors_owe_the_same() {
    let store = history().await;
    let page = page(&store).await;
    let mut told = vec![];
    for _ in 0..2 {
        let mut debtor = debtor(&store, Position::START);
        told.push(format!("{:?}", debtor.debts(&page).await.unwrap()));
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn a_page_of_large_events_is_owed_a_part_at_a_time() {
    let store = history().await;
    for id in [8, 9] {
        let created = Created {
            account: ACCOUNT,
            url: format!("https://example.com/{id}"),
            name: None,
            inbox: None,
            subscriptions: vec!["*".into()],
            secret: sealed(),
            policy: Policy::default(),
        };
        write(&store, Category::Webhook, id, events::webhook::Event::from(created)).await;
    }
    for _ in 0..4 {
        let data = format!(r#"{{"content":"{}"}}"#, "x".repeat(3 << 20));
        let (account, event) = (ACCOUNT, "message_created".into());
        let received = events::platform::Event::from(EventReceived { account, event, data });
        write(&store, Category::Platform, ACCOUNT.0, received).await;
    }
    let page = page(&store).await;
    let mut debtor = debtor(&store, Position(5));
    let mut told = vec![];
    while !debtor.is_through(&page) {
        let debts = debtor.debts(&page).await.unwrap();
        told.push(debts.iter().map(|debt| debt.position.0).collect::<Vec<_>>());
    }
    assert_eq!(told, [[8, 8, 8, 9, 9, 9], [10, 10, 10, 11, 11, 11]]);
}
