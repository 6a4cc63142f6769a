use super::*;

#[test]
fn a_subscription_is_a_name_or_a_prefix() {
    let wanted = ["message_created".to_owned(), "conversation_*".to_owned()];
    assert!(subscribes(&wanted, "message_created"));
    assert!(subscribes(&wanted, "conversation_updated"));
    assert!(!subscribes(&wanted, "message_updated"));
    assert!(!subscribes(&[], "message_created"));
}

#[test]
fn the_defaults_are_the_first_eight() {
    assert_eq!(SUBSCRIBABLE[..8], DEFAULT_SUBSCRIPTIONS);
}
