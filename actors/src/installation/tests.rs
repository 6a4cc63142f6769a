use super::*;
use crate::aggregate::Next;
use crate::testing::{NOON, fresh, given};

const KEY: KeyId = KeyId([1; 8]);
const OTHER_KEY: KeyId = KeyId([2; 8]);

fn proof(key: KeyId) -> Sealed {
    Sealed { key, nonce: [0; 24], text: vec![1, 2, 3] }
}

fn introduce(key: KeyId) -> Command {
    Command::IntroduceKey { key, proof: proof(key) }
}

#[test]
fn every_webhook_number_is_taken_once() {
    fresh::<Installation>()
        .when(Command::TakeWebhookNumber)
        .then([WebhookNumberTaken { webhook: WebhookId(1) }])
        .and_when(Command::TakeWebhookNumber)
        .then([WebhookNumberTaken { webhook: WebhookId(2) }])
        .then_owes(NOON, &Next::Idle);
}

#[test]
fn a_number_lower_than_the_highest_is_never_given_out_again() {
    let taken = |number| WebhookNumberTaken { webhook: WebhookId(number) };
    given::<Installation>([taken(9), taken(3)]).when(Command::TakeWebhookNumber).then([taken(10)]);
}

#[test]
fn every_token_has_a_number_of_its_own() {
    let create =
        Command::CreateToken { hash: [7; 32], account: Some(AccountId(1)), role: Role::Ingest };
    let created = |token| TokenCreated {
        token: TokenId(token),
        hash: [7; 32],
        account: Some(AccountId(1)),
        role: Role::Ingest,
    };
    fresh::<Installation>()
        .when(create.clone())
        .then([created(1)])
        .and_when(create)
        .then([created(2)]);
}

#[test]
fn a_token_is_revoked_once_and_its_number_is_not_given_again() {
    let (account, role) = (None, Role::Administrator);
    let created = |token| TokenCreated { token: TokenId(token), hash: [7; 32], account, role };
    let gone = || TokenRevoked { token: TokenId(1), account, role };
    given::<Installation>([created(1)])
        .when(Command::RevokeToken(TokenId(2)))
        .then_refused(&Rejection::NoToken(TokenId(2)))
        .and_when(Command::RevokeToken(TokenId(1)))
        .then([gone()])
        .and_when(Command::RevokeToken(TokenId(1)))
        .then_nothing()
        .and_when(Command::CreateToken { hash: [7; 32], account, role })
        .then([created(2)]);
    let events: [Event; 2] = [created(1).into(), gone().into()];
    assert!(!given::<Installation>(events).state().has_administrator());
}

#[test]
fn a_log_has_one_sealing_key() {
    fresh::<Installation>()
        .when(introduce(KEY))
        .then([SealingKeyIntroduced { key: KEY, proof: proof(KEY) }])
        .and_when(introduce(KEY))
        .then_nothing()
        .and_when(introduce(OTHER_KEY))
        .then_refused(&Rejection::OtherKey(KEY));
}

#[test]
fn a_key_is_rotated_once_and_only_from_the_key_of_now() {
    let older = |key, under| OlderKey { key, sealed: proof(under) };
    let rotate = |from, to: KeyId| Command::RotateKey {
        from,
        to,
        proof: proof(to),
        older: vec![older(from, to)],
    };
    fresh::<Installation>()
        .when(rotate(KEY, OTHER_KEY))
        .then_refused(&Rejection::NoKey)
        .and_when(introduce(KEY))
        .then([SealingKeyIntroduced { key: KEY, proof: proof(KEY) }])
        .and_when(rotate(KeyId([9; 8]), OTHER_KEY))
        .then_refused(&Rejection::OtherKey(KEY))
        .and_when(rotate(KEY, OTHER_KEY))
        .then([SealingKeyRotated {
            key: OTHER_KEY,
            proof: proof(OTHER_KEY),
            older: vec![older(KEY, OTHER_KEY)],
        }])
        .and_when(rotate(KEY, OTHER_KEY))
        .then_nothing()
        .and_when(introduce(KEY))
        .then_refused(&Rejection::OtherKey(OTHER_KEY));
}

#[test]
fn inbox_events_are_off_until_somebody_turns_them_on() {
    fresh::<Installation>()
        .when(Command::SetInboxEvents(false))
        .then_nothing()
        .and_when(Command::SetInboxEvents(true))
        .then([InboxEventsEnabled {}])
        .and_when(Command::SetInboxEvents(true))
        .then_nothing()
        .and_when(Command::SetInboxEvents(false))
        .then([InboxEventsDisabled {}])
        .and_when(Command::SetInboxEvents(false))
        .then_nothing();
}

#[test]
fn mail_is_off_until_there_is_a_server_for_it() {
    fresh::<Installation>()
        .when(Command::SetMail(false))
        .then_nothing()
        .and_when(Command::SetMail(true))
        .then([MailEnabled {}])
        .and_when(Command::SetMail(true))
        .then_nothing()
        .and_when(Command::SetMail(false))
        .then([MailDisabled {}]);
}

#[test]
fn looking_changes_nothing_and_tells_everything() {
    let installation = given::<Installation>([InboxEventsEnabled {}]);
    assert!(installation.state().answer(&Command::Look).inbox_events);
    installation.when(Command::Look).then_nothing();
}

#[test]
fn only_a_token_for_every_account_makes_an_administrator_of_all() {
    let after = |account, role| {
        let hash = [7; 32];
        let created = TokenCreated { token: TokenId(1), hash, account, role };
        given::<Installation>([created]).state().has_administrator()
    };
    assert!(after(None, Role::Administrator));
    assert!(!after(Some(AccountId(1)), Role::Administrator));
    assert!(!after(None, Role::Ingest));
}

#[test]
fn a_request_that_is_repeated_is_given_its_hook_number_again() {
    let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let taken = |hook, request| HookNumberTaken { hook: HookId(hook), request };
    fresh::<Installation>()
        .when(Command::TakeHookNumber(first))
        .then([taken(1, first)])
        .and_when(Command::TakeHookNumber(second))
        .then([taken(2, second)])
        .and_when(Command::TakeHookNumber(first))
        .then_nothing();
    let installation = given::<Installation>([taken(1, first), taken(2, second)]);
    assert_eq!(installation.state().hooks.of(first), Some(1));
    assert_eq!(installation.state().hooks.of(Uuid::from_u128(3)), None);
}

#[test]
fn rules_are_numbered_by_themselves() {
    let request = Uuid::from_u128(1);
    given::<Installation>([HookNumberTaken { hook: HookId(4), request }])
        .when(Command::TakeRuleNumber(request))
        .then([RuleNumberTaken { rule: RuleId(1), request }])
        .and_when(Command::TakeRuleNumber(request))
        .then_nothing();
}

#[test]
fn an_incident_of_the_installation_is_muted_and_closed_once() {
    let incident = |number| {
        let (provider, class) = ("microsoft".to_owned(), Class::Config);
        AppIncident { number, provider, class }
    };
    let mute = |number, muted| Command::MuteIncident { incident: incident(number), muted };
    fresh::<Installation>()
        .when(mute(1, false))
        .then_nothing()
        .and_when(mute(1, true))
        .then([AppIncidentMuted { incident: incident(1) }])
        .and_when(mute(1, true))
        .then_nothing()
        .and_when(mute(1, false))
        .then([AppIncidentUnmuted { incident: incident(1) }])
        .and_when(Command::CloseIncident(incident(1)))
        .then([AppIncidentClosed { incident: incident(1) }])
        .and_when(Command::CloseIncident(incident(1)))
        .then_nothing()
        .and_when(mute(1, true))
        .then_nothing()
        .and_when(mute(2, true))
        .then([AppIncidentMuted { incident: incident(2) }]);
}
