use events::EventId;
use events::webhook::OPERATIONAL;
use uuid::Uuid;

use super::*;

fn delivery(number: u128) -> DeliveryId {
    DeliveryId::of(EventId(Uuid::from_u128(number)), WebhookId(7))
}

#[test]
fn what_can_be_subscribed_to_is_what_is_told() {
    let told: BTreeSet<_> = TOLD.into_iter().map(|(_, name)| name).collect();
    assert_eq!(told, BTreeSet::from(OPERATIONAL));
    assert_eq!(name("delivery.abandoned"), Some("delivery.abandoned"));
    assert_eq!(name("delivery.delivered"), None);
}

#[test]
fn no_more_is_remembered_than_has_room() {
    let mut telling = Telling::default();
    for number in 0..=REMEMBERED_MAX as u128 {
        telling.remember(delivery(number));
        telling.remember(delivery(number));
    }
    assert_eq!((telling.ids.len(), telling.order.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
    assert!(!telling.ids.contains(&delivery(0)));
    assert!(telling.ids.contains(&delivery(1)));
}
