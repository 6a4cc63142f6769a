//! A ledger that is read from a summary on is the ledger that was read from its beginning.

use events::delivery::{Parked, RecoveryFilter, RecoveryPlanned, SummedUp, Trim, Trimmed};
use events::{Revision, webhook};

use super::*;

/// Longer than everything else in these tests.
const DAY: Duration = Duration::from_secs(86_400);

fn sum_up(now: Timestamp) -> Command {
    Command::SumUp { every: DAY, now }
}

fn trim(before: u64, queued: u64) -> Command {
    let (summed_at, now) = (NOON, NOON.after(DAY * 30));
    let before = Revision(before);
    Command::Trim(Box::new(Trimming { before, queued, summed_at, outcomes: vec![], now }))
}

fn trimmed(before: u64) -> Event {
    let (summed_at, at) = (NOON, NOON.after(DAY * 30));
    let trim = Trim { before: Revision(before), summed_at, at };
    Trimmed { trim, outcomes: vec![] }.into()
}

fn plan() -> RecoveryPlanned {
    let (since, until) = (NOON, None);
    let filter =
        RecoveryFilter { since, until, event: None, key: None, abandoned: true, delivered: false };
    let recovery = RecoveryId::of(Uuid::from_u128(1), WebhookId(7));
    RecoveryPlanned { recovery, filter, head: Revision(3), count: 1, bytes: 1 }
}

/// The ledger at work: what it was told, in the order of its stream.
#[derive(Default)]
struct Working {
    ledger: Ledger,
    events: Vec<(Timestamp, Event)>,
    now: Timestamp,
}

impl Working {
    fn new() -> Self {
        Self { now: NOON, ..Self::default() }
    }

    fn tell(&mut self, command: &Command) {
        let Ok(events) = self.ledger.decide(command) else { return };
        for event in events {
            take(&mut self.ledger, self.now, &event);
            self.events.push((self.now, event));
        }
    }

    /// One of the things that can happen, as the number says.
    fn step(&mut self, number: u32) {
        let (of, what) = (u8::try_from(number % 5).unwrap(), number / 5 % 14);
        self.now = self.now.after(Duration::from_secs(u64::from(number % 7)));
        let (now, by) = (self.now, Actor::ADMIN);
        let attempt = self.ledger.queue.get(id(of)).map_or(1, |pending| pending.attempts + 1);
        let report = |ended| {
            let report = Report { now, started_at: now, ..report(of, attempt, ended) };
            Command::Record(Arc::new(report))
        };
        let key = (of > 1).then(|| "conversation/5".to_owned());
        let again = Reopened {
            queued: Queued { key: key.clone(), ..queued_at(of, now) },
            attempts: 3,
            recovery: number.is_multiple_of(2).then(|| plan().recovery),
        };
        let command = match what {
            0 | 1 => Command::Queue(Arc::new(Queued { key, ..queued_at(of, now) })),
            2 | 3 => report(Ended::Delivered(ok())),
            4 => report(failure(AttemptClass::Server)),
            5 => report(failure(AttemptClass::Auth)),
            6 => Command::Abandon { delivery: Some(id(of)), reason: AbandonReason::Skipped },
            7 => Command::Park(id(of)),
            8 => Command::Retry(Box::new(again)),
            9 => Command::Order(webhook::Ordering::ByKey),
            10 => Command::Disable { by, reason: "no".into(), now },
            11 => Command::Enable { by, backlog: Backlog::All, now },
            12 => Command::Plan(Box::new(plan())),
            _ => Command::Recovery(plan().recovery, Ask::Cancel),
        };
        self.tell(&command);
    }

    fn sum_up(&mut self) -> Option<usize> {
        let at = self.events.len();
        self.tell(&Command::SumUp { every: Duration::ZERO, now: self.now });
        (self.events.len() > at).then_some(at)
    }
}

fn take(ledger: &mut Ledger, at: Timestamp, event: &Event) {
    ledger.recorded_at(at);
    ledger.evolve(event);
}

fn from(events: &[(Timestamp, Event)]) -> Ledger {
    let mut ledger = Ledger::default();
    events.iter().for_each(|(at, event)| take(&mut ledger, *at, event));
    ledger
}

proptest! {
    #[test]
    fn whoever_begins_at_a_summary_knows_as_much(
        before in prop::collection::vec(any::<u32>(), 1..60),
        after in prop::collection::vec(any::<u32>(), 0..60),
    ) {
        let mut working = Working::new();
        before.iter().for_each(|number| working.step(*number));
        let Some(summary) = working.sum_up() else { return Ok(()) };
        prop_assert_eq!(&from(&working.events), &working.ledger);
        let queued = working.ledger.queue.queued();
        after.iter().for_each(|number| working.step(*number));
        // What was owed at the summary ends, or keeps what stands before.
        for number in 0..5 {
            let owed = working.ledger.queue.get(id(number)).is_some();
            if owed && working.ledger.decide(&trim(summary as u64, queued)) == Ok(vec![]) {
                let reason = AbandonReason::Skipped;
                working.tell(&Command::Abandon { delivery: Some(id(number)), reason });
            }
        }
        working.tell(&trim(summary as u64, queued));
        let told = matches!(working.events.last(), Some((_, Event::Trimmed(_))));
        prop_assert!(told || working.ledger.recoveries.iter().any(|it| !it.progress.is_over()));
        prop_assert_eq!(from(&working.events[summary..]), working.ledger);
    }
}

#[test]
fn a_ledger_is_summed_up_once_something_is_old() {
    let history = [Event::Queued(queued(FIRST)), delivered(FIRST, 1)];
    let mut ledger = Ledger::default();
    history.iter().for_each(|event| take(&mut ledger, NOON, event));
    let soon = NOON.after(DAY - Duration::from_secs(1));
    assert_eq!(ledger.decide(&sum_up(soon)), Ok(vec![]));
    let told = ledger.decide(&sum_up(NOON.after(DAY))).unwrap();
    let [Event::SummedUp(summed)] = &told[..] else { panic!("{told:?}") };
    let SummedUp { queued, recent, tally, .. } = summed;
    assert_eq!((*queued, recent), (1, &vec![(id(FIRST), 1)]));
    assert_eq!((tally.counts.delivered, tally.counts.pending), (1, 0));
    take(&mut ledger, NOON.after(DAY), &told[0]);
    assert_eq!(ledger.decide(&sum_up(NOON.after(DAY * 9))), Ok(vec![]));
    // That something is removed is nothing to sum up.
    take(&mut ledger, NOON.after(DAY * 9), &trimmed(2));
    assert_eq!(ledger.decide(&sum_up(NOON.after(DAY * 20))), Ok(vec![]));
}

#[test]
fn what_ended_may_be_removed_and_is_so_once() {
    let history = [Event::Queued(queued(FIRST)), delivered(FIRST, 1)];
    let removed = given::<Ledger>(history).when(trim(2, 1)).then([trimmed(2)]);
    removed.and_when(trim(2, 1)).then_nothing().and_when(trim(1, 1)).then_nothing();
}

#[test]
fn what_is_owed_keeps_what_stands_before_it() {
    let first = Event::Queued(queued(FIRST));
    given::<Ledger>([first.clone()]).when(trim(1, 1)).then_nothing();
    // Also what is only put aside.
    let parked = Parked { delivery: id(FIRST) }.into();
    given::<Ledger>([first.clone(), parked]).when(trim(2, 1)).then_nothing();
    // What was queued behind the summary does not.
    let newer = [first, delivered(FIRST, 1), Event::Queued(queued(SECOND))];
    given::<Ledger>(newer).when(trim(2, 1)).then([trimmed(2)]);
}

#[test]
fn a_recovery_that_has_begun_keeps_what_it_reads() {
    use events::delivery::{RecoveryCancelled, RecoveryStarted};
    let recovery = plan().recovery;
    let planned: Event = plan().into();
    let started = RecoveryStarted { recovery }.into();
    given::<Ledger>([planned.clone(), started]).when(trim(9, 0)).then_nothing();
    // One that was only planned is given up where it takes in what goes.
    given::<Ledger>([planned]).when(trim(9, 0)).then([trimmed(9)]);
    let mut earlier = plan();
    earlier.filter.since = Timestamp::from_micros(NOON.as_micros() - 1);
    let cancelled: Event = RecoveryCancelled { recovery }.into();
    given::<Ledger>([Event::from(earlier)]).when(trim(9, 0)).then([cancelled, trimmed(9)]);
}
