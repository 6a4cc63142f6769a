use std::sync::Arc;
use std::time::Duration;

use events::snapshot::memory::Shelf;
use events::{AccountId, EventId, Position};

use super::*;
use crate::registry::{Limits, World};
use crate::testing::probe::{Ask, No, Probe, anew, repeatable, said, say};
use crate::testing::{TestStore, pass, world};

const ID: AccountId = AccountId(1);

fn stream() -> StreamName {
    StreamName::new(Probe::CATEGORY, ID)
}

fn start() -> (Arc<TestStore>, Registry<Probe>) {
    let store = Arc::new(TestStore::default());
    let probes = Registry::new(world(&store));
    (store, probes)
}

async fn history(store: &TestStore) -> Vec<events::Event> {
    store.events(&stream()).await
}

fn all_said(texts: impl IntoIterator<Item: ToString>) -> Vec<events::Event> {
    texts.into_iter().map(|text| said(text).into()).collect()
}

#[tokio::test(start_paused = true)]
async fn commands_that_wait_together_become_one_append_in_their_order() {
    let (store, probes) = start();
    let asks: Vec<_> = (0..100).map(|nth| probes.ask(ID, anew(), say(nth))).collect();
    for (nth, ask) in asks.into_iter().enumerate() {
        let done = ask.await.unwrap();
        assert_eq!(done.answer.len(), nth + 1, "each is told what was true after it");
        assert_eq!(done.position, Position(100));
    }
    assert_eq!(store.appends_to(&stream()), [100]);
    assert_eq!(history(&store).await, all_said(0..100));
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_a_limit() {
    let (store, probes) = start();
    let asks: Vec<_> = (0..600).map(|nth| probes.ask(ID, anew(), say(nth))).collect();
    for ask in asks {
        ask.await.unwrap();
    }
    assert_eq!(store.appends_to(&stream()), [512, 88]);
    assert_eq!(history(&store).await, all_said(0..600));
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_a_limit_in_bytes() {
    let (store, probes) = start();
    let asks: Vec<_> = (0..3).map(|_| probes.ask(ID, anew(), Ask::Shout(300 << 10))).collect();
    for ask in asks {
        ask.await.unwrap();
    }
    assert_eq!(store.appends_to(&stream()), [2, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_too_large_is_refused_and_nobody_else() {
    let (store, probes) = start();
    let before = probes.ask(ID, anew(), say("before"));
    let large = probes.ask(ID, anew(), Ask::Shout(4 << 20));
    let behind = probes.ask(ID, anew(), say("behind"));
    before.await.unwrap();
    let refused = large.await.unwrap_err();
    assert!(matches!(refused, Refused::TooLarge { bytes, .. } if bytes > 4 << 20), "{refused}");
    assert!(!refused.is_passing());
    behind.await.unwrap();
    assert_eq!(history(&store).await, all_said(["before", "behind"]));
}

#[tokio::test(start_paused = true)]
async fn each_of_a_batch_is_answered_by_itself() {
    let (store, probes) = start();
    let first = probes.ask(ID, anew(), say("first"));
    let refused = probes.ask(ID, anew(), Ask::Refuse);
    let look = probes.ask(ID, anew(), Ask::Look);
    let last = probes.ask(ID, anew(), say("last"));
    assert_eq!(first.await.unwrap().answer, ["first"]);
    assert_eq!(refused.await.unwrap_err(), Refused::Rejected(No));
    let look = look.await.unwrap();
    assert_eq!((look.answer, look.event), (vec!["first".to_owned()], None));
    assert_eq!(last.await.unwrap().answer, ["first", "last"]);
    assert_eq!(store.appends_to(&stream()), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_command_is_told_its_event_and_where_it_stands() {
    let (store, probes) = start();
    probes.ask(ID, anew(), say("before")).await.unwrap();
    let context = anew();
    let done = probes.ask(ID, context.clone(), say("it")).await.unwrap();
    let recorded = store.history(&stream()).await.pop().unwrap();
    assert_eq!(done.event, Some(recorded.id));
    assert_eq!(recorded.id, EventId::caused_by(context.id, stream().as_str(), 0));
    assert_eq!(done.position, recorded.position);
    assert_eq!(recorded.metadata().unwrap(), context.metadata());
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_does_not_take_the_command_along() {
    let (store, probes) = start();
    drop(probes.ask(ID, anew(), say("I am gone")));
    probes.ask(ID, anew(), say("I am here")).await.unwrap();
    assert_eq!(history(&store).await, all_said(["I am gone", "I am here"]));
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_learn_that_the_log_is_not_available_and_later_it_works() {
    let (store, probes) = start();
    probes.ask(ID, anew(), say("before")).await.unwrap();
    store.fail_appends(1);
    let asks: Vec<_> = (0..3).map(|nth| probes.ask(ID, anew(), say(nth))).collect();
    for ask in asks {
        let refused = ask.await.unwrap_err();
        assert!(matches!(refused, Refused::Unavailable { .. }), "{refused}");
        assert!(refused.is_passing());
    }
    let done = probes.ask(ID, anew(), say("behind")).await.unwrap();
    assert_eq!(done.answer, ["before", "behind"]);
    assert_eq!(history(&store).await, all_said(["before", "behind"]));
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_cannot_read_the_log_refuses_until_it_can() {
    let (store, probes) = start();
    store.shut();
    for _ in 0..2 {
        let refused = probes.ask(ID, anew(), Ask::Look).await.unwrap_err();
        assert!(matches!(refused, Refused::Unavailable { .. }), "{refused}");
    }
    store.reopen();
    probes.ask(ID, anew(), say("at last")).await.unwrap();
    assert!(probes.halted().is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_a_conflict_the_commands_are_decided_anew() {
    let (store, here) = start();
    let there: Registry<Probe> = Registry::new(world(&store));
    here.ask(ID, anew(), say("here")).await.unwrap();
    there.ask(ID, anew(), say("there")).await.unwrap();
    let done = here.ask(ID, anew(), say("here again")).await.unwrap();
    assert_eq!(done.answer, ["here", "there", "here again"]);
    assert_eq!(store.history(&stream()).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_command_that_can_be_repeated_changes_nothing() {
    let (store, probes) = start();
    let asks: Vec<_> = (0..2).map(|_| probes.ask(ID, repeatable("once"), say("once"))).collect();
    let mut done = vec![];
    for ask in asks {
        done.push(ask.await.unwrap());
    }
    probes.ask(ID, anew(), say("something else")).await.unwrap();
    done.push(probes.ask(ID, repeatable("once"), say("once")).await.unwrap());
    let restarted: Registry<Probe> = Registry::new(world(&store));
    done.push(restarted.ask(ID, repeatable("once"), say("once")).await.unwrap());
    assert!(done.iter().all(|it| it.event == done[0].event && it.position == Position(1)));
    assert_eq!(history(&store).await, all_said(["once", "something else"]));
}

#[tokio::test(start_paused = true)]
async fn a_command_whose_answer_was_lost_is_repeated_safely() {
    let (store, probes) = start();
    store.lose_answers(1);
    let lost = probes.ask(ID, repeatable("once"), say("once")).await.unwrap_err();
    assert!(matches!(lost, Refused::Unavailable { .. }), "{lost}");
    let done = probes.ask(ID, repeatable("once"), say("once")).await.unwrap();
    assert_eq!(done.event, Some(store.history(&stream()).await[0].id));
    assert_eq!(history(&store).await, all_said(["once"]));
}

#[tokio::test(start_paused = true)]
async fn a_rejected_command_may_be_repeated_and_then_be_accepted() {
    let (store, probes) = start();
    let refused = probes.ask(ID, repeatable("it"), Ask::Refuse).await.unwrap_err();
    assert_eq!(refused, Refused::Rejected(No));
    probes.ask(ID, repeatable("it"), say("it")).await.unwrap();
    assert_eq!(history(&store).await, all_said(["it"]));
}

#[tokio::test(start_paused = true)]
async fn repeatable_commands_are_remembered_across_pages_of_the_stream() {
    let (store, probes) = start();
    probes.ask(ID, repeatable("last of the page"), say(0)).await.unwrap();
    for _ in 0..events::store::PAGE_MAX / 256 {
        let asks: Vec<_> = (0..256).map(|nth| probes.ask(ID, anew(), say(nth))).collect();
        for ask in asks {
            ask.await.unwrap();
        }
    }
    probes.ask(ID, repeatable("first of the next"), say(0)).await.unwrap();
    let before = history(&store).await.len();
    let restarted: Registry<Probe> = Registry::new(world(&store));
    let done = restarted.ask(ID, repeatable("first of the next"), say(0)).await.unwrap();
    assert_eq!(done.answer.len(), before);
    assert_eq!(history(&store).await.len(), before);
}

#[test]
fn what_is_heard_of_others_takes_one_place_however_much_it_is() {
    let mailbox = Mailbox::<Probe>::new(3);
    for revision in (0..100).map(Revision) {
        assert!(mailbox.push(Item::Heard(revision)).is_ok());
    }
    for _ in 0..100 {
        assert!(mailbox.push(Item::Wake).is_ok());
    }
    let (envelope, _answer) = Envelope::new(anew(), say("it"));
    assert!(mailbox.push(Item::Command(envelope)).is_ok(), "there is room for who asks");
    let items = mailbox.take().unwrap();
    assert_eq!(items.len(), 3);
    assert!(matches!(items.front(), Some(Item::Heard(Revision(99)))));
}

#[tokio::test(start_paused = true)]
async fn a_state_is_packed_and_unpacked_where_nobody_waits_for_it() {
    let (store, shelf) = (Arc::new(TestStore::default()), Arc::new(Shelf::default()));
    let limits = Limits { keep_every: 50, ..Limits::default() };
    let within = || World { snapshots: Some(shelf.clone()), limits, ..world(&store) };
    let first = Registry::<Probe>::new(within());
    for nth in 0..60 {
        first.ask(ID, anew(), say(nth)).await.unwrap();
    }
    pass(Duration::from_secs(1)).await;
    assert_eq!(shelf.saves.load(std::sync::atomic::Ordering::Relaxed), 1);
    let read = store.records_of_streams_read();
    let second = Registry::<Probe>::new(within());
    assert_eq!(second.ask(ID, anew(), Ask::Look).await.unwrap().answer.len(), 60);
    assert!(store.records_of_streams_read() - read < 20);
}

#[test]
fn where_a_stream_stops_being_told_is_said_whoever_finds_it() {
    let reason = || "hash is not what Relink writes".to_owned();
    let halted = |position| Problem::from(Failure::Corrupt { position, reason: reason() });
    let said = "it cannot be told from position 14 on: hash is not what Relink writes";
    assert_eq!(halted(Some(Position(13))), Problem::Halt(said.to_owned()));
    let nowhere = "the log is damaged: hash is not what Relink writes";
    assert_eq!(halted(None), Problem::Halt(nowhere.to_owned()));
}
