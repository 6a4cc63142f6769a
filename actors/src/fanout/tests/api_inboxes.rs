//! What the webhook of an API inbox is owed: all that happens in it, unasked.

use events::delivery::{AbandonReason, DisableRule, EndpointDisabled};
use events::inbox::{AttributesChanged, ChannelTypeChanged, Registered, Removed};

use super::transitions::{INBOX, registered, tell_inbox};
use super::*;

const OWN: EndpointId = EndpointId::Inbox(INBOX);

fn api_inbox() -> Registered {
    let attributes = r#"{"webhook_url":"https://example.com/api"}"#.into();
    Registered { channel_type: "Channel::Api".into(), attributes, ..registered() }
}

async fn happen(store: &TestStore, event: &str, id: u64) {
    report(store, event, json!({ "id": id, "inbox": { "id": 42 } })).await;
}

#[tokio::test(start_paused = true)]
async fn case_63_an_api_inbox_hears_of_what_happens_in_it_without_subscribing() {
    let store = Arc::new(TestStore::default());
    tell_inbox(&store, api_inbox()).await;
    for (id, event) in (1..).zip(events::webhook::SUBSCRIBABLE) {
        happen(&store, event, id).await;
    }
    report(&store, "message_created", json!({ "id": 99, "inbox": { "id": 43 } })).await;
    report(&store, "message_created", json!({ "id": 99 })).await;
    Service::run(&store).await;
    let names: Vec<_> = owed(&store, OWN).await.into_iter().map(|(event, _)| event).collect();
    assert_eq!(
        names,
        [
            "conversation_status_changed",
            "conversation_updated",
            "conversation_created",
            "message_created",
            "message_updated",
            "webwidget_triggered",
            "conversation_typing_on",
            "conversation_typing_off",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn it_holds_while_the_inbox_is_of_that_channel_and_has_a_url() {
    let store = Arc::new(TestStore::default());
    tell_inbox(&store, Registered { attributes: "{}".into(), ..api_inbox() }).await;
    happen(&store, "message_created", 1).await;
    let within = r#"{"channel":{"webhook_url":"https://example.com/within"}}"#.to_owned();
    tell_inbox(&store, AttributesChanged { attributes: within }).await;
    happen(&store, "message_created", 2).await;
    let blank = r#"{"webhook_url":" "}"#.to_owned();
    tell_inbox(&store, AttributesChanged { attributes: blank }).await;
    happen(&store, "message_created", 3).await;
    tell_inbox(&store, Removed {}).await;
    tell_inbox(&store, api_inbox()).await;
    happen(&store, "message_created", 4).await;
    tell_inbox(&store, ChannelTypeChanged { channel_type: "Channel::Email".into() }).await;
    happen(&store, "message_created", 5).await;
    Service::run(&store).await;
    assert_eq!(owed(&store, OWN).await, [message(2), message(4)]);
}

#[tokio::test(start_paused = true)]
async fn the_inbox_of_another_account_hears_nothing() {
    let store = Arc::new(TestStore::default());
    tell_inbox(&store, Registered { account: AccountId(2), ..api_inbox() }).await;
    happen(&store, "message_created", 1).await;
    Service::run(&store).await;
    assert!(ledger(&store, OWN).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_held_for_an_inbox_is_abandoned_when_that_is_removed() {
    let store = Arc::new(TestStore::default());
    tell_inbox(&store, api_inbox()).await;
    happen(&store, "message_created", 1).await;
    Service::run(&store).await;
    let (rule, reason, at) = (DisableRule::Gone, "it is".into(), crate::testing::NOON);
    let by = events::Actor::DELIVERY;
    let disabled = EndpointDisabled { rule, reason, by, at, since: None, held: Some(1) };
    let disabled = DeliveryEvent::from(disabled);
    write(&store, StreamName::new(Category::Ledger, OWN), disabled).await;
    happen(&store, "message_created", 2).await;
    tell_inbox(&store, Removed {}).await;
    Service::run(&store).await;
    let abandoned = ledger(&store, OWN).await.into_iter().filter(|event| {
        matches!(event, DeliveryEvent::Abandoned(it) if it.reason == AbandonReason::WebhookDeleted)
    });
    assert_eq!(abandoned.count(), 2);
}
