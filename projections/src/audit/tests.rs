use bytes::Bytes;
use events::evidence::Class;
use events::installation::{Role, TokenCreated, TokenRevoked};
use events::{Actor, Category, Metadata, StreamName, TokenId, inbox, installation};

use super::*;
use crate::testing::{ACCOUNT, error, fold, history, obeys_the_law, registered, sealed, stream};

fn metadata(command: u128, account: Option<AccountId>) -> Bytes {
    let causation = Uuid::from_u128(command);
    let actor = Actor::token(TokenId(3));
    let metadata = Metadata { correlation: causation, causation, actor, account };
    serde_json::to_vec(&metadata).unwrap().into()
}

/// What these commands of account 1 did to inbox 42, each with its number.
fn did(events: impl IntoIterator<Item = (u128, inbox::Event)>) -> Vec<Recorded<Event>> {
    let (commands, events): (Vec<_>, Vec<_>) = events.into_iter().unzip();
    let mut history = history(events.into_iter().map(|event| (stream(42), event)));
    for (record, command) in history.iter_mut().zip(commands) {
        record.metadata = metadata(command, Some(ACCOUNT));
    }
    history
}

fn renamed(name: &str) -> inbox::Event {
    inbox::Renamed { name: name.into() }.into()
}

fn entry(position: u64, records: u32) -> Entry {
    Entry { position: Position(position), records }
}

#[test]
fn changes_are_paged_newest_first_and_evidence_is_none() {
    let history = did([
        (1, registered("Channel::Email")),
        (2, error(Class::Auth, 1)),
        (3, renamed("Sales")),
        (4, inbox::Removed {}.into()),
    ]);
    let audit: Audit = fold(&history);
    assert_eq!(audit.count(ACCOUNT), 3);
    assert_eq!(audit.page(ACCOUNT, 1, 2), [entry(4, 1), entry(3, 1)]);
    assert_eq!(audit.page(ACCOUNT, 2, 2), [entry(1, 1)]);
    assert_eq!(audit.page(ACCOUNT, 3, 2), []);
    assert_eq!(audit.page(ACCOUNT, usize::MAX, usize::MAX), []);
    assert_eq!((audit.count(AccountId(2)), audit.page(AccountId(2), 1, 2)), (0, vec![]));
    obeys_the_law::<Audit>(&history);
}

#[test]
fn what_one_command_changes_is_one_change() {
    let history = did([
        (1, registered("Channel::Email")),
        (2, renamed("Sales")),
        (2, error(Class::Auth, 1)),
        (2, inbox::ThresholdSet { threshold: Some(1) }.into()),
        (3, renamed("Support")),
    ]);
    let audit: Audit = fold(&history);
    assert_eq!(audit.page(ACCOUNT, 1, 25), [entry(5, 1), entry(2, 3), entry(1, 1)]);
    obeys_the_law::<Audit>(&history);
}

#[test]
fn a_token_is_its_accounts_and_one_of_the_installation_is_nobodys() {
    let (token, hash, role) = (TokenId(1), [7; 32], Role::Agent);
    let created = |account| installation::Event::from(TokenCreated { token, hash, account, role });
    let revoked = |account| installation::Event::from(TokenRevoked { token, account, role });
    let place = StreamName::new(Category::Installation, 1);
    let mut history = history(
        [created(Some(ACCOUNT)), created(None), revoked(Some(ACCOUNT)), revoked(None)]
            .map(|event| (place.clone(), event)),
    );
    for (command, record) in (1..).zip(history.iter_mut()) {
        record.metadata = metadata(command, None);
    }
    let audit: Audit = fold(&history);
    assert_eq!(audit.page(ACCOUNT, 1, 25), [entry(3, 1), entry(1, 1)]);
    let gone = change(&history[2].event).unwrap();
    assert_eq!((gone.action, gone.said), (Action::Destroy, vec![("role", "agent".into())]));
}

#[test]
fn a_secret_is_said_to_be_there_and_not_told() {
    let replaced = inbox::Event::from(inbox::CredentialsReplaced { credentials: sealed() });
    let change = change(&replaced.into()).unwrap();
    assert_eq!(change.said, [("credentials", REDACTED.into())]);
    assert_eq!((change.auditable, change.action), ("Inbox", Action::Update));
}
