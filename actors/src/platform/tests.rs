use std::sync::Arc;

use super::*;
use crate::registry::Registry;
use crate::testing::probe::{anew, repeatable};
use crate::testing::{TestStore, world};

const ACCOUNT: AccountId = AccountId(1);

fn report(nth: usize) -> EventReceived {
    EventReceived { account: ACCOUNT, event: "message_created".into(), data: nth.to_string() }
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_the_chain_goes_on_from_its_end_and_repeats_are_known() {
    let store = Arc::new(TestStore::default());
    let platforms: Registry<Platform> = Registry::new(world(&store));
    for nth in 0..300 {
        platforms.ask(ACCOUNT, anew(), report(nth)).await.unwrap();
    }
    let keyed = repeatable("keyed");
    let first = platforms.ask(ACCOUNT, keyed.clone(), report(300)).await.unwrap();

    let again: Registry<Platform> = Registry::new(world(&store));
    let repeated = again.ask(ACCOUNT, keyed, report(300)).await.unwrap();
    assert_eq!((repeated.event, repeated.position), (first.event, first.position));
    again.ask(ACCOUNT, anew(), report(301)).await.unwrap();
    let stream = events::StreamName::new(Category::Platform, ACCOUNT);
    let expected: Vec<events::Event> =
        (0..302).map(|nth| Event::from(report(nth)).into()).collect();
    assert_eq!(store.events(&stream).await, expected);
}
