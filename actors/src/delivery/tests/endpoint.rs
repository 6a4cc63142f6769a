//! How an endpoint fails, is probed, recovers, is disabled, paused and enabled.

use events::delivery::DisableRule;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Reports that come in one after the other.
struct Story {
    ledger: Ledger,
    now: Timestamp,
}

impl Story {
    fn owed(count: u8) -> Self {
        let mut story = Self { ledger: Ledger::default(), now: NOON };
        for number in 1..=count {
            story.ledger.evolve(&queued(number).into());
        }
        story
    }

    fn after(&mut self, time: Duration) -> &mut Self {
        self.now = self.now.after(time);
        self
    }

    fn ask(&mut self, command: &Command) -> Vec<Event> {
        let events = self.ledger.decide(command).unwrap();
        events.iter().for_each(|event| self.ledger.evolve(event));
        events
    }

    fn end(&mut self, number: u8, ended: Ended) -> Vec<Event> {
        let attempt = self.ledger.queue.get(id(number)).unwrap().attempts + 1;
        let now = self.now;
        let report = Report { now, started_at: now, ..report(number, attempt, ended) };
        self.ask(&Command::Record(Arc::new(report)))
    }

    fn fails(&mut self, number: u8) -> Vec<Event> {
        self.end(number, failure(AttemptClass::Server))
    }

    fn next(&self) -> Next<Owed> {
        self.ledger.next(self.now, &BTreeSet::new(), 1)
    }

    fn standing(&self) -> &Standing {
        &self.ledger.health().standing
    }

    /// As many failures as make it the endpoint's fault.
    fn failing(count: u8) -> Self {
        let mut story = Self::owed(count);
        for number in [1, 2, 3, 1] {
            story.fails(number);
        }
        story.after(MINUTE);
        let told = story.fails(2);
        assert!(matches!(told[1], Event::EndpointFailing(_)), "{told:?}");
        story
    }
}

fn probe(number: u8, attempt: u32, quiet_until: Timestamp) -> Next<Owed> {
    let probe = Some(Probe { failed_as: Some(AttemptClass::Server), quiet_until });
    Next::Do(vec![Owed::Attempt(OwedAttempt { probe, ..owed_attempt(number, attempt) })])
}

#[test]
fn failures_of_one_delivery_are_its_own() {
    let mut story = Story::owed(2);
    let schedule = vec![MINUTE; 20];
    for attempt in 1..=20 {
        story.after(HOUR);
        let now = story.now;
        let ended = failure(AttemptClass::Server);
        let report = Report { now, schedule: schedule.clone(), ..report(1, attempt, ended) };
        story.ask(&Command::Record(Arc::new(report)));
    }
    assert_eq!(story.standing(), &Standing::Free);
}

#[test]
fn an_endpoint_that_fails_is_probed_with_the_oldest_and_nothing_is_charged() {
    let mut story = Story::failing(9);
    assert!(matches!(story.next(), Next::Wait(_)));
    story.after(Duration::from_secs(1));
    assert_eq!(story.next(), probe(1, 3, story.now));
    let busy = BTreeSet::from([id(1).0]);
    assert_eq!(story.ledger.next(story.now, &busy, 1), Next::Idle, "one at a time");
    for _ in 0..50 {
        let told = story.fails(1);
        let [Event::AttemptFailed(failed)] = &told[..] else { panic!("{told:?}") };
        assert!(!failed.charged);
        assert_eq!(failed.retry_at, Some(story.now.after(Duration::from_secs(1))));
        story.after(Duration::from_secs(1));
    }
    assert_eq!(story.ledger.queue.get(id(1)).unwrap().charged, 2);
}

#[test]
fn words_become_rarer_with_the_time_that_it_has_been_failing_and_probes_do_not() {
    let mut story = Story::failing(3);
    story.after(HOUR * 2);
    story.fails(1);
    let Next::Wait(next) = story.next() else { panic!("a probe is waited for") };
    assert_eq!(next.since(story.now), Duration::from_secs(1));
    story.now = next;
    let Next::Do(owed) = story.next() else { panic!("a probe is owed") };
    let [Owed::Attempt(owed)] = &owed[..] else { panic!("{owed:?}") };
    let quiet = owed.probe.unwrap().quiet_until.since(next).as_secs();
    assert!((11..=12).contains(&quiet), "{quiet} s without a word");
}

#[test]
fn who_recovers_is_sent_everything_at_once() {
    let mut story = Story::failing(9);
    story.after(Duration::from_secs(1));
    let told = story.end(1, Ended::Delivered(ok()));
    assert!(matches!(&told[..], [Event::Delivered(_), Event::EndpointRecovered(_)]), "{told:?}");
    let mut busy = BTreeSet::new();
    while let Next::Do(owed) = story.ledger.next(story.now, &busy, 3) {
        busy.extend(owed.iter().map(Effect::key));
    }
    assert_eq!(busy.len(), 8, "those that failed before do not wait for their schedule");
    assert_eq!(story.standing(), &Standing::Free);
}

#[test]
fn one_success_ends_the_row() {
    let mut story = Story::owed(9);
    for number in [1, 2, 3, 4] {
        story.fails(number);
    }
    story.end(5, Ended::Delivered(ok()));
    story.after(MINUTE);
    assert_eq!(story.fails(6).len(), 1);
    assert_eq!(story.standing(), &Standing::Free);
}

#[test]
fn an_endpoint_that_takes_nothing_is_warned_of_and_then_disabled() {
    let mut story = Story::failing(9);
    let mut told = vec![];
    for _ in 0..60 {
        story.after(DAY / 10);
        told.extend(story.fails(1));
        if story.standing().holds() {
            break;
        }
    }
    let warned: Vec<_> = told
        .iter()
        .filter_map(
            |event| {
                if let Event::EndpointWarned(it) = event { Some(it.warning) } else { None }
            },
        )
        .collect();
    use events::delivery::Warning::{Half, Most, Nearly};
    assert_eq!(warned, [Half, Most, Nearly]);
    let Standing::Disabled { since, by, rule, reason } = story.standing() else {
        panic!("{:?}", story.standing())
    };
    assert_eq!((by, rule), (&Actor::DELIVERY, &DisableRule::Failing));
    assert!(since.since(NOON) >= DAY * 5 && since.since(NOON) < DAY * 26 / 5);
    assert!(reason.contains("nothing but failures since 2026-11-21"), "{reason}");
    assert_eq!(story.next(), Next::Idle);
    assert_eq!(story.ledger.pending(), 9, "everything is held");
}

#[test]
fn who_is_never_disabled_is_probed_for_ever_and_not_warned_of() {
    let mut story = Story::failing(9);
    for _ in 0..100 {
        story.after(DAY);
        let attempt = story.ledger.queue.get(id(1)).unwrap().attempts + 1;
        let ended = failure(AttemptClass::Tls);
        let now = story.now;
        let report = report(1, attempt, ended);
        let report = Report { now, started_at: now, disable_after: None, ..report };
        let told = story.ask(&Command::Record(Arc::new(report)));
        assert!(matches!(told[..], [Event::AttemptFailed(_)]), "{told:?}");
    }
    assert!(matches!(story.standing(), Standing::Probing { .. }));
    assert_eq!(story.ledger.pending(), 9);
}

#[test]
fn who_only_looks_changes_nothing() {
    assert_eq!(Story::failing(3).ask(&Command::Look), []);
}

fn disable(now: Timestamp) -> Command {
    Command::Disable { by: Actor::ADMIN, reason: "maintenance".into(), now }
}

fn enable(backlog: Backlog, now: Timestamp) -> Command {
    Command::Enable { by: Actor::ADMIN, backlog, now }
}

#[test]
fn a_disabled_endpoint_holds_what_it_is_owed_and_keeps_the_first_reason() {
    let mut story = Story::owed(2);
    assert_eq!(story.ask(&disable(NOON)).len(), 1);
    assert_eq!(story.ask(&disable(NOON.after(HOUR))), []);
    assert_eq!(story.ask(&queue(3)).len(), 1);
    assert_eq!(story.next(), Next::Idle);
    let pause = Command::Pause { by: Actor::ADMIN, now: NOON };
    assert_eq!(story.ledger.decide(&pause), Err(Rejection::Disabled));
    // What was under way when it was disabled is recorded, and held.
    let told = story.fails(1);
    assert!(matches!(&told[..], [Event::AttemptFailed(it)] if !it.charged), "{told:?}");
    assert_eq!(story.next(), Next::Idle);
    assert_eq!(story.ask(&enable(Backlog::All, NOON)).len(), 1);
    assert_eq!(story.next(), owed(1, 2));
    assert_eq!(story.ask(&enable(Backlog::All, NOON)), []);
}

#[test]
fn a_paused_endpoint_can_be_disabled_and_a_resumed_one_goes_on() {
    let mut story = Story::owed(1);
    let pause = Command::Pause { by: Actor::ADMIN, now: NOON };
    assert_eq!(story.ask(&pause).len(), 1);
    assert_eq!(story.ask(&pause), []);
    assert_eq!(story.next(), Next::Idle);
    assert_eq!(story.ask(&disable(NOON)).len(), 1);
    assert_eq!(story.ask(&enable(Backlog::All, NOON)).len(), 1);
    assert_eq!(story.next(), owed(1, 1));
}

#[test]
fn of_a_backlog_the_newest_of_each_key_or_none_may_be_wanted() {
    let keyed =
        |number: u8, key: Option<&str>| Queued { key: key.map(str::to_owned), ..queued(number) };
    let backlog = [
        keyed(1, Some("a")),
        keyed(2, Some("b")),
        keyed(3, Some("a")),
        keyed(4, None),
        keyed(5, Some("a")),
    ];
    for (wanted, left) in [
        (Backlog::All, vec![1, 2, 3, 4, 5]),
        (Backlog::NewestPerKey, vec![2, 4, 5]),
        (Backlog::None, vec![]),
    ] {
        let mut story = Story::owed(0);
        backlog.iter().for_each(|it| story.ledger.evolve(&it.clone().into()));
        story.ask(&disable(NOON));
        let told = story.ask(&enable(wanted, NOON));
        assert_eq!(told.len(), 5 - left.len() + 1, "{told:?}");
        let mut busy = BTreeSet::new();
        while let Next::Do(owed) = story.ledger.next(NOON, &busy, 3) {
            busy.extend(owed.iter().map(Effect::key));
        }
        assert_eq!(busy, left.into_iter().map(|number| id(number).0).collect(), "{wanted}");
    }
}

#[test]
fn another_url_is_another_place() {
    let mut story = Story::failing(3);
    assert_eq!(story.ask(&Command::Move).len(), 1);
    assert_eq!(story.standing(), &Standing::Free);
    assert_eq!(story.ask(&Command::Move), []);
    story.ask(&disable(NOON));
    story.ask(&Command::Move);
    assert!(story.standing().holds(), "who disabled it did so on purpose");
}

fn asks_for(wait: Duration) -> Ended {
    let response = Some(Response { status: 429, body: "no".into(), truncated: false });
    let (class, detail) = (AttemptClass::Throttled, "no".to_owned());
    Ended::Failed { class, detail, response, retry_after: Some(wait) }
}

#[test]
fn who_asked_to_be_left_alone_is_whatever_becomes_of_attempts_that_began_before() {
    for ended in [Ended::Delivered(ok()), failure(AttemptClass::Server), asks_for(MINUTE / 2)] {
        let mut story = Story::owed(4);
        story.after(Duration::from_secs(1));
        story.end(1, asks_for(MINUTE));
        let until = story.now.after(MINUTE);
        let began = Report { started_at: NOON, ..report(2, 1, ended) };
        story.ask(&Command::Record(Arc::new(began)));
        assert_eq!(story.next(), Next::Wait(until));
        story.after(MINUTE / 2);
        story.end(3, Ended::Delivered(ok()));
        assert_eq!(story.next(), owed(4, 1), "it takes deliveries again");
    }
}

#[test]
fn a_failing_endpoint_that_asked_to_be_left_alone_is_not_probed_either() {
    let mut story = Story::failing(9);
    story.end(1, asks_for(MINUTE));
    let until = story.now.after(MINUTE);
    let began =
        Report { started_at: NOON, now: story.now, ..report(4, 1, failure(AttemptClass::Server)) };
    story.ask(&Command::Record(Arc::new(began)));
    assert_eq!(story.next(), Next::Wait(until));
}

#[test]
fn a_fault_of_ours_waits_for_no_longer_than_the_faults_of_ours_before_it_say() {
    let mut story = Story::owed(1);
    for _ in 0..10 {
        story.end(1, asks_for(MINUTE));
        story.after(MINUTE);
    }
    for least in [4, 8, 16] {
        story.end(1, failure(AttemptClass::Ours));
        let Next::Wait(until) = story.next() else { panic!("{:?}", story.next()) };
        let wait = until.since(story.now);
        assert!((least..=least * 3 / 2).contains(&wait.as_secs()), "{wait:?}");
        story.now = until;
    }
}

#[test]
fn a_fault_of_ours_does_not_put_off_the_next_probe() {
    let mut story = Story::failing(9);
    for _ in 0..12 {
        story.after(Duration::from_secs(1));
        story.end(1, failure(AttemptClass::Ours));
        assert_eq!(story.next(), Next::Wait(story.now.after(Duration::from_secs(1))));
    }
}
