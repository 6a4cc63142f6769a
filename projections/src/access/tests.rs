use events::installation::{InboxEventsDisabled, InboxEventsEnabled, TokenCreated, TokenRevoked};
use events::{StreamName, WebhookId, installation};

use super::*;
use crate::testing::{ACCOUNT, fold, history, obeys_the_law, sealed};

fn token(number: u64, account: Option<AccountId>, role: Role) -> InstallationEvent {
    let hash = [u8::try_from(number).unwrap(); 32];
    TokenCreated { token: TokenId(number), hash, account, role }.into()
}

fn access(events: impl IntoIterator<Item = InstallationEvent>) -> Access {
    fold(&history(events.into_iter().map(|event| (StreamName::installation(), event))))
}

#[test]
fn a_token_is_known_by_its_hash() {
    let access =
        access([token(5, Some(ACCOUNT), Role::Ingest), token(3, None, Role::Administrator)]);
    let found = access.token(&[5; 32]);
    assert_eq!(found, Some(Token { id: TokenId(5), account: Some(ACCOUNT), role: Role::Ingest }));
    assert_eq!(access.token(&[3; 32]).unwrap().account, None);
    assert_eq!((access.token(&[4; 32]), access.highest_token()), (None, Some(TokenId(5))));
}

fn revoked(number: u64, role: Role) -> InstallationEvent {
    TokenRevoked { token: TokenId(number), account: Some(ACCOUNT), role }.into()
}

#[test]
fn a_token_that_is_revoked_is_not_known_any_more_and_the_others_are() {
    let access = access([
        token(1, Some(ACCOUNT), Role::Agent),
        token(2, Some(ACCOUNT), Role::Agent),
        revoked(1, Role::Agent),
    ]);
    assert_eq!(access.token(&[1; 32]), None);
    assert_eq!(access.token(&[2; 32]).unwrap().id, TokenId(2));
    assert!(access.is_revoked(TokenId(1)) && !access.is_revoked(TokenId(2)));
    assert_eq!(access.highest_token(), Some(TokenId(2)));
}

#[test]
fn the_key_introduced_last_counts() {
    assert_eq!(access([]).sealing_key(), None);
    let introduced = |key| SealingKeyIntroduced { key: KeyId(key), proof: sealed() }.into();
    let access = access([introduced(*b"firstkey"), introduced(*b"secondky")]);
    assert_eq!(access.sealing_key().unwrap().key, KeyId(*b"secondky"));
}

#[test]
fn inbox_events_are_as_was_last_said() {
    assert!(!access([]).inbox_events());
    assert!(access([InboxEventsEnabled {}.into()]).inbox_events());
    assert!(!access([InboxEventsEnabled {}.into(), InboxEventsDisabled {}.into()]).inbox_events());
}

#[test]
fn no_hash_is_shown() {
    let shown = format!("{:?}", access([token(5, None, Role::Agent)]));
    assert_eq!(shown, "Access(1 tokens, key None)");
}

#[test]
fn seen_twice_is_seen_once() {
    let taken = installation::WebhookNumberTaken { webhook: WebhookId(7) };
    let events = [
        token(1, None, Role::Agent),
        SealingKeyIntroduced { key: KeyId([1; 8]), proof: sealed() }.into(),
        InboxEventsEnabled {}.into(),
        taken.into(),
        revoked(1, Role::Agent),
        InboxEventsDisabled {}.into(),
    ];
    obeys_the_law::<Access>(&history(
        events.map(|event: InstallationEvent| (StreamName::installation(), event)),
    ));
}
