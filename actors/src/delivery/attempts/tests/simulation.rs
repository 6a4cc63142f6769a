//! A hostile world from one number, from what the platform reports to what two receivers take:
//! crashes, receivers that fail, hang, lie and ask to be left alone, a log that is away, a clock
//! that jumps, and an endpoint that is disabled and enabled. `RELINK_SEED=7` replays one.

use std::collections::BTreeMap;
use std::sync::Mutex;

use events::delivery::{Backlog, Event, Response};
use events::platform::EventReceived;
use events::snapshot::memory::Shelf;
use events::webhook::Ordering as Order;
use events::{Actor, DeliveryId, EndpointId};
use futures_core::future::BoxFuture;

use super::*;
use crate::fanout::Fanout;
use crate::platform::Platform;
use crate::ports::{Attempt, Ended, Made, Outbound};
use crate::registry::Limits;
use crate::testing::TestClock;

const SEEDS: u64 = 24;
const ROUNDS: u64 = 40;
const KEYS: u128 = 5;
const BOTH: [WebhookId; 2] = [HOOK, OTHER];

/// What stays when a process is gone.
type Around = crate::registry::World;

/// SplitMix64: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % sides
    }
}

/// The receiver, whichever process calls it.
struct World {
    dice: Mutex<Dice>,
    /// In percent.
    failing: Mutex<u64>,
    taken: Mutex<Vec<DeliveryId>>,
    /// Those that it took and said that it did not.
    lies: Mutex<Vec<DeliveryId>>,
}

/// One process's way to the receiver; gone with the process.
struct Wire {
    world: Arc<World>,
    cut: tokio::sync::watch::Receiver<bool>,
}

impl World {
    async fn receive(&self, attempt: &Attempt) -> Ended {
        let (luck, slow) = {
            let mut dice = self.dice.lock().unwrap();
            (dice.throw(100), dice.throw(400))
        };
        pass(Duration::from_millis(slow)).await;
        let failing = *self.failing.lock().unwrap();
        if luck < failing {
            // A lie: it took it, and says that it did not.
            if luck.is_multiple_of(7) {
                self.taken.lock().unwrap().push(attempt.delivery);
                self.lies.lock().unwrap().push(attempt.delivery);
            }
            if luck.is_multiple_of(11) {
                let (class, detail) = (AttemptClass::Throttled, "later".to_owned());
                let response =
                    Some(Response { status: 429, body: String::new(), truncated: false });
                let retry_after = Some(Duration::from_secs(luck));
                return Ended::Failed { class, detail, response, retry_after };
            }
            if luck.is_multiple_of(5) {
                pass(Duration::from_secs(15)).await;
            }
            let (class, detail) = (AttemptClass::Server, "no".to_owned());
            return Ended::Failed { class, detail, response: None, retry_after: None };
        }
        self.taken.lock().unwrap().push(attempt.delivery);
        Ended::Delivered(Response { status: 200, body: String::new(), truncated: false })
    }
}

impl Outbound for Wire {
    fn attempt(&self, attempt: Attempt) -> BoxFuture<'_, Made> {
        Box::pin(async move {
            let mut cut = self.cut.clone();
            let ended = tokio::select! {
                biased;
                _ = cut.wait_for(|cut| *cut) => None,
                ended = self.world.receive(&attempt) => Some(ended),
            };
            match ended {
                Some(ended) => ended.into(),
                None => std::future::pending().await,
            }
        })
    }
}

struct Process {
    ledgers: Registry<Ledger>,
    webhooks: Registry<Webhook>,
    platform: Registry<Platform>,
    cut: tokio::sync::watch::Sender<bool>,
    fanout: Fanout,
    _delivery: Delivery,
}

impl Process {
    fn start(around: &Around, world: &Arc<World>) -> Self {
        let (ledgers, webhooks) = (Registry::new(around.clone()), Registry::new(around.clone()));
        let cut = tokio::sync::watch::Sender::new(false);
        let wire = Wire { world: world.clone(), cut: cut.subscribe() };
        let clock = around.clock.clone();
        let inboxes = Registry::new(around.clone());
        let targets = ActorTargets::new(webhooks.clone(), inboxes, clock.clone());
        let rules = Rules { schedule: vec![MINUTE; 60], ..rules() };
        let (ledger, targets) = (ledgers.clone(), Arc::new(targets));
        let delivery = Delivery::start(ledger, targets, Arc::new(wire), clock.clone(), rules);
        let shelf = around.snapshots.clone().expect("the world has one");
        let platform = Registry::new(around.clone());
        let fanout = Fanout::start(around.store.clone(), shelf, ledgers.clone(), clock);
        Self { ledgers, webhooks, platform, cut, fanout, _delivery: delivery }
    }

    fn crash(&self) {
        self.cut.send_replace(true);
        self.fanout.kill();
    }

    /// Reports until it is written; which event it is then.
    async fn report(&self, number: u128) -> EventId {
        let id = Uuid::new_v5(&Uuid::nil(), &number.to_be_bytes());
        let conversation = number % KEYS;
        let data = format!(r#"{{"id":{number},"conversation":{{"id":{conversation}}}}}"#);
        let report = EventReceived { account: ACCOUNT, event: "message_created".into(), data };
        loop {
            let context = crate::shell::Context { id, correlation: id, ..anew() };
            match self.platform.ask(ACCOUNT, context, report.clone()).await {
                Ok(done) => return done.event.expect("a report is an event"),
                Err(_) => pass(SECOND).await,
            }
        }
    }

    /// Asks until it is written; a log that is away comes back.
    async fn ask(&self, command: Command) {
        while self.ledgers.ask(HOOK.into(), anew(), command.clone()).await.is_err() {
            pass(SECOND).await;
        }
    }
}

async fn live(seed: u64) {
    let mut dice = Dice(seed);
    let store = Arc::new(TestStore::default());
    let clock = Arc::new(TestClock::at_noon());
    let around = Around {
        clock: clock.clone(),
        snapshots: Some(Arc::new(Shelf::default())),
        limits: Limits { keep_every: 20, ..Limits::default() },
        ..world(&store)
    };
    let (taken, failing, lies) = (Mutex::default(), Mutex::new(20), Mutex::default());
    let world = Arc::new(World { dice: Mutex::new(Dice(!seed)), failing, taken, lies });
    let mut process = Process::start(&around, &world);
    for webhook in BOTH {
        let policy = Policy { ordering: Order::ByKey, ..Policy::default() };
        let subscriptions = vec!["message_created".into()];
        let settings = Settings { subscriptions, ..settings(webhook, policy) };
        let create = webhook::Command::Create(Box::new(settings));
        process.webhooks.ask(webhook, anew(), create).await.unwrap();
    }
    let (mut reported, mut crashes) = (vec![], 0);
    for _ in 0..ROUNDS {
        let now = around.clock.now();
        match dice.throw(9) {
            0 => {
                process.crash();
                process = Process::start(&around, &world);
                crashes += 1;
            }
            1 => {
                store.shut();
                pass(Duration::from_millis(dice.throw(20_000))).await;
                store.reopen();
            }
            2 => store.lose_answers(1),
            3 => *world.failing.lock().unwrap() = [0, 20, 60, 100][dice.throw(4) as usize],
            4 => {
                let reason = "the simulation".to_owned();
                process.ask(Command::Disable { by: Actor::ADMIN, reason, now }).await;
            }
            5 => {
                let (by, backlog) = (Actor::ADMIN, Backlog::All);
                process.ask(Command::Enable { by, backlog, now }).await;
            }
            6 => clock.jump(i64::try_from(dice.throw(1_200)).unwrap() - 600),
            _ => {
                for _ in 0..dice.throw(12) {
                    reported.push(process.report(reported.len() as u128).await);
                }
            }
        }
        pass(Duration::from_millis(dice.throw(30_000))).await;
    }
    *world.failing.lock().unwrap() = 0;
    let now = around.clock.now();
    let (by, backlog) = (Actor::ADMIN, Backlog::All);
    process.ask(Command::Enable { by, backlog, now }).await;
    pass(MINUTE * 90).await;
    for webhook in BOTH {
        let owed: Vec<_> = reported.iter().map(|event| DeliveryId::of(*event, webhook)).collect();
        check(seed, webhook.into(), &owed, &store, &world, crashes).await;
    }
    process.crash();
}

async fn check(
    seed: u64,
    endpoint: EndpointId,
    owed: &[DeliveryId],
    store: &TestStore,
    world: &World,
    crashes: usize,
) {
    let (taken, lies) = (world.taken.lock().unwrap().clone(), world.lies.lock().unwrap().clone());
    let times = |of: &[DeliveryId], id| of.iter().filter(|it| **it == id).count();
    let events = store.events(&StreamName::new(Category::Ledger, endpoint)).await;
    let (mut ends, mut queued) = (BTreeMap::<DeliveryId, usize>::new(), vec![]);
    for event in events.into_iter().map(|event| Ledger::narrow(event).unwrap()) {
        assert!(!matches!(event, Event::Abandoned(_)), "seed {seed}: {event:?}");
        if let Event::Queued(it) = &event {
            queued.push(it.delivery);
        }
        if let Event::Delivered(it) = event {
            *ends.entry(it.delivery).or_default() += 1;
            assert!(taken.contains(&it.delivery), "seed {seed}: nobody took {}", it.delivery);
        }
    }
    assert_eq!(queued, owed, "seed {seed}: {endpoint} is owed something else, or in another order");
    for (number, id) in owed.iter().enumerate() {
        assert_eq!(ends.get(id), Some(&1), "seed {seed}: delivery {number} has not one end");
        let (times, least) = (times(&taken, *id), 1 + times(&lies, *id));
        assert!(times <= least + crashes, "seed {seed}: delivery {number} was sent {times} times");
    }
    for key in 0..KEYS as usize {
        let mut first = vec![];
        for number in taken.iter().filter_map(|id| owed.iter().position(|it| it == id)) {
            if number % KEYS as usize == key && !first.contains(&number) {
                first.push(number);
            }
        }
        assert!(first.is_sorted(), "seed {seed}: key {key} is out of order: {first:?}");
    }
}

/// Each in a runtime of its own, so that no process of one world lives on in the next.
fn run(seed: u64) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(live(seed));
}

#[test]
fn nothing_is_lost_or_out_of_order_in_a_hostile_world() {
    let asked = std::env::var("RELINK_SEED").ok().and_then(|seed| seed.parse().ok());
    match asked {
        Some(seed) => run(seed),
        None => (0..SEEDS).for_each(run),
    }
}
