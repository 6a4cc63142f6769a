//! Two registries over one log, as two nodes have them.

use events::evidence::{Class, Evidence, Scope, Verdict};
use events::reauthorization::{Command as Report, Event as Authorization};
use events::{Event, InboxId};

use super::*;
use crate::inbox::{Action, Answer, Command, Inbox, Registration, Rejection};
use crate::testing::probe::repeatable;
use crate::testing::{NOON, STALL};

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
    store.share();
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

/// Two nodes whose actors have said something each, so that the first one's is of yesterday.
async fn two_that_remember() -> (Arc<TestStore>, [Registry<Probe>; 2]) {
    let store = Arc::new(TestStore::default());
    store.share();
    let nodes = [Registry::new(world(&store)), Registry::new(world(&store))];
    for (node, word) in nodes.iter().zip(["one", "two"]) {
        node.ask(ID, anew(), say(word)).await.unwrap();
    }
    (store, nodes)
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_fact_is_of_the_newest_state() {
    let (store, nodes) = two_that_remember().await;
    let before = store.looked();
    assert_eq!(nodes[0].ask(ID, anew(), Ask::Look).await.unwrap().answer, ["one", "two"]);
    assert_eq!(store.looked(), before + 1, "the end of the stream, and no more");
    let position = nodes[1].ask(ID, anew(), Ask::Look).await.unwrap().position;
    assert_eq!(nodes[0].ask(ID, anew(), Ask::Look).await.unwrap().position, position);
}

#[tokio::test(start_paused = true)]
async fn a_glance_reads_nothing() {
    let (store, nodes) = two_that_remember().await;
    let before = store.looked();
    assert_eq!(nodes[0].glance(ID, anew(), Ask::Look).await.unwrap().answer, ["one"]);
    assert_eq!(store.looked(), before);
}

#[tokio::test(start_paused = true)]
async fn what_is_heard_of_another_node_is_taken_in() {
    let (_store, nodes) = two_that_remember().await;
    nodes[0].heard(ID, Revision(1));
    assert_eq!(nodes[0].glance(ID, anew(), Ask::Look).await.unwrap().answer, ["one", "two"]);
    let idle: Registry<Probe> = Registry::new(nodes[0].inner.world.clone());
    idle.heard(ID, Revision(1));
    assert_eq!(idle.awake(), 0, "nobody is woken who owes nothing here");
}

#[tokio::test(start_paused = true)]
async fn after_a_conflict_only_what_is_new_is_read() {
    let (store, nodes) = two_that_remember().await;
    let before = store.looked();
    let done = nodes[0].ask(ID, anew(), say("three")).await.unwrap();
    assert_eq!(done.answer, ["one", "two", "three"]);
    assert_eq!(store.looked(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_log_of_one_node_is_not_looked_at_for_an_answer() {
    let store = Arc::new(TestStore::default());
    let probes: Registry<Probe> = Registry::new(world(&store));
    probes.ask(ID, anew(), say("one")).await.unwrap();
    let before = store.looked();
    assert_eq!(probes.ask(ID, anew(), Ask::Look).await.unwrap().answer, ["one"]);
    assert_eq!(store.looked(), before);
}

#[tokio::test(start_paused = true)]
async fn one_command_that_two_nodes_carry_out_is_written_once_and_neither_is_misled() {
    let (store, nodes) = two_that_remember().await;
    nodes[0].ask(ID, anew(), Ask::Look).await.unwrap();
    let (early, late) = (repeatable("same"), repeatable("same"));
    let late = Context { now: late.now.after(Duration::from_secs(1)), ..late };
    let asks = [nodes[0].ask(ID, early, say("three")), nodes[1].ask(ID, late, say("three"))];
    let mut events = vec![];
    for ask in asks {
        events.push(ask.await.unwrap().event.unwrap());
    }
    assert_eq!(events[0], events[1]);
    for node in &nodes {
        node.ask(ID, anew(), say("more")).await.unwrap();
    }
    let afresh: Registry<Probe> = Registry::new(world(&store));
    let heard = afresh.ask(ID, anew(), Ask::Look).await.unwrap().answer;
    assert_eq!(heard, ["one", "two", "three", "more", "more"]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_behind_a_log_that_does_not_answer_waits_no_longer_and_is_not_served_later() {
    let store = Arc::new(TestStore::default());
    store.share();
    let probes: Registry<Probe> = Registry::new(world(&store));
    probes.ask(ID, anew(), say("before")).await.unwrap();
    store.stall_appends(1);
    let first = probes.ask(ID, anew(), say("first"));
    pass(Duration::from_secs(1)).await;
    let (asked, behind) = (Instant::now(), probes.ask(ID, anew(), say("behind")));
    assert!(first.await.unwrap_err().is_passing());
    assert!(behind.await.unwrap_err().is_passing());
    assert!(asked.elapsed() <= ANSWER_WITHIN, "it took {:?}", asked.elapsed());
    pass(STALL).await;
    probes.ask(ID, anew(), say("later")).await.unwrap();
    assert_eq!(heard(&probes, ID).await, ["before", "later"]);
}
