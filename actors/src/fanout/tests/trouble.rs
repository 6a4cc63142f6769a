//! Restarts, checkpoints, damaged ledgers, a log that is away.

use super::*;
use events::Timestamp;

use crate::fanout::waking::{BETWEEN_WAVES, WAVE};
use crate::nodes::Share;
use crate::ports::NodeId;
use crate::registry::Limits;
use crate::testing::NOON;

async fn subscribed() -> Arc<TestStore> {
    let store = Arc::new(TestStore::default());
    subscribe(&store, HOOK, &["message_created"]).await;
    subscribe(&store, OTHER, &["message_created"]).await;
    store
}

async fn say(store: &TestStore, ids: std::ops::Range<u64>) -> Position {
    let mut last = Position::START;
    for id in ids {
        last = report(store, "message_created", json!({ "id": id })).await;
    }
    last
}

/// Both are owed each of these, once and in their order.
#[track_caller]
fn assert_each_once(owed: [Vec<(String, u64)>; 2], count: u64) {
    for owed in owed {
        assert_eq!(owed, (0..count).map(message).collect::<Vec<_>>());
    }
}

async fn both(store: &TestStore) -> [Vec<(String, u64)>; 2] {
    [owed(store, HOOK).await, owed(store, OTHER).await]
}

#[tokio::test(start_paused = true)]
async fn fanning_out_twice_owes_nothing_twice() {
    let store = subscribed().await;
    say(&store, 0..300).await;
    let (one, another) = (Service::over(&store), Service::over(&store));
    one.catch_up().await;
    another.catch_up().await;
    assert_each_once(both(&store).await, 300);
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_behind_its_checkpoint() {
    let store = subscribed().await;
    let last = say(&store, 0..10).await;
    Service::run(&store).await;
    assert!(checkpoint(&store).await >= last);
    say(&store, 10..20).await;
    Service::run(&store).await;
    assert_each_once(both(&store).await, 20);
}

#[tokio::test(start_paused = true)]
async fn a_fan_out_that_ended_without_a_checkpoint_owes_nothing_twice_and_forgets_nothing() {
    let store = subscribed().await;
    say(&store, 0..10).await;
    let service = Service::over(&store);
    service.catch_up().await;
    let saved = checkpoint(&store).await;
    say(&store, 10..20).await;
    // It is gone before it hears of them all, and without a word.
    service.fanout.kill();
    Service::run(&store).await;
    assert!(checkpoint(&store).await > saved);
    assert_each_once(both(&store).await, 20);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_stays_as_it_is_gets_no_checkpoints() {
    let store = subscribed().await;
    say(&store, 0..10).await;
    let service = Service::over(&store);
    service.catch_up().await;
    pass(Duration::from_secs(3600)).await;
    assert_eq!(store.appends_to(&StreamName::fanout()), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_follows_within_a_minute_or_two_where_nothing_is_owed() {
    let store = subscribed().await;
    let service = Service::over(&store);
    service.catch_up().await;
    let last = report(&store, "of_no_interest", json!({ "id": 1 })).await;
    service.catch_up().await;
    assert!(checkpoint(&store).await < last);
    pass(QUIET * 2).await;
    let (saved, written) = (checkpoint(&store).await, store.appends_to(&StreamName::fanout()));
    assert!(saved >= last);
    pass(Duration::from_secs(3600)).await;
    assert_eq!(checkpoint(&store).await, saved, "its own record is nothing new");
    assert_eq!(store.appends_to(&StreamName::fanout()), written);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_fails_now_and_then_costs_nothing_but_time() {
    let store = subscribed().await;
    let service = Service::over(&store);
    for round in 0..10 {
        store.fail_appends(3);
        store.lose_answers(1);
        say(&store, round * 40..(round + 1) * 40).await;
        service.catch_up().await;
    }
    assert_each_once(both(&store).await, 400);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_away_for_a_while_is_said_and_waited_for() {
    let store = subscribed().await;
    let service = Service::over(&store);
    say(&store, 0..10).await;
    store.shut();
    let mut progress = service.fanout.progress();
    progress.wait_for(|progress| progress.failing.is_some()).await.unwrap();
    pass(Duration::from_secs(60)).await;
    store.reopen();
    service.catch_up().await;
    assert_eq!(progress.borrow_and_update().failing, None);
    assert_each_once(both(&store).await, 10);
}

#[tokio::test(start_paused = true)]
async fn it_stops_even_while_the_log_is_away() {
    let store = subscribed().await;
    let service = Service::over(&store);
    service.catch_up().await;
    say(&store, 0..10).await;
    store.fail_appends(usize::MAX);
    let mut progress = service.fanout.progress();
    progress.wait_for(|progress| progress.failing.is_some()).await.unwrap();
    service.fanout.stop().await;
    store.fail_appends(0);
    Service::run(&store).await;
    assert_each_once(both(&store).await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_ledger_with_a_small_mailbox_is_waited_for() {
    let store = subscribed().await;
    let limits = Limits { mailbox: 3, ..Limits::default() };
    let service = Service::within(&store, World { limits, ..world(&store) });
    say(&store, 0..100).await;
    service.catch_up().await;
    assert_each_once(both(&store).await, 100);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_ledger_is_left_behind_by_name_and_holds_up_nobody() {
    let store = subscribed().await;
    say(&store, 0..5).await;
    Service::run(&store).await;
    let stream = StreamName::new(Category::Ledger, HOOK);
    let event = store.events(&stream).await.remove(0);
    store.forge(&stream, &event, Forgery::BrokenChain).await;
    let before = say(&store, 5..6).await;
    let last = say(&store, 6..10).await;
    for _ in 0..2 {
        Service::run(&store).await;
        let saved = Checkpoint::load(&*store).await.unwrap().saved;
        assert!(saved.position >= last);
        assert_eq!(saved.behind, Laggards::from([(HOOK.into(), before)]));
        let owed = owed(&store, OTHER).await;
        assert_eq!(owed, (0..10).map(message).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_behind_is_told_again_and_nobody_else() {
    let store = subscribed().await;
    let from = say(&store, 0..1).await;
    say(&store, 1..5).await;
    let mut checkpoint = Checkpoint::load(&*store).await.unwrap();
    let page = store.read_all(Position::START, 100).await.unwrap();
    checkpoint.advance(&page, 0, &Laggards::from([(HOOK.into(), from)]), NOON);
    checkpoint.save(&*store, Timestamp::default()).await.unwrap();
    Service::run(&store).await;
    assert_eq!(owed(&store, HOOK).await, (0..5).map(message).collect::<Vec<_>>());
    assert_eq!(owed(&store, OTHER).await, []);
    assert_eq!(Checkpoint::load(&*store).await.unwrap().saved.behind, Laggards::new());
}

#[tokio::test(start_paused = true)]
async fn a_start_from_kept_subscriptions_reads_only_what_came_since() {
    let (store, shelf) = (subscribed().await, Arc::new(Shelf::default()));
    say(&store, 0..200).await;
    let first = Service::keeping(&store, world(&store), &shelf);
    first.catch_up().await;
    first.fanout.stop().await;
    say(&store, 200..203).await;
    let read = store.records_read();
    let second = Service::keeping(&store, world(&store), &shelf);
    second.catch_up().await;
    assert!(store.records_read() - read < 100, "{}", store.records_read() - read);
    assert_each_once(both(&store).await, 203);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_for_a_ledger_holds_up_neither_others_nor_the_checkpoint() {
    let store = subscribed().await;
    // It fits the log as a report, and not as a report with its thread and its delivery.
    let text = "!".repeat(events::store::APPEND_BYTES_MAX - 200);
    let large = report(&store, "message_created", json!({ "id": 0, "text": text })).await;
    say(&store, 1..4).await;
    Service::run(&store).await;
    assert!(checkpoint(&store).await >= large);
    assert_each_once(both(&store).await, 4);
}

#[tokio::test(start_paused = true)]
async fn every_ledger_is_woken_once_it_has_caught_up() {
    let store = subscribed().await;
    Service::run(&store).await;
    let service = Service::over(&store);
    assert_eq!(service.ledgers.awake(), 0);
    service.catch_up().await;
    assert_eq!(service.ledgers.awake(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_nobody_understands_owes_nothing_and_holds_up_nothing() {
    let store = subscribed().await;
    let stream = StreamName::new(Category::Platform, AccountId(2));
    let fine = EventReceived { account: ACCOUNT, event: "x".into(), data: "{}".into() };
    let fine = Event::Platform(fine.into());
    store.forge(&stream, &fine, Forgery::UnheardOf).await;
    say(&store, 0..3).await;
    Service::run(&store).await;
    assert_each_once(both(&store).await, 3);
}

#[tokio::test(start_paused = true)]
async fn more_than_one_append_takes_is_abandoned_with_its_webhook() {
    let store = subscribed().await;
    say(&store, 0..9_000).await;
    tell_webhook(&store, HOOK, events::webhook::Deleted {}).await;
    Service::run(&store).await;
    let told = ledger(&store, HOOK).await;
    let abandoned = told.iter().filter(|it| matches!(it, DeliveryEvent::Abandoned(_)));
    assert_eq!(abandoned.count(), 9_000);
}

#[tokio::test(start_paused = true)]
async fn who_drops_it_ends_it() {
    let service = Service::over(&subscribed().await);
    service.catch_up().await;
    let mut progress = service.fanout.progress();
    drop(service.fanout);
    // Whoever tells of its progress is gone; what goes round in circles lets no time pass.
    let gone = async { while progress.changed().await.is_ok() {} };
    assert!(tokio::time::timeout(Duration::from_secs(5), gone).await.is_ok(), "it goes on");
}

#[tokio::test(start_paused = true)]
async fn whoever_stands_by_waits_for_the_log_as_all_do_who_follow_it() {
    let store = subscribed().await;
    say(&store, 0..10).await;
    Service::run(&store).await;
    let saved = checkpoint(&store).await;
    store.answer_followers_alone();
    let [me, others @ ..] = [1, 2, 3].map(Uuid::from_u128).map(NodeId);
    let mut theirs = Division::alone(me, String::new());
    theirs.members = others.into();
    let share = Share::new(watch::channel(theirs).1);
    let service = Service::within(&store, World { share, ..world(&store) });
    let mut progress = service.fanout.progress();
    let told = |progress: &Progress| progress.failing.is_some() || progress.position == saved;
    let told = tokio::time::timeout(Duration::from_secs(60), progress.wait_for(told)).await;
    assert_eq!(told.unwrap().unwrap().failing, None);
}

#[tokio::test(start_paused = true)]
async fn it_is_let_go_of_only_once_the_page_is_done_that_it_is_at() {
    let (me, others) = (NodeId(Uuid::from_u128(1)), [2, 3].map(Uuid::from_u128).map(NodeId));
    let mut theirs = Division::alone(me, String::new());
    theirs.members = others.into_iter().collect();
    let service = Service::over(&subscribed().await);
    service.catch_up().await;
    let leading = service.fanout.leading();
    assert!(
        !leading.has_let_go(&theirs) && leading.has_let_go(&Division::alone(me, String::new()))
    );
    service.fanout.stop().await;
    assert!(leading.has_let_go(&theirs));
}

/// A log with so many webhooks that they are woken in three waves.
async fn many() -> Arc<TestStore> {
    let store = Arc::new(TestStore::default());
    for webhook in (1..=600).map(WebhookId) {
        subscribe(&store, webhook, &["message_created"]).await;
    }
    store
}

#[tokio::test(start_paused = true)]
async fn many_ledgers_are_woken_in_waves() {
    let service = Service::over(&many().await);
    service.catch_up().await;
    assert_eq!(service.ledgers.awake(), WAVE);
    pass(BETWEEN_WAVES + BETWEEN_WAVES / 2).await;
    assert_eq!(service.ledgers.awake(), WAVE * 2);
    pass(BETWEEN_WAVES).await;
    assert_eq!(service.ledgers.awake(), 600);
}

#[tokio::test(start_paused = true)]
async fn nothing_new_and_nobody_who_stops_waits_until_all_are_woken() {
    let store = many().await;
    let service = Service::over(&store);
    let began = tokio::time::Instant::now();
    service.catch_up().await;
    report(&store, "message_created", json!({ "id": 1 })).await;
    service.catch_up().await;
    service.fanout.stop().await;
    assert!(began.elapsed() < BETWEEN_WAVES);
    assert_eq!(owed(&store, WebhookId(600)).await, [message(1)]);
}
