//! What administrators are owed: one mail for each transition.

use events::account::{self, AdministratorsChanged, LocaleSet};
use events::installation::{MailDisabled, MailEnabled};

use super::transitions::{INBOX, error, reauthorized, registered, required, set, tell_inbox};
use super::*;

const MAIL: EndpointId = EndpointId::Mail(ACCOUNT);

async fn tell_account(store: &TestStore, event: impl Into<account::Event>) {
    write(store, StreamName::new(Category::Account, ACCOUNT), event.into()).await;
}

async fn start(emails: &[&str]) -> Arc<TestStore> {
    let store = Arc::new(TestStore::default());
    let administrator_emails = emails.iter().copied().map(Into::into).collect();
    tell_account(&store, account::Registered { name: "Acme".into(), administrator_emails }).await;
    tell_inbox(&store, registered()).await;
    store
}

async fn mails(store: &TestStore) -> Vec<Value> {
    let queued = queued(store, MAIL).await.into_iter();
    queued.map(|it| serde_json::from_str(&it.body).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_transition_is_one_mail_with_what_was_known_then() {
    let store = start(&["a@acme.test", "b@acme.test"]).await;
    set(&store, MailEnabled {}).await;
    tell_account(&store, LocaleSet { locale: Some("pt_BR".into()) }).await;
    tell_inbox(&store, error()).await;
    tell_inbox(&store, required()).await;
    tell_inbox(&store, error()).await;
    tell_account(
        &store,
        AdministratorsChanged { administrator_emails: vec!["c@acme.test".into()] },
    )
    .await;
    tell_inbox(&store, reauthorized(true)).await;
    tell_inbox(&store, reauthorized(false)).await;
    Service::run(&store).await;
    let told = mails(&store).await;
    let names: Vec<_> = told.iter().map(|mail| mail["event"].clone()).collect();
    assert_eq!(names, ["inbox_disconnected", "inbox_reconnected"]);
    let about = json!({ "id": INBOX, "name": "Support", "channel_type": "Channel::Whatsapp" });
    let noon = crate::testing::NOON.to_millis();
    assert_eq!(
        told[0],
        json!({
            "to": ["a@acme.test", "b@acme.test"],
            "locale": "pt_BR",
            "account": { "id": 1, "name": "Acme" },
            "inbox": about,
            "reason": { "cause": "prompted", "message": null },
            "since": noon,
            "until": null,
            "evidence_count": 1,
            "event": "inbox_disconnected",
        })
    );
    assert_eq!((&told[1]["to"], &told[1]["inbox"]), (&json!(["c@acme.test"]), &about));
    assert_eq!((&told[1]["since"], &told[1]["until"]), (&json!(noon), &json!(noon)));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_owed_mail_without_a_server_or_without_an_address() {
    let store = start(&["a@acme.test"]).await;
    tell_inbox(&store, required()).await;
    set(&store, MailEnabled {}).await;
    tell_account(&store, AdministratorsChanged { administrator_emails: vec![] }).await;
    tell_inbox(&store, reauthorized(true)).await;
    tell_account(
        &store,
        AdministratorsChanged { administrator_emails: vec!["a@acme.test".into()] },
    )
    .await;
    tell_inbox(&store, required()).await;
    set(&store, MailDisabled {}).await;
    tell_inbox(&store, reauthorized(true)).await;
    Service::run(&store).await;
    let names: Vec<_> = mails(&store).await.iter().map(|mail| mail["event"].clone()).collect();
    assert_eq!(names, ["inbox_disconnected"]);
}
