use super::*;
use crate::{Category, DeliveryId, EventId, StreamName};

const ALL: [(EndpointId, &str); 3] = [
    (EndpointId::Webhook(WebhookId(7)), "ledger-7"),
    (EndpointId::Inbox(InboxId(42)), "ledger-inbox.42"),
    (EndpointId::Mail(AccountId(1)), "ledger-mail.1"),
];

#[test]
fn each_kind_has_a_ledger_of_its_own() {
    for (endpoint, stream) in ALL {
        assert_eq!(StreamName::new(Category::Ledger, endpoint).as_str(), stream);
        assert_eq!(StreamName::from_log(stream).endpoint(), Some(endpoint));
        assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
    }
}

#[test]
fn a_delivery_tells_its_endpoint_whatever_kind_it_is() {
    let event = EventId(uuid::Uuid::from_u128(1));
    for (endpoint, _) in ALL {
        assert_eq!(DeliveryId::of(event, endpoint).endpoint(), endpoint);
    }
    let far = EndpointId::Inbox(InboxId((1 << NUMBER_BITS) - 1));
    assert_eq!(DeliveryId::of(event, far).endpoint(), far);
}

#[test]
fn delivery_ids_of_webhooks_stay_what_they_were() {
    let event = EventId(uuid::Uuid::from_u128(1));
    let id = DeliveryId::of(event, WebhookId(7));
    let hash = uuid::Uuid::new_v5(&event.0, &7u64.to_be_bytes());
    assert_eq!(id.0.as_bytes()[9..], hash.as_bytes()[9..]);
    assert_eq!(id.0.as_bytes()[..6], [0, 0, 0, 0, 0, 7]);
}
