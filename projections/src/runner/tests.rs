use std::sync::atomic::Ordering;
use std::time::Duration;

use events::evidence::Class;
use events::{AccountId, Category, InboxId, StreamName, inbox};

use super::*;
use crate::inbox_health::{HealthState, InboxHealth};
use crate::testing::{
    ACCOUNT, Line, Shelf, append, append_unknown, error, registered, stream, succeeded,
};
use crate::{Snapshots, Views};

const SOON: Duration = Duration::from_secs(5);

fn renamed(name: impl ToString) -> inbox::Event {
    inbox::Renamed { name: name.to_string() }.into()
}

/// Everything that any view shows, in the bytes of no particular order.
fn shown(views: &Views) -> String {
    let health = views.inbox_health.read(|health| {
        health.of_account(ACCOUNT).map(|inbox| format!("{inbox:?}")).collect::<Vec<_>>()
    });
    format!("{health:?} {:?}", views.cache_keys.read(|keys| keys.of_account(ACCOUNT)))
}

#[tokio::test(start_paused = true)]
async fn views_catch_up_and_go_on_as_the_log_grows() {
    let (line, shelf, views) = (Line::new(), Arc::new(Shelf::default()), Views::default());
    append(&*line, &stream(42), [registered("Channel::Whatsapp")]).await;
    let running = views.runner(line.clone(), shelf).start();
    assert!(running.caught_up().await);
    assert_eq!(views.inbox_health.read(InboxHealth::len), 1);

    for round in 1..=20 {
        let position = append(&*line, &stream(42), [error(Class::Rate, 0)]).await;
        views.wait_for(position, SOON).await.unwrap();
        assert_eq!(views.min_position(), Position(1 + round));
    }
    let state = views.inbox_health.read(|health| health.inbox(InboxId(42)).unwrap().state);
    assert_eq!(state, HealthState::Degraded);
    let caught_up = |status: &Status| status.position == Position(21) && status.failing.is_none();
    let status = running.status().wait_for(caught_up).await.unwrap().clone();
    assert_eq!((status.head, status.lag, status.caught_up), (Position(21), 0, true));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_large_log_is_read_in_pages_and_each_record_once() {
    let (line, views) = (Line::new(), Views::default());
    let names = (0..9_000).map(renamed);
    append(&*line, &stream(1), std::iter::once(registered("x")).chain(names)).await;
    let running = views.runner(line.clone(), Arc::new(Shelf::default())).start();
    views.wait_for(Position(9_001), SOON).await.unwrap();
    let name = views.inbox_health.read(|health| health.inbox(InboxId(1)).unwrap().name.to_owned());
    assert_eq!((name.as_str(), line.read.load(Ordering::Relaxed)), ("8999", 9_001));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_view_resumes_from_its_snapshot_without_reading_anew() {
    let (line, shelf) = (Line::new(), Arc::new(Shelf::default()));
    append(&*line, &stream(1), [registered("Channel::Email"), error(Class::Auth, 1)]).await;
    let first = Views::default();
    let running = first.runner(line.clone(), shelf.clone()).start();
    first.wait_for(Position(2), SOON).await.unwrap();
    running.stop().await;

    append(&*line, &stream(1), [succeeded()]).await;
    line.read.store(0, Ordering::Relaxed);
    let second = Views::default();
    let running = second.runner(line.clone(), shelf).start();
    second.wait_for(Position(3), SOON).await.unwrap();
    assert_eq!(line.read.load(Ordering::Relaxed), 2, "the last one seen, to compare, and the new");
    assert_eq!(second.inbox_health.reading().as_of(), Some(crate::testing::second(1)));
    running.stop().await;

    let fresh = Views::default();
    fresh.runner(line, Arc::new(Shelf::default())).rebuild(|_, _| ()).await.unwrap();
    assert_eq!(shown(&second), shown(&fresh));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_is_damaged_foreign_or_ahead_of_the_log_is_rebuilt() {
    type Harm = fn(&Shelf);
    let harms: [Harm; 4] = [
        |shelf| shelf.kept.lock().unwrap().get_mut("inbox_health").unwrap()[40] ^= 1,
        |shelf| shelf.kept.lock().unwrap().get_mut("inbox_health").unwrap().truncate(10),
        |shelf| {
            let other = shelf.load("access").unwrap().unwrap();
            shelf.save("inbox_health", &other).unwrap();
        },
        |shelf| drop(shelf.kept.lock().unwrap().remove("quarantine")),
    ];
    for (nth, harm) in harms.into_iter().enumerate() {
        let (line, shelf) = (Line::new(), Arc::new(Shelf::default()));
        append(&*line, &stream(1), [registered("Channel::Email")]).await;
        Views::default().runner(line.clone(), shelf.clone()).rebuild(|_, _| ()).await.unwrap();
        harm(&shelf);
        line.read.store(0, Ordering::Relaxed);
        let views = Views::default();
        let running = views.runner(line.clone(), shelf).start();
        assert!(running.caught_up().await);
        assert!(line.read.load(Ordering::Relaxed) <= 2, "harm {nth}");
        assert_eq!(views.inbox_health.read(InboxHealth::len), 1, "harm {nth}");
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_beyond_the_end_of_a_restored_log_is_thrown_away() {
    let shelf = Arc::new(Shelf::default());
    let long = Line::new();
    append(&*long, &stream(1), [registered("x"), renamed("a"), renamed("b")]).await;
    Views::default().runner(long, shelf.clone()).rebuild(|_, _| ()).await.unwrap();

    let short = Line::new();
    append(&*short, &stream(1), [registered("x")]).await;
    let views = Views::default();
    let running = views.runner(short, shelf).start();
    assert!(running.caught_up().await);
    assert_eq!(views.min_position(), Position(1));
    let name = views.inbox_health.read(|health| health.inbox(InboxId(1)).unwrap().name.to_owned());
    assert_eq!(name, "Support");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_another_log_is_thrown_away() {
    let shelf = Arc::new(Shelf::default());
    let (one, other) = (Line::new(), Line::new());
    append(&*one, &stream(1), [registered("x"), renamed("one")]).await;
    Views::default().runner(one, shelf.clone()).rebuild(|_, _| ()).await.unwrap();

    append(&*other, &stream(1), [registered("x"), renamed("other"), succeeded()]).await;
    let views = Views::default();
    let running = views.runner(other, shelf).start();
    assert!(running.caught_up().await);
    let name = views.inbox_health.read(|health| health.inbox(InboxId(1)).unwrap().name.to_owned());
    assert_eq!(name, "other");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_undecodable_record_quarantines_its_stream_and_stops_nothing() {
    let (line, shelf, views) = (Line::new(), Arc::new(Shelf::default()), Views::default());
    append(&*line, &stream(1), [registered("x")]).await;
    let bad = append_unknown(&*line, &stream(1)).await;
    let last = append(&*line, &stream(2), [registered("x")]).await;
    let running = views.runner(line.clone(), shelf.clone()).start();
    views.wait_for(last, SOON).await.unwrap();
    assert_eq!(views.inbox_health.read(InboxHealth::len), 2);
    let check = |quarantine: Quarantine| {
        let listed = quarantine.list();
        assert_eq!(listed.len(), 1);
        assert_eq!((&listed[0].stream, listed[0].position), (&stream(1), bad));
        assert!(listed[0].reason.contains("moon.landed version 3"), "{}", listed[0].reason);
    };
    check(running.quarantine());
    running.stop().await;

    // It is still known after a start from snapshots, which does not read that record again.
    line.read.store(0, Ordering::Relaxed);
    let running = Views::default().runner(line.clone(), shelf).start();
    assert!(running.caught_up().await);
    check(running.quarantine());
    assert_eq!(line.read.load(Ordering::Relaxed), 2, "the bad record and the last one");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_quarantined_record_that_means_something_now_has_every_view_rebuilt() {
    let (line, shelf) = (Line::new(), Arc::new(Shelf::default()));
    append(&*line, &stream(1), [registered("x"), renamed("known")]).await;
    Views::default().runner(line.clone(), shelf.clone()).rebuild(|_, _| ()).await.unwrap();
    // As a build would have left it to which the second record meant nothing.
    let header = events::snapshot::Header {
        name: "quarantine".into(),
        version: 1,
        position: Position(2),
        as_of: None,
        hash: [0; 32],
    };
    let entries = vec![(stream(1).to_string(), Position(2))];
    let kept = crate::quarantine::Kept { entries };
    shelf.save("quarantine", &events::snapshot::encode(&header, &kept).unwrap()).unwrap();

    line.read.store(0, Ordering::Relaxed);
    let running = Views::default().runner(line.clone(), shelf).start();
    assert!(running.caught_up().await);
    assert!(running.quarantine().is_empty());
    assert_eq!(line.read.load(Ordering::Relaxed), 3, "one to see, two to rebuild");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_log_that_fails_is_waited_for_and_said_to_fail() {
    let (line, views) = (Line::new(), Views::default());
    line.cut.store(true, Ordering::Relaxed);
    append(&*line, &stream(1), [registered("x")]).await;
    let running = views.runner(line.clone(), Arc::new(Shelf::default())).start();
    let mut status = running.status();
    let said = status.wait_for(|status| status.failing.is_some()).await.unwrap().clone();
    assert_eq!(said.failing.as_deref(), Some("the log is not available: the line is cut"));
    line.cut.store(false, Ordering::Relaxed);
    views.wait_for(Position(1), SOON).await.unwrap();

    line.cut.store(true, Ordering::Relaxed);
    append(&*line, &stream(1), [renamed("a")]).await;
    status.wait_for(|status| status.failing.is_some()).await.unwrap();
    line.cut.store(false, Ordering::Relaxed);
    // It is no longer failing although there may be nothing new to read.
    status.wait_for(|status| status.failing.is_none()).await.unwrap();
    views.wait_for(Position(2), SOON).await.unwrap();
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_new_is_saved_within_a_minute_and_nothing_is_saved_twice() {
    let (line, shelf, views) = (Line::new(), Arc::new(Shelf::default()), Views::default());
    append(&*line, &stream(1), [registered("x")]).await;
    let running = views.runner(line.clone(), shelf.clone()).start();
    assert!(running.caught_up().await);
    let saves = |shelf: &Shelf| shelf.saves.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(30)).await;
    let all = shelf.kept.lock().unwrap().len();
    assert_eq!(saves(&shelf), all, "each view and the quarantine, at the end of the log");
    append(&*line, &stream(1), [renamed("a")]).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(saves(&shelf), 2 * all);
    tokio::time::sleep(Duration::from_secs(600)).await;
    running.stop().await;
    assert_eq!(saves(&shelf), 2 * all);
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_tells_its_progress_and_ignores_snapshots() {
    let (line, shelf) = (Line::new(), Arc::new(Shelf::default()));
    let names = (0..5_000).map(renamed);
    append(&*line, &stream(1), std::iter::once(registered("x")).chain(names)).await;
    let mut told = vec![];
    let views = Views::default();
    let runner = views.runner(line.clone(), shelf.clone());
    runner.rebuild(|position, head| told.push((position, head))).await.unwrap();
    let head = Position(5_001);
    assert_eq!(told, [(Position(4_096), head), (head, head)]);

    line.read.store(0, Ordering::Relaxed);
    Views::default().runner(line.clone(), shelf).rebuild(|_, _| ()).await.unwrap();
    assert_eq!(line.read.load(Ordering::Relaxed), 5_001);
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_of_a_failing_log_says_so_and_saves_nothing() {
    let (line, shelf) = (Line::new(), Arc::new(Shelf::default()));
    line.cut.store(true, Ordering::Relaxed);
    let failure = Views::default().runner(line, shelf.clone()).rebuild(|_, _| ()).await;
    assert!(matches!(failure, Err(Failure::Unavailable { .. })));
    assert_eq!(shelf.saves.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn folding_by_and_by_with_restarts_shows_what_a_rebuild_shows() {
    let (line, shelf) = (Line::new(), Arc::new(Shelf::default()));
    let account = StreamName::new(Category::Account, AccountId(1));
    let named = events::account::Registered { name: "A".into(), administrator_emails: vec![] };
    append(&*line, &account, [events::account::Event::from(named)]).await;
    // A xorshift by hand: the same events on every run, in no order that anybody thought of.
    let mut chance = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: u64| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance % below
    };
    for _ in 0..12 {
        let views = Views::default();
        let running = views.runner(line.clone(), shelf.clone()).start();
        let mut last = Position::START;
        for _ in 0..40 {
            let event = match next(6) {
                0 => registered("Channel::Email"),
                1 => error(Class::Auth, 1),
                2 => error(Class::Policy, 0),
                3 => succeeded(),
                4 => inbox::Removed {}.into(),
                _ => renamed(next(100)),
            };
            last = append(&*line, &stream(next(7)), [event]).await;
        }
        views.wait_for(last, SOON).await.unwrap();
        running.stop().await;
        let fresh = Views::default();
        fresh.runner(line.clone(), Arc::new(Shelf::default())).rebuild(|_, _| ()).await.unwrap();
        assert_eq!(shown(&views), shown(&fresh));
    }
}

/// A view with a bug.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct Bomb;

impl events::Fold for Bomb {
    type Event = Recorded<events::Event>;

    fn evolve(&mut self, record: &Recorded<events::Event>) {
        assert_ne!(record.position, Position(2), "the bomb goes off, as it should in this test");
    }
}

impl Projection for Bomb {
    const NAME: &'static str = "bomb";
    const VERSION: u32 = 1;
}

#[tokio::test(start_paused = true)]
async fn a_view_that_panics_is_said_to_and_can_still_be_stopped() {
    let line = Line::new();
    append(&*line, &stream(1), [registered("x"), renamed("a")]).await;
    let bomb = View::<Bomb>::default();
    let running = Runner::new(line, Arc::new(Shelf::default())).with(&bomb).start();
    let mut status = running.status();
    let said = status.wait_for(|status| status.failing.is_some()).await.unwrap().clone();
    assert!(said.failing.unwrap().contains("panicked"));
    assert!(!running.caught_up().await);
    running.stop().await;
}
