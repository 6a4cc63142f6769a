use events::{Category, StreamName, account};

use super::*;
use crate::testing::{ACCOUNT, fold, history, obeys_the_law, second};

fn story() -> Vec<(StreamName, AccountEvent)> {
    let emails = |name: &str| vec![format!("{name}@example.com")];
    let events: [AccountEvent; 5] = [
        account::Registered { name: "Acme".into(), administrator_emails: emails("first") }.into(),
        account::Renamed { name: "Acme Ltd".into() }.into(),
        account::AdministratorsChanged { administrator_emails: emails("second") }.into(),
        account::LocaleSet { locale: Some("pt_BR".into()) }.into(),
        account::WebhookUrlClaimed { webhook: events::WebhookId(7), url: "https://x".into() }
            .into(),
    ];
    events.map(|event| (StreamName::new(Category::Account, ACCOUNT), event)).into()
}

#[test]
fn an_account_is_known_by_what_was_last_said_of_it() {
    let accounts: Accounts = fold(&history(story()));
    let expected = Account {
        name: "Acme Ltd".into(),
        administrator_emails: vec!["second@example.com".into()],
        locale: Some("pt_BR".into()),
        registered_at: second(1),
    };
    assert_eq!(accounts.account(ACCOUNT), Some(&expected));
    assert_eq!(accounts.iter().collect::<Vec<_>>(), [(ACCOUNT, &expected)]);
    assert_eq!(accounts.account(AccountId(2)), None);
}

#[test]
fn seen_twice_is_seen_once() {
    obeys_the_law::<Accounts>(&history(story()));
}
