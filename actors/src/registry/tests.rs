mod debts;
mod nodes;
mod retention;

use std::sync::Arc;

use events::AccountId;

use super::*;
use crate::testing::probe::{Ask, Probe, anew, said, say};
use crate::testing::{Forgery, TestClock, TestStore, pass, world};

const ID: AccountId = AccountId(1);
const OTHER: AccountId = AccountId(2);

fn stream(id: AccountId) -> StreamName {
    StreamName::new(Probe::CATEGORY, id)
}

fn start() -> (Arc<TestStore>, Registry<Probe>) {
    let store = Arc::new(TestStore::default());
    let probes = Registry::new(world(&store));
    (store, probes)
}

async fn heard(probes: &Registry<Probe>, id: AccountId) -> Vec<String> {
    probes.ask(id, anew(), Ask::Look).await.unwrap().answer
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_says_so_and_takes_more_once_it_is_not() {
    let store = Arc::new(TestStore::default());
    let limits = Limits { mailbox: 2, ..Limits::default() };
    let probes: Registry<Probe> = Registry::new(World { limits, ..world(&store) });
    let taken: Vec<_> = (0..2).map(|nth| probes.ask(ID, anew(), say(nth))).collect();
    let refused = probes.ask(ID, anew(), say("too much")).await.unwrap_err();
    assert_eq!(refused, Refused::Full);
    assert!(refused.is_passing());
    for ask in taken {
        ask.await.unwrap();
    }
    assert_eq!(heard(&probes, ID).await, ["0", "1"]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_falls_over_restarts_for_the_next_command() {
    let (_, probes) = start();
    probes.ask(ID, anew(), say("before")).await.unwrap();
    let waiting: Vec<_> = [say("with it"), Ask::Fall, say("with it too")]
        .into_iter()
        .map(|command| probes.ask(ID, anew(), command))
        .collect();
    for ask in waiting {
        assert_eq!(ask.await.unwrap_err(), Refused::Restarted);
    }
    let done = probes.ask(ID, anew(), say("behind")).await;
    // The word of the fall may still be on its way to the registry.
    let done = match done {
        Err(Refused::Restarted) => probes.ask(ID, anew(), say("behind")).await,
        done => done,
    };
    assert_eq!(done.unwrap().answer, ["before", "behind"]);
    assert!(probes.halted().is_empty());
}

/// Lets it fall over, and the word of it get around.
async fn fall(probes: &Registry<Probe>, id: AccountId) {
    assert_eq!(probes.ask(id, anew(), Ask::Fall).await.unwrap_err(), Refused::Restarted);
    pass(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_actor_falls_over_three_times_is_halted_alone() {
    let (_, probes) = start();
    for _ in 0..3 {
        fall(&probes, ID).await;
    }
    let refused = probes.ask(ID, anew(), Ask::Look).await.unwrap_err();
    assert!(matches!(refused, Refused::Halted { .. }), "{refused}");
    assert!(!refused.is_passing());
    let (halted, halt) = probes.halted().list().pop().unwrap();
    assert_eq!(halted, stream(ID));
    assert!(halt.reason.contains("told to fall over"), "{}", halt.reason);
    assert_eq!(heard(&probes, OTHER).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn falls_that_lie_far_apart_are_not_counted_together() {
    let (_, probes) = start();
    for _ in 0..5 {
        fall(&probes, ID).await;
        fall(&probes, ID).await;
        pass(PANICS_WITHIN * 2).await;
    }
    assert_eq!(heard(&probes, ID).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_stream_is_halted_alone() {
    for forgery in [Forgery::BrokenChain, Forgery::UnheardOf] {
        let (store, probes) = start();
        store.forge(&stream(ID), &said("fine").into(), Forgery::None).await;
        store.forge(&stream(ID), &said("damaged").into(), forgery).await;
        let asks: Vec<_> = (0..2).map(|nth| probes.ask(ID, anew(), say(nth))).collect();
        for ask in asks {
            let refused = ask.await.unwrap_err();
            assert!(matches!(refused, Refused::Halted { .. }), "{refused}");
            let place = "cannot be told from position 2 on";
            assert!(refused.to_string().contains(place), "{refused}");
        }
        let refused = probes.ask(ID, anew(), Ask::Look).await.unwrap_err();
        assert!(matches!(refused, Refused::Halted { .. }), "{refused}");
        probes.ask(OTHER, anew(), say("I go on")).await.unwrap();
        assert_eq!(probes.halted().list().len(), 1);
        assert_eq!(probes.awake(), 1, "nobody is awake for a halted stream");
        assert!(store.appends_to(&stream(ID)).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_with_anothers_event_is_halted() {
    let (store, probes) = start();
    let event = events::Event::Fanout(
        events::fanout::Advanced { position: events::Position(1), behind: vec![] }.into(),
    );
    store.forge(&stream(ID), &event, Forgery::None).await;
    let refused = probes.ask(ID, anew(), Ask::Look).await.unwrap_err();
    assert!(matches!(refused, Refused::Halted { .. }), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_actor_is_let_go_and_wakes_with_its_state() {
    let (_, probes) = start();
    probes.ask(ID, anew(), say("remember this")).await.unwrap();
    assert_eq!(probes.awake(), 1);
    let idle = Limits::default().idle;
    pass(idle / 2).await;
    assert_eq!(probes.awake(), 1);
    pass(idle * 2).await;
    assert_eq!(probes.awake(), 0);
    assert!(probes.inner.actors.is_empty());
    assert_eq!(heard(&probes, ID).await, ["remember this"]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_asked_is_not_let_go() {
    let (store, probes) = start();
    for nth in 0..20 {
        probes.ask(ID, anew(), say(nth)).await.unwrap();
        pass(Limits::default().idle / 2).await;
    }
    assert_eq!(probes.awake(), 1);
    assert_eq!(store.events(&stream(ID)).await.len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_nobody_holds_ends() {
    let (_, probes) = start();
    let weak = probes.downgrade();
    probes.ask(ID, anew(), say("hello")).await.unwrap();
    drop(probes);
    assert!(weak.upgrade().is_some(), "its actor still holds it");
    pass(Limits::default().idle * 2).await;
    assert!(weak.upgrade().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_is_handed_over_as_a_chain_is_done_in_its_order_or_not_at_all() {
    let (store, probes) = start();
    probes.ask(ID, anew(), say("before")).await.unwrap();
    let chain = Chain::default();
    store.fail_appends(1);
    let first = tokio::spawn(probes.ask_in(&chain, ID, anew(), say("first")));
    // It is being written, and about to fail, when the next one comes.
    while !store.is_appending() {
        tokio::task::yield_now().await;
    }
    let second = probes.ask_in(&chain, ID, anew(), say("second"));
    let stranger = probes.ask(ID, anew(), say("stranger"));
    assert!(first.await.unwrap().unwrap_err().is_passing());
    assert!(second.await.unwrap_err().is_passing());
    stranger.await.unwrap();
    assert_eq!(heard(&probes, ID).await, ["before", "stranger"]);
    let chain = Chain::default();
    let again = ["first", "second"].map(|text| probes.ask_in(&chain, ID, anew(), say(text)));
    for ask in again {
        ask.await.unwrap();
    }
    assert_eq!(heard(&probes, ID).await, ["before", "stranger", "first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn a_chain_breaks_where_the_mailbox_is_full_and_where_an_actor_falls_over_and_not_at_a_no() {
    let store = Arc::new(TestStore::default());
    let limits = Limits { mailbox: 2, ..Limits::default() };
    let probes: Registry<Probe> = Registry::new(World { limits, ..world(&store) });
    for (command, others) in [(Ask::Fall, false), (Ask::Refuse, true)] {
        let chain = Chain::default();
        let first = probes.ask_in(&chain, ID, anew(), command);
        assert!(first.await.is_err());
        pass(Duration::from_secs(1)).await;
        let second = probes.ask_in(&chain, ID, anew(), say("second")).await;
        assert_eq!(second.is_ok(), others);
    }
    let chain = Chain::default();
    let fit = [3, 4].map(|nth| probes.ask_in(&chain, ID, anew(), say(nth)));
    let full = probes.ask_in(&chain, ID, anew(), say("5")).await;
    assert_eq!(full.unwrap_err(), Refused::Full);
    for ask in fit {
        ask.await.unwrap();
    }
    assert!(probes.ask_in(&chain, ID, anew(), say("6")).await.is_err());
    assert_eq!(heard(&probes, ID).await, ["second", "3", "4"]);
}

/// A registry whose clock can be set, apart from tokio's time.
fn start_by_clock() -> (Arc<TestClock>, Registry<Probe>) {
    let clock = Arc::new(TestClock::at_noon());
    let store = Arc::new(TestStore::default());
    let probes = Registry::new(World { clock: clock.clone(), ..world(&store) });
    (clock, probes)
}

#[tokio::test(start_paused = true)]
async fn an_idle_actor_is_let_go_although_the_clock_was_put_back() {
    let (clock, probes) = start_by_clock();
    probes.ask(ID, anew(), say("hello")).await.unwrap();
    clock.jump(-7_200);
    pass(Limits::default().idle * 2).await;
    assert_eq!(probes.awake(), 0);
}

#[tokio::test(start_paused = true)]
async fn falls_that_lie_far_apart_are_not_counted_together_when_the_clock_was_put_back() {
    let (clock, probes) = start_by_clock();
    for _ in 0..PANICS_MAX {
        fall(&probes, ID).await;
        clock.jump(-7_200);
        pass(PANICS_WITHIN * 2).await;
    }
    assert!(probes.halted().is_empty());
}
