//! Deliveries whose ends are far behind where they were queued: pages of them, one after the other,
//! held against a plain account of the ledger.

use std::collections::BTreeMap;

use events::Metadata;
use events::delivery::{AttemptClass, AttemptFailed};
use events::store::memory::MemoryStore;
use events::store::{Draft, Slice, Tail};
use proptest::prelude::*;

use super::*;
use crate::http::native::deliveries::page::following::Following;

/// So much is written at once.
const BATCH: usize = 512;

/// Numbers of deliveries that nobody asks of begin here.
const OTHERS: u128 = 1_000_000;

/// Longer than what is near.
const FAR: u128 = 3 * PAGE_MAX as u128;

/// The same as one by one, and sooner.
pub(super) async fn write_all(service: &Service, told: &[Event]) {
    let (store, stream, cause) = (&*service.app.store, ledger_of_webhook(), Uuid::nil());
    for batch in told.chunks(BATCH) {
        let last = store.read_stream(&stream, Slice::Before(None), 1).await.unwrap().pop();
        let tail = last.map_or_else(Tail::default, |last| Tail::behind(&last));
        let metadata =
            Metadata { correlation: cause, causation: cause, actor: Actor::ADMIN, account: None };
        let mut draft = Draft::new(&stream, tail);
        for event in batch {
            draft.add(&event.clone().into(), &metadata, second(10), 0);
        }
        let appended = store.append(&stream, tail.expected(), draft.finish().0).await.unwrap();
        service.app.acknowledge(appended.position);
    }
    service.app.own_writes().await;
}

pub(super) fn failed(number: u128, attempt: u32) -> Event {
    AttemptFailed {
        delivery: id(number),
        attempt,
        class: AttemptClass::Server,
        detail: "it failed".to_owned(),
        response: None,
        started_at: second(0),
        duration_us: 1,
        address: None,
        retry_at: Some(second(40_000_000_000)),
        charged: true,
        throttled_until: None,
    }
    .into()
}

/// As many reads of the ledger as a page takes.
async fn reads(store: &Staged, service: &Service, filter: Filter) -> (Vec<DeliveryId>, usize) {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = reads.clone();
    store.answer(move |stream, _| {
        counted.fetch_add(usize::from(*stream == ledger_of_webhook()), Ordering::Relaxed);
        None
    });
    let page = Paging::new(Damages::new())
        .page(&service.app, &caller(), WEBHOOK.into(), filter)
        .await
        .unwrap();
    let listed = page.deliveries.iter().map(|it| it.id).collect();
    (listed, reads.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_page_from_before_an_outage_reads_where_its_deliveries_ended_and_nothing_between() {
    // Given many that are queued while nothing is taken, of which the first ends alone
    let store = Arc::new(Staged::default());
    let service = over(store.clone(), []).await;
    let queueing = (0..3 * FAR).map(queued);
    let told: Vec<_> = queueing.chain([taken(3)]).chain((4..3 * FAR).map(taken)).collect();
    write_all(&service, &told).await;
    let more = OTHERS..OTHERS + MANY;
    let single = [given_up(2), again(2), given_up(2), taken(1), taken(0)];
    let told = single.into_iter().chain(more.flat_map(|number| [queued(number), taken(number)]));
    write_all(&service, &told.collect::<Vec<_>>()).await;
    // When a page of the oldest is asked for
    let (listed, reads) = reads(&store, &service, newest_below(9, 20)).await;
    // Then they are told with a few reads
    assert_eq!(listed, (0..9).rev().map(id).collect::<Vec<_>>());
    assert!(reads <= 8, "{reads} reads, of a ledger of {} pages", 6 * FAR / PAGE_MAX as u128);
}

#[tokio::test]
async fn a_page_that_reads_much_lets_others_have_their_turn() {
    let service = service([]).await;
    let told = (0..2 * FAR).map(queued).chain((0..2 * FAR).map(taken));
    write_all(&service, &told.collect::<Vec<_>>()).await;
    let places = Places::new(1, 1);
    let paging = Paging { places, turn_reads: 1, ..Paging::new(Damages::new()) };
    let over = std::cell::RefCell::new(vec![]);
    // Nothing of the kind is there: all is read back to the beginning.
    let page = async |account, place| {
        let caller = Caller { account: AccountId(account), ..caller() };
        let filter = Filter { event: Some("none".to_owned()), ..newest_below(place, 9) };
        paging.page(&service.app, &caller, WEBHOOK.into(), filter).await.unwrap();
        over.borrow_mut().push(account);
    };
    tokio::join!(page(1, 2 * FAR as u64), page(2, 5));
    assert_eq!(*over.borrow(), [2, 1]);
}

#[tokio::test]
async fn what_is_not_known_to_have_ended_is_not_told_as_if_it_were_owed() {
    // Given one of which the ledger tells no end any more, and one that is owed again
    let service = service([queued(0), queued(1)]).await;
    let log = MemoryStore::default();
    for number in [0, 2] {
        append(&log, &ledger_of_webhook(), queued(number), 5).await;
    }
    let places = Places::new(1, 1);
    let mut turn = Turn { places, place: None, reads_max: 1 };
    let (endpoint, stream) = (WEBHOOK.into(), ledger_of_webhook());
    let mut ledger = Ledger { store: &log, endpoint, stream, turn: &mut turn, reads: 0 };
    // When both were over as the view was asked
    let gone = BTreeMap::from([(id(0), Revision(0)), (id(2), Revision(1))]);
    let told = Following::new(gone).through(&mut ledger, &service.app.views).await.unwrap();
    // Then only the one is told, as the view has it and where it was queued
    let told: Vec<_> =
        told.iter().map(|it| (it.id, it.status, it.revision, it.created_at)).collect();
    assert_eq!(told, [(id(0), DeliveryStatus::Pending, Revision(0), second(5))]);
}

#[tokio::test]
async fn whoever_looks_for_damage_gives_the_place_among_readers_back() {
    let store = Arc::new(Staged::default());
    let told = (0..MANY).flat_map(|number| [queued(number), taken(number)]);
    let service = over(store.clone(), told).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let nth = asked.clone();
    store.answer(move |stream, _| {
        let is_meant = *stream == ledger_of_webhook();
        is_meant.then(|| match nth.fetch_add(1, Ordering::Relaxed) {
            0 => Box::pin(std::future::ready(Err(torn()))) as _,
            _ => Box::pin(std::future::pending()) as _,
        })
    });
    let paging = Paging { places: Places::new(1, 1), ..Paging::new(Damages::new()) };
    let caller = caller();
    let page = paging.page(&service.app, &caller, WEBHOOK.into(), newest_below(9, 5));
    let mut page = std::pin::pin!(page);
    let looks = async {
        while asked.load(Ordering::Relaxed) < 2 {
            tokio::task::yield_now().await;
        }
    };
    let looks = async {
        tokio::select! {
            biased;
            page = page.as_mut() => panic!("nobody answers: {:?}", page.map(|_| ())),
            () = looks => {}
        }
    };
    timeout(DEADLINE, looks).await.unwrap();
    assert!(paging.places.take(caller.account).is_some());
}

/// What happens to one of a few deliveries, or how many others are queued and end meanwhile.
#[derive(Debug, Clone, Copy)]
enum Step {
    Queue(u128),
    Fail(u128),
    Deliver(u128),
    Abandon(u128),
    Again(u128),
    Others(u128),
}

fn step() -> impl Strategy<Value = Step> {
    let one = 0..4_u128;
    prop_oneof![
        3 => one.clone().prop_map(Step::Queue),
        1 => one.clone().prop_map(Step::Fail),
        2 => one.clone().prop_map(Step::Deliver),
        2 => one.clone().prop_map(Step::Abandon),
        3 => one.prop_map(Step::Again),
        2 => (1_000..2_500_u128).prop_map(Step::Others),
    ]
}

/// How a delivery is, in the plainest words.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Is {
    queued: u64,
    status: DeliveryStatus,
    attempts: u32,
}

/// A ledger as it decides: only what is owed is attempted or over, and only what is over is owed
/// again.
#[derive(Default)]
struct Plain {
    all: BTreeMap<DeliveryId, Is>,
    records: u64,
    others: u128,
}

impl Plain {
    fn step(&mut self, step: Step) -> Vec<Event> {
        if let Step::Others(many) = step {
            let numbers = OTHERS + self.others..OTHERS + self.others + many;
            self.others += many;
            return numbers.flat_map(|number| self.other(number)).collect();
        }
        let (Step::Queue(number)
        | Step::Fail(number)
        | Step::Deliver(number)
        | Step::Abandon(number)
        | Step::Again(number)
        | Step::Others(number)) = step;
        let is = self.all.get(&id(number)).copied();
        let (is, event) = match (step, is) {
            (Step::Queue(_), None) => {
                let status = DeliveryStatus::Pending;
                (Is { queued: self.records, status, attempts: 0 }, queued(number))
            }
            (Step::Fail(_), Some(is)) if is.status == DeliveryStatus::Pending => {
                (Is { attempts: is.attempts + 1, ..is }, failed(number, is.attempts + 1))
            }
            (Step::Deliver(_), Some(is)) if is.status == DeliveryStatus::Pending => {
                (Is { status: DeliveryStatus::Delivered, attempts: 1, ..is }, taken(number))
            }
            (Step::Abandon(_), Some(is)) if is.status == DeliveryStatus::Pending => {
                (Is { status: DeliveryStatus::Abandoned, ..is }, given_up(number))
            }
            (Step::Again(_), Some(is)) if is.status != DeliveryStatus::Pending => {
                let (queued, attempts) = (owed(number), is.attempts);
                let event = Reopened { queued, attempts, recovery: None }.into();
                (Is { status: DeliveryStatus::Pending, ..is }, event)
            }
            (
                Step::Queue(_)
                | Step::Fail(_)
                | Step::Deliver(_)
                | Step::Abandon(_)
                | Step::Again(_)
                | Step::Others(_),
                _,
            ) => return vec![],
        };
        self.all.insert(id(number), is);
        self.records += 1;
        vec![event]
    }

    /// Whether it can happen where the ledger begins there: what is removed is not owed again.
    fn has(&self, step: Step, kept_from: u64) -> bool {
        let Step::Again(number) = step else { return true };
        self.all.get(&id(number)).is_none_or(|is| is.queued >= kept_from)
    }

    fn other(&mut self, number: u128) -> [Event; 2] {
        let (status, attempts, end) = match number % 2 {
            0 => (DeliveryStatus::Delivered, 1, taken(number)),
            _ => (DeliveryStatus::Abandoned, 0, given_up(number)),
        };
        self.all.insert(id(number), Is { queued: self.records, status, attempts });
        self.records += 2;
        [queued(number), end]
    }

    /// Where retention may remove what stands before: nothing owed does.
    fn cut(&self) -> u64 {
        let owed = self.all.values().filter(|is| is.status == DeliveryStatus::Pending);
        owed.map(|is| is.queued).min().unwrap_or(u64::MAX).min(self.records / 3)
    }

    /// All that are queued, the last first.
    fn listed(&self) -> Vec<DeliveryId> {
        let mut all: Vec<_> = self.all.iter().collect();
        all.sort_by_key(|(_, is)| std::cmp::Reverse(is.queued));
        all.into_iter().map(|(id, _)| *id).collect()
    }
}

/// Removes the first of a ledger, as retention does. Where it begins then.
async fn trim(service: &Service, plain: &mut Plain) -> u64 {
    let cut = plain.cut();
    let trim = Trim { before: Revision(cut), summed_at: second(1), at: second(60) };
    write_all(service, &[Trimmed { trim, outcomes: vec![] }.into()]).await;
    plain.records += 1;
    service.app.store.truncate(&ledger_of_webhook(), Revision(cut)).await.unwrap();
    cut
}

/// A whole list, page by page, while more happens between them; of a ledger whose first records
/// are removed, if so.
async fn walk(
    before: Vec<Step>,
    mut between: Vec<Step>,
    (limit, reads_max): (usize, usize),
    is_trimmed: bool,
) {
    let (service, mut plain) = (service([]).await, Plain::default());
    let told = before.into_iter().chain([Step::Others(2 * MANY)]);
    let told: Vec<_> = told.flat_map(|step| plain.step(step)).collect();
    write_all(&service, &told).await;
    let kept_from = if is_trimmed { trim(&service, &mut plain).await } else { 0 };
    let expected = plain.listed();
    let paging = Paging { reads_max, ..Paging::new(Damages::new()) };
    let (mut listed, mut below) = (vec![], None);
    loop {
        let filter = Filter { below, ..Filter::newest(limit) };
        let page = paging.page(&service.app, &caller(), WEBHOOK.into(), filter).await.unwrap();
        for it in &page.deliveries {
            let is = plain.all[&it.id];
            // Where it was queued may be removed.
            let queued = if is_trimmed { it.revision.0 } else { is.queued };
            let told = Is { queued: it.revision.0, status: it.status, attempts: it.attempts };
            assert_eq!(told, Is { queued, ..is }, "{}", it.id);
            listed.push(it.id);
        }
        let Some(next) = page.next_before else { break };
        assert!(below.is_none_or(|below| next < below), "it goes on");
        below = Some(next);
        let happens = between.pop().filter(|step| plain.has(*step, kept_from));
        let told = happens.map_or_else(Vec::new, |step| plain.step(step));
        if !told.is_empty() {
            write_all(&service, &told).await;
        }
    }
    if !is_trimmed {
        assert_eq!(listed, expected, "each once and in its place");
    }
    let listed: BTreeSet<_> = listed.into_iter().collect();
    let mut kept = expected.iter().filter(|id| plain.all[*id].queued >= kept_from);
    assert_eq!(kept.find(|id| !listed.contains(id)), None, "none is missed");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 6,
        failure_persistence: None,
        max_shrink_iters: 64,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_delivery_is_on_one_page_as_it_is_then_however_far_its_end_is_and_whatever_happens(
        before in prop::collection::vec(step(), 10..40),
        between in prop::collection::vec(step(), 0..40),
        limit in 40..200_usize,
        reads_max in prop_oneof![Just(1), Just(16)],
        is_trimmed: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(walk(before, between, (limit, reads_max), is_trimmed));
    }
}
