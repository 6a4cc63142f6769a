//! Who may attempt now: a limit for each endpoint and one for all together, of which no account
//! gets all, so that a hanging endpoint holds up nobody but itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use events::delivery::{AbandonReason, AttemptClass};
use events::{Actor, EndpointId, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use super::gate::{Gate, Slot};
use super::places::{Places, Sharer};
use super::replay::Replay;
use super::schedule::PROBE_EVERY;
use super::trouble::Troubles;
use super::{Command, Ledger, Owed, OwedAttempt, Report};
use crate::caught::caught;
use crate::nodes::{Division, Work};
use crate::ports::{Attempt, Clock, Ended, Endpoint, Made, Outbound, Target, Targets};
use crate::registry::{Finish, Host, Registry};
use crate::shell::{Context, Refused};

/// The first wait before something is tried again that the log refused.
pub(super) const RETRY_FIRST: Duration = Duration::from_millis(100);

/// The longest such wait.
const RETRY_MAX: Duration = Duration::from_secs(1);

/// A rate counts attempts in any such time.
const RATE_WINDOW: Duration = Duration::from_secs(1);

/// What holds for every endpoint that says nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Waits between attempts.
    pub schedule: Vec<Duration>,
    /// Attempts under way at once to one endpoint.
    pub concurrency: usize,
    /// Attempts under way at once to all endpoints together.
    pub concurrency_in_all: usize,
    /// An endpoint that takes nothing for so long is disabled.
    pub disable_after: Duration,
}

/// Makes the attempts that ledgers owe; cheap to clone.
#[derive(Clone)]
pub struct Delivery {
    inner: Arc<Inner>,
}

struct Inner {
    ledgers: Registry<Ledger>,
    targets: Arc<dyn Targets>,
    outbound: Arc<dyn Outbound>,
    clock: Arc<dyn Clock>,
    rules: Rules,
    places: Places,
    /// Attempts that were begun and are not recorded.
    under_way: watch::Sender<BTreeMap<EndpointId, usize>>,
    gates: DashMap<EndpointId, Gate>,
    replay: Replay,
    troubles: Troubles,
    closing: AtomicBool,
    began: Instant,
}

impl Delivery {
    /// Becomes the host of the ledgers.
    pub fn start(
        ledgers: Registry<Ledger>,
        targets: Arc<dyn Targets>,
        outbound: Arc<dyn Outbound>,
        clock: Arc<dyn Clock>,
        rules: Rules,
    ) -> Self {
        let inner = Inner {
            places: Places::new(rules.concurrency_in_all),
            under_way: watch::Sender::new(BTreeMap::new()),
            ledgers: ledgers.clone(),
            targets,
            outbound,
            clock: clock.clone(),
            rules,
            gates: DashMap::new(),
            replay: Replay::new(ledgers.clone(), clock.clone()),
            troubles: Troubles::new(clock.now()),
            closing: AtomicBool::new(false),
            began: Instant::now(),
        };
        let delivery = Self { inner: Arc::new(inner) };
        ledgers.set_host(Arc::new(delivery.clone()));
        delivery
    }

    /// Attempts under way at once to an endpoint that has no limit of its own.
    pub fn concurrency(&self) -> u32 {
        u32::try_from(self.inner.rules.concurrency).unwrap_or(u32::MAX)
    }

    /// How many attempts are under way.
    pub fn under_way(&self) -> usize {
        self.inner.under_way.borrow().values().sum()
    }

    /// Whether nothing is under way that is another node's in this division.
    pub fn has_let_go(&self, division: &Division) -> bool {
        let ours = |endpoint: &EndpointId| division.is_ours(Work::Ledger(*endpoint));
        self.inner.under_way.borrow().keys().all(ours)
    }

    /// Begins no further attempt, and returns when those under way are recorded.
    pub async fn close(&self) {
        self.inner.closing.store(true, Ordering::SeqCst);
        let mut under_way = self.inner.under_way.subscribe();
        // It fails only when the sender is gone, which is in `self`.
        let _ = under_way.wait_for(|attempts| attempts.is_empty()).await;
    }
}

impl Host<Ledger> for Delivery {
    fn perform(&self, id: EndpointId, owed: Owed, mut finish: Finish<Ledger>) {
        let inner = self.inner.clone();
        // Here, so that it hears whatever the ledger says from now on.
        inner.gate(id);
        tokio::spawn(async move {
            match owed {
                Owed::Attempt(owed) => inner.attempt(id, owed, &mut finish).await,
                Owed::Step(step) => inner.replay.step(id, *step).await,
            }
            drop(finish);
        });
    }

    fn works(&self, id: EndpointId) -> bool {
        self.inner.ledgers.share().works(Work::Ledger(id))
    }

    fn look(&self, id: EndpointId, ledger: &Ledger) {
        self.inner.replay.look(id, ledger);
        self.inner.troubles.look(id, &ledger.tally, || self.works(id));
        // Before the first attempt too: what others began counts from there on.
        if ledger.pending() > 0 {
            self.inner.gate(id).heed(ledger, self.inner.clock.now());
        } else if let Some(gate) = self.inner.gates.get(&id) {
            gate.heed(ledger, self.inner.clock.now());
        }
    }
}

/// One attempt among those that are begun and not recorded.
struct UnderWay<'a> {
    all: &'a watch::Sender<BTreeMap<EndpointId, usize>>,
    endpoint: EndpointId,
}

impl<'a> UnderWay<'a> {
    fn begin(all: &'a watch::Sender<BTreeMap<EndpointId, usize>>, endpoint: EndpointId) -> Self {
        // Whoever waits waits for none to be left.
        all.send_if_modified(|attempts| {
            *attempts.entry(endpoint).or_default() += 1;
            false
        });
        Self { all, endpoint }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.all.send_if_modified(|attempts| match attempts.get_mut(&self.endpoint) {
            Some(more) if *more > 1 => {
                *more -= 1;
                false
            }
            Some(_) | None => attempts.remove(&self.endpoint).is_some(),
        });
    }
}

impl Inner {
    async fn attempt(&self, id: EndpointId, owed: OwedAttempt, finish: &mut Finish<Ledger>) {
        loop {
            // Whether the ledger has since said that it shall not begin, or another owes it now.
            let is_over = |gate: &Gate| gate.is_stopped(&owed, &*self.clock) || !finish.is_wanted();
            let gate = self.gate(id);
            let slot = gate.enter().await;
            // Before the turn, so that what is stopped takes nobody's; and after it, because a
            // turn can be long in coming.
            if is_over(&gate) {
                return;
            }
            let permit = gate.turn(self.places.take(Sharer::of(id, owed.account))).await;
            // Counted first: whoever closes and finds none under way has closed before this.
            let counted = UnderWay::begin(&self.under_way, id);
            if self.closing.load(Ordering::SeqCst) {
                drop((slot, permit, counted));
                return never().await;
            }
            // It may have become another node's while it waited; the ledger is asked there.
            let ours = self.ledgers.share().works(Work::Ledger(id));
            if !ours || is_over(&gate) {
                return;
            }
            let command = match self.targets.target(id, owed.account).await {
                Target::Nowhere => {
                    self.gates.remove(&id);
                    let (delivery, reason) = (Some(owed.delivery), AbandonReason::WebhookDeleted);
                    Command::Abandon { delivery, reason }
                }
                Target::Halted => {
                    drop((slot, permit, counted));
                    return never().await;
                }
                Target::To(to) if !self.fits(&gate, &slot, &to) => continue,
                // Settings can be long in coming too.
                Target::To(_) if is_over(&gate) => return,
                Target::To(to) => {
                    let began = self.clock.now();
                    gate.begin(began);
                    let report = self.send((id, began), &owed, to).await;
                    if gate.probes(owed.delivery) && is_no_news(&owed, &report) {
                        drop((slot, permit, counted));
                        tokio::time::sleep(PROBE_EVERY).await;
                        continue;
                    }
                    Command::Record(Arc::new(report))
                }
            };
            // The endpoint is free again; what is left is between us and the log.
            drop((slot, permit));
            return self.record(id, &owed, command, finish).await;
        }
    }

    /// The second in which the process began may be another's too, who came before it and had no
    /// time to write down what it began. What was written down is heeded: [`Gate::heed`].
    fn gate(&self, id: EndpointId) -> Gate {
        let new = || Gate::new(self.rules.concurrency, self.began + RATE_WINDOW);
        self.gates.entry(id).or_insert_with(new).clone()
    }

    /// Whether the gate was that of the endpoint's settings as they are now; if not, whoever came
    /// through it has to come through it again.
    fn fits(&self, gate: &Gate, slot: &Slot<'_>, to: &Endpoint) -> bool {
        let wanted = to.concurrency.and_then(|wanted| usize::try_from(wanted).ok());
        let width = wanted.unwrap_or(self.rules.concurrency).max(1);
        gate.fits(slot, width, to.rate_per_second)
    }

    async fn send(
        &self,
        (id, started_at): (EndpointId, Timestamp),
        owed: &OwedAttempt,
        endpoint: Arc<Endpoint>,
    ) -> Report {
        let schedule = endpoint.retry_schedule.clone();
        let attempt = Attempt {
            delivery: owed.delivery,
            number: owed.attempt,
            at: started_at,
            event: owed.event.clone(),
            body: owed.body.clone(),
            endpoint,
        };
        // A panic is an end like any other.
        let made = caught(async { self.outbound.attempt(attempt).await }).await;
        let Made { ended, address } = made.unwrap_or_else(|panic| {
            let delivery = owed.delivery;
            tracing::error!(%delivery, "the attempt of delivery {delivery} fell over: {panic}");
            let (class, detail) = (AttemptClass::Ours, "the attempt fell over".into());
            Ended::Failed { class, detail, response: None, retry_after: None }.into()
        });
        let now = self.clock.now();
        Report {
            delivery: owed.delivery,
            attempt: owed.attempt,
            ended,
            address,
            started_at,
            duration: now.since(started_at),
            now,
            schedule: schedule.unwrap_or_else(|| self.rules.schedule.clone()),
            disable_after: self.disable_after(id),
        }
    }

    /// The mail server is the installation's own and all its accounts' alike: nobody whose mail
    /// waits for it could do anything, so that it is probed for ever.
    fn disable_after(&self, id: EndpointId) -> Option<Duration> {
        match id {
            EndpointId::Webhook(_) | EndpointId::Inbox(_) => Some(self.rules.disable_after),
            EndpointId::Mail(_) => None,
        }
    }

    /// Tells the ledger until it is written; while the log cannot be reached, the attempt counts
    /// as under way and is not repeated.
    async fn record(
        &self,
        endpoint: EndpointId,
        owed: &OwedAttempt,
        command: Command,
        finish: &mut Finish<Ledger>,
    ) {
        let id = id_of(owed, &command, self.clock.now());
        let mut wait = RETRY_FIRST;
        loop {
            let context = self.context(id, owed.delivery.0, Some(owed.account), self.clock.now());
            let told = self.ledgers.ask_last(finish, endpoint, context, command.clone()).await;
            match told {
                Ok(_) => return,
                Err(refused) if refused.is_passing() => pause(&mut wait).await,
                Err(Refused::Halted { .. }) => return,
                Err(refused) => {
                    let delivery = owed.delivery;
                    tracing::error!(%delivery, "delivery {delivery} cannot be recorded: {refused}");
                    return;
                }
            }
        }
    }

    fn context(
        &self,
        id: Uuid,
        correlation: Uuid,
        account: Option<events::AccountId>,
        now: Timestamp,
    ) -> Context {
        Context { id, correlation, actor: Actor::DELIVERY, account, now }
    }
}

/// The same for as long as the same end is told, and no other's: neither another end of an attempt
/// of this number is, nor the same attempt of a delivery that was brought back.
fn id_of(owed: &OwedAttempt, command: &Command, now: Timestamp) -> Uuid {
    let recorded = if let Command::Record(report) = command { Some(report) } else { None };
    let (end, at) = recorded.map_or(("abandoned", now), |it| ("recorded", it.started_at));
    let name = format!("{end} {} {}", owed.attempt, at.as_micros());
    Uuid::new_v5(&owed.delivery.0, name.as_bytes())
}

/// Whether a probe failed as the one before did, so recently that it is not worth a word.
fn is_no_news(owed: &OwedAttempt, report: &Report) -> bool {
    let (Some(probe), Ended::Failed { class, retry_after: None, .. }) = (owed.probe, &report.ended)
    else {
        return false;
    };
    // Those two end something.
    let ends = matches!(class, AttemptClass::Gone | AttemptClass::Blocked);
    !ends && Some(*class) == probe.failed_as && report.now < probe.quiet_until
}

/// Under way for ever, as far as the ledger is concerned: it shall not ask again before a restart.
pub(super) async fn never() {
    std::future::pending().await
}

pub(super) async fn pause(wait: &mut Duration) {
    tokio::time::sleep(*wait).await;
    *wait = (*wait * 2).min(RETRY_MAX);
}

#[cfg(test)]
mod tests;
