//! Logs full of inboxes, written as the service would write them but many records at a time.

use std::sync::Arc;

use events::evidence::{Class, Evidence, Scope, Verdict};
use events::inbox::{Event, Registered};
use events::reauthorization::{AuthorizationErrorRecorded, AuthorizationSucceeded};
use events::store::{Draft, Tail};
use events::{
    AccountId, Actor, Category, EventStore, Metadata, StreamName, Timestamp, account,
    reauthorization,
};
use indicatif::ProgressBar;
use uuid::Uuid;

/// As many appends as are under way at once.
const AT_ONCE: u64 = 256;

const ACCOUNT: AccountId = AccountId(1);

/// Writes `inboxes` inboxes with `each` records.
pub(super) async fn inboxes(
    store: &Arc<dyn EventStore>,
    inboxes: u64,
    each: u64,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    append(&**store, &StreamName::new(Category::Account, ACCOUNT), &[account_registered()]).await?;
    let mut next = 1;
    while next <= inboxes {
        let batch = next..=(next + AT_ONCE - 1).min(inboxes);
        next = batch.end() + 1;
        let tasks: Vec<_> = batch
            .map(|inbox| {
                let store = store.clone();
                tokio::spawn(async move {
                    let stream = StreamName::new(Category::Inbox, inbox);
                    append(&*store, &stream, &history(inbox, each)).await
                })
            })
            .collect();
        for task in tasks {
            task.await??;
            bar.inc(each);
        }
    }
    Ok(())
}

async fn append(
    store: &dyn EventStore,
    stream: &StreamName,
    events: &[events::Event],
) -> Result<(), events::Failure> {
    let tail = Tail::default();
    let mut draft = Draft::new(stream, tail);
    let cause = Uuid::new_v5(&Uuid::nil(), stream.as_str().as_bytes());
    let (correlation, actor) = (cause, Actor::ADMIN);
    let metadata = Metadata { correlation, causation: cause, actor, account: Some(ACCOUNT) };
    for (nth, event) in events.iter().enumerate() {
        let at = Timestamp::from_micros(1_790_000_000_000_000 + nth as i64);
        draft.add(event, &metadata, at, nth);
    }
    store.append(stream, tail.expected(), draft.finish().0).await.map(drop)
}

fn account_registered() -> events::Event {
    let administrator_emails = vec![];
    account::Event::from(account::Registered { name: "Bench".into(), administrator_emails }).into()
}

/// A registration, then errors that a success follows.
pub(super) fn history(inbox: u64, each: u64) -> Vec<events::Event> {
    let registered = Registered {
        account: ACCOUNT,
        name: format!("Support {inbox}"),
        channel_type: "Channel::Email".into(),
        attributes: "{}".into(),
        credentials: None,
        threshold: None,
    };
    let first = std::iter::once(Event::from(registered));
    let rest = (1..each).map(|nth| {
        let event = if nth % 5 == 0 {
            reauthorization::Event::AuthorizationSucceeded(AuthorizationSucceeded {})
        } else {
            reauthorization::Event::AuthorizationErrorRecorded(failed((nth % 5) as u32))
        };
        Event::from(event)
    });
    first.chain(rest).map(events::Event::from).collect()
}

fn failed(count: u32) -> AuthorizationErrorRecorded {
    let evidence = Evidence {
        provider: Some("meta".into()),
        status: Some(400),
        code: Some("190".into()),
        subcode: Some("460".into()),
        message: Some("Error validating access token".into()),
        body: None,
    };
    let rule = Some("meta 190/460".into());
    let verdict = Verdict { class: Class::Auth, scope: Scope::Account, rule };
    let (table, threshold, number, at) = (2, 10, count.into(), None);
    AuthorizationErrorRecorded { evidence, verdict, table, count, threshold, number, at }
}
