//! Two registries over one log, as two nodes have them.

use events::evidence::{Class, Evidence, Scope, Verdict};
use events::reauthorization::{Command as Report, Event as Authorization};
use events::{Event, InboxId};

use super::*;
use crate::inbox::{Action, Answer, Command, Inbox, Registration, Rejection};
use crate::testing::NOON;

const INBOX: InboxId = InboxId(42);

fn command(action: Action) -> Command {
    Command { account: ID, layers: Arc::default(), action }
}

fn prompt() -> Command {
    command(Action::Report(Report::Prompt { reason: None }))
}

fn error() -> Command {
    let verdict = Verdict { class: Class::Auth, scope: Scope::Channel, rule: None };
    let (evidence, table, at) = (Evidence::default(), 1, NOON);
    command(Action::Report(Report::RecordError { evidence, verdict, table, at }))
}

/// Asks until there is an answer, as a client does that is told to come again.
async fn insist(inboxes: Registry<Inbox>, command: Command) -> Done<Answer> {
    loop {
        match inboxes.ask(INBOX, anew(), command.clone()).await {
            Ok(done) => return done,
            Err(refused) => {
                assert!(refused.is_passing(), "{refused}");
                assert!(!matches!(refused, Refused::Restarted));
                tokio::task::yield_now().await;
            }
        }
    }
}

async fn two_nodes() -> (Arc<TestStore>, [Registry<Inbox>; 2]) {
    let store = Arc::new(TestStore::default());
    let nodes = [Registry::new(world(&store)), Registry::new(world(&store))];
    let registration = Registration {
        name: Some("Support".into()),
        channel_type: Some("Channel::Email".into()),
        ..Registration::default()
    };
    insist(nodes[0].clone(), command(Action::Register(registration))).await;
    (store, nodes)
}

async fn authorizations(store: &TestStore) -> Vec<Authorization> {
    let events = store.events(&StreamName::new(Inbox::CATEGORY, INBOX)).await;
    let mut authorizations = vec![];
    for event in events {
        if let Event::Inbox(events::inbox::Event::Reauthorization(it)) = event {
            authorizations.push(it);
        }
    }
    authorizations
}

fn is_transition(event: &Authorization) -> bool {
    matches!(event, Authorization::ReauthorizationRequired(_))
}

#[tokio::test(start_paused = true)]
async fn a_thousand_prompts_at_once_make_one_transition() {
    let (store, nodes) = two_nodes().await;
    let prompts: Vec<_> =
        (0..1000).map(|nth| tokio::spawn(insist(nodes[nth % 2].clone(), prompt()))).collect();
    let mut transitions = 0;
    for prompt in prompts {
        let done = prompt.await.unwrap();
        assert!(done.answer.reauthorization_required);
        transitions += usize::from(done.event.is_some());
    }
    assert_eq!(transitions, 1);
    assert_eq!(authorizations(&store).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn errors_that_two_nodes_record_at_once_are_all_counted_and_make_one_transition() {
    let (store, nodes) = two_nodes().await;
    let mut errors = vec![];
    for round in 0..20 {
        for nth in 0..10 {
            errors.push(tokio::spawn(insist(nodes[(round + nth) % 2].clone(), error())));
        }
        tokio::task::yield_now().await;
    }
    for error in errors {
        assert!(error.await.unwrap().event.is_some());
    }
    let events = authorizations(&store).await;
    assert_eq!(events.iter().filter(|event| is_transition(event)).count(), 1);
    let mut counts = vec![];
    for event in &events {
        if let Authorization::AuthorizationErrorRecorded(recorded) = event {
            counts.push(recorded.count);
        }
    }
    assert_eq!(counts, (1..=200).collect::<Vec<_>>());
    assert!(is_transition(&events[10]), "the tenth error is one too many");
}

#[tokio::test(start_paused = true)]
async fn two_accounts_that_register_one_inbox_at_once_do_not_both_get_it() {
    let store = Arc::new(TestStore::default());
    let nodes: [Registry<Inbox>; 2] = [Registry::new(world(&store)), Registry::new(world(&store))];
    let register = |account| Command {
        layers: Arc::default(),
        account,
        action: Action::Register(Registration {
            name: Some("Support".into()),
            channel_type: Some("Channel::Api".into()),
            ..Registration::default()
        }),
    };
    let asks =
        [nodes[0].ask(INBOX, anew(), register(ID)), nodes[1].ask(INBOX, anew(), register(OTHER))];
    let mut outcomes = vec![];
    for ask in asks {
        outcomes.push(ask.await);
    }
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.contains(&Err(Refused::Rejected(Rejection::Unknown))));
}
