//! Who is owed what: each event of the log, in its order, becomes deliveries in ledgers.
//!
//! Subscriptions are folded from the same log, so who was subscribed is answered as of the
//! event's own position, and a replay fans out identically. Fanning out twice is harmless
//! because delivery ids derive from (event, webhook) and a ledger knows those it has had; the
//! checkpoint is a fact in the log, so that losing a file never sends old news again.

pub mod disabled;

mod api_inboxes;
mod body;
mod checkpoint;
mod followed;
mod history;
mod kept;
mod mail;
mod operational;
mod owed;
mod report;
mod short;
mod standby;
mod subscriptions;
mod waking;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use events::snapshot::Snapshots;
use events::store::{Heard, Subscription};
use events::{EndpointId, EventStore, Failure, Position, Record};
use futures_core::future::BoxFuture;
use tokio::sync::watch;
use uuid::Uuid;

use crate::delivery::{Ledger, REMEMBERED_MAX, Rejection, Told};
use crate::nodes::{Division, Work};
use crate::ports::Clock;
use crate::registry::Registry;
use crate::shell::{Chain, Done, Refused};
use crate::tireless::tireless;

use checkpoint::{Checkpoint, Laggards, QUIET};
use kept::Folded;
use owed::{Debt, Debtor};
use short::Shortened;
use waking::Waking;

/// As many deliveries as are queued before the checkpoint follows.
const CHECKPOINT_EVERY: usize = 1024;

/// As many records as are passed before the checkpoint follows where nothing is owed.
const CHECKPOINT_RECORDS: usize = 50_000;

/// As many records as are folded before the subscriptions are kept anew, at the end of the log.
const KEEP_RECORDS: u64 = 50_000;

/// As many debts as are handed over before their answers are awaited.
const HANDED_OVER_MAX: usize = 256;

/// As long as new records gather before they are read.
const GATHERING: Duration = Duration::from_millis(2);

/// The waits before what failed is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

// What a page can add must still be known to the ledgers when it is fanned out again.
const _: () = assert!(CHECKPOINT_EVERY + events::store::PAGE_MAX < REMEMBERED_MAX);

/// How far the fan-out is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Everything up to here is queued where it is owed.
    pub position: Position,
    /// Whether it has been at the end of the log.
    pub caught_up: bool,
    /// Why it cannot go on just now.
    pub failing: Option<String>,
}

/// Whether this process fans out just now; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Leading(Arc<AtomicBool>);

impl Leading {
    /// Whether it is not at work that is another node's in this division.
    pub fn has_let_go(&self, division: &Division) -> bool {
        division.is_ours(Work::Fanout) || !self.0.load(Ordering::SeqCst)
    }

    /// To be held from before it is asked whose work it is.
    fn begin(&self) -> Lead {
        self.0.store(true, Ordering::SeqCst);
        Lead(self.clone())
    }
}

/// It fans out as long as this lives.
struct Lead(Leading);

impl Drop for Lead {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::SeqCst);
    }
}

/// The fan-out at work. Stop it before the process ends.
#[derive(Debug)]
pub struct Fanout {
    leading: Leading,
    progress: watch::Receiver<Progress>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Fanout {
    /// Starts it; a panic restarts it from its checkpoint.
    pub fn start(
        store: Arc<dyn EventStore>,
        snapshots: Arc<dyn Snapshots>,
        ledgers: Registry<Ledger>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (told, progress) = watch::channel(Progress::default());
        let (stop, stopped) = watch::channel(false);
        let leading = Leading::default();
        let worker = Worker {
            store,
            snapshots,
            ledgers,
            clock,
            progress: told,
            stop: stopped,
            leading: leading.clone(),
        };
        let task = tokio::spawn(supervise(worker));
        Self { leading, progress, stop, task }
    }

    /// Whether it is at work.
    pub fn leading(&self) -> Leading {
        self.leading.clone()
    }

    /// How far it is, now and as it goes on.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// It is gone at once, as with its process.
    #[cfg(test)]
    pub(crate) fn kill(&self) {
        self.task.abort();
    }

    /// Lets it finish what it is at, and write its checkpoint.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(panic) = self.task.await {
            tracing::error!("the fan-out fell over while stopping: {panic}");
        }
    }
}

#[derive(Clone)]
struct Worker {
    store: Arc<dyn EventStore>,
    snapshots: Arc<dyn Snapshots>,
    ledgers: Registry<Ledger>,
    clock: Arc<dyn Clock>,
    progress: watch::Sender<Progress>,
    stop: watch::Receiver<bool>,
    leading: Leading,
}

async fn supervise(worker: Worker) {
    let failing = || Some("the fan-out fell over and is restarted".to_owned());
    let fell = || worker.progress.send_modify(|progress| progress.failing = failing());
    tireless("the fan-out", RETRY.1, || worker.clone().run(), fell).await;
}

type Telling = BoxFuture<'static, Result<Done<Told>, Refused<Rejection>>>;

impl Worker {
    /// One node fans out at a time; the others stand by.
    async fn run(mut self) {
        let mut folded = None;
        while let Some((checkpoint, from, lead)) = self.stand_by(folded.take()).await {
            folded = Some(self.lead(checkpoint, from).await);
            drop(lead);
            // Whoever dropped it wants nothing of it either.
            if *self.stop.borrow() || self.stop.has_changed().is_err() {
                return;
            }
        }
    }

    /// Fans out until it shall stop, or another node is to do it.
    async fn lead(&mut self, mut checkpoint: Checkpoint, folded: Folded) -> Folded {
        let mut wait = RETRY.0;
        let mut kept = folded.position;
        let mut log = Subscription::new(self.store.clone(), kept);
        let mut debtor = Debtor::new(self.store.clone(), checkpoint.saved.clone(), folded);
        let (mut waking, mut idle) = (None::<Waking>, false);
        let (mut share, mut stop) = (self.ledgers.share().clone(), self.stop.clone());
        while share.works(Work::Fanout) {
            let turn = share.turn();
            let quiet = idle && checkpoint.is_behind();
            let heard = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                () = share.turned(turn) => None,
                heard = listen(&*self.store, &mut log, idle) => Some(heard),
                () = tokio::time::sleep(QUIET), if quiet => {
                    Some(Ok(Heard::CaughtUp(log.position())))
                }
            };
            let Some(heard) = heard else {
                if waking.is_some() {
                    waking = Some(self.wake(&debtor));
                }
                continue;
            };
            idle = matches!(heard, Ok(Heard::CaughtUp(_)));
            match heard {
                Ok(Heard::Page(page)) => {
                    wait = RETRY.0;
                    if self.fan_out(&page, &mut debtor, &mut checkpoint).await.is_break() {
                        break;
                    }
                }
                Ok(Heard::CaughtUp(_)) => {
                    if waking.as_ref().is_none_or(|waking| !waking.is_of(share.turn())) {
                        waking = Some(self.wake(&debtor));
                    }
                    let due = checkpoint.is_due(self.clock.now());
                    self.save_if(due, &mut checkpoint).await;
                    self.tell(&checkpoint, true);
                    if debtor.folded().position.0 - kept.0 >= KEEP_RECORDS {
                        kept = self.keep(&mut checkpoint, &debtor).await;
                    }
                }
                Err(failure) => {
                    if self.fail(&failure, &mut wait).await.is_break() {
                        break;
                    }
                }
            }
        }
        if debtor.folded().position > kept {
            self.keep(&mut checkpoint, &debtor).await;
        }
        debtor.into_folded()
    }

    /// Lets every ledger look at what it owes that is worked here.
    fn wake(&self, debtor: &Debtor) -> Waking {
        Waking::start(&self.ledgers, debtor.endpoints().collect())
    }

    /// Keeps the subscriptions, behind a checkpoint that reaches as far.
    async fn keep(&self, checkpoint: &mut Checkpoint, debtor: &Debtor) -> Position {
        self.save_if(true, checkpoint).await;
        kept::save(&self.snapshots, debtor.folded()).await;
        debtor.folded().position
    }

    /// Breaks off when it shall stop and cannot finish the page; the checkpoint stays before it.
    async fn fan_out(
        &mut self,
        page: &[Record],
        debtor: &mut Debtor,
        checkpoint: &mut Checkpoint,
    ) -> ControlFlow<()> {
        let (mut wait, mut count, mut stuck) = (RETRY.0, 0, Laggards::new());
        while !debtor.is_through(page) {
            match debtor.debts(page).await {
                Ok(debts) => {
                    count += debts.len();
                    self.hand_over(debts, &mut stuck).await?;
                }
                Err(failure) => self.fail(&failure, &mut wait).await?,
            }
        }
        checkpoint.advance(page, count, &stuck, self.clock.now());
        let enough =
            checkpoint.queued >= CHECKPOINT_EVERY || checkpoint.passed >= CHECKPOINT_RECORDS;
        self.save_if(enough, checkpoint).await;
        let caught_up = self.progress.borrow().caught_up;
        self.tell(checkpoint, caught_up);
        ControlFlow::Continue(())
    }

    /// Hands all debts to their ledgers; `stuck` are the halted ones that did not take them.
    async fn hand_over(&mut self, debts: Vec<Debt>, stuck: &mut Laggards) -> ControlFlow<()> {
        let mut debts = debts.into_iter();
        loop {
            let next: Vec<Debt> = debts.by_ref().take(HANDED_OVER_MAX).collect();
            if next.is_empty() {
                return ControlFlow::Continue(());
            }
            self.settle(next, stuck).await?;
        }
    }

    /// What is refused for now is told again with all that stood behind it, so that each ledger
    /// learns everything in the order of the log.
    async fn settle(&mut self, mut debts: Vec<Debt>, stuck: &mut Laggards) -> ControlFlow<()> {
        let mut wait = RETRY.0;
        loop {
            let count = debts.len();
            let (left, why) = self.tell_ledgers(debts, stuck).await;
            let Some(why) = why else { return ControlFlow::Continue(()) };
            if left.len() < count {
                wait = RETRY.0;
            }
            self.fail(&why, &mut wait).await?;
            if !self.ledgers.share().works(Work::Fanout) {
                return ControlFlow::Break(());
            }
            debts = left;
        }
    }

    /// Tells all, and then awaits the answers; those that were refused for now, and why the first
    /// of them was.
    async fn tell_ledgers(
        &self,
        debts: Vec<Debt>,
        stuck: &mut Laggards,
    ) -> (Vec<Debt>, Option<Refused<Rejection>>) {
        let mut chains = BTreeMap::<EndpointId, Chain>::new();
        let tell = |debt: Debt| {
            let chain = chains.entry(debt.endpoint).or_default();
            let telling = self.tell_ledger(chain, &debt);
            (debt, telling)
        };
        let told: Vec<(Debt, Telling)> = debts.into_iter().map(tell).collect();
        let (mut left, mut why, mut shortened) = (vec![], None, Shortened::default());
        for (debt, telling) in told {
            let mut answer = telling.await;
            while let Ok(done) = &answer
                && debt.is_left(&done.answer)
            {
                answer = self.tell_rest(&debt, done.answer.pending).await;
            }
            match answer {
                Ok(_) => {}
                Err(refused) if refused.is_passing() => {
                    why.get_or_insert(refused);
                    left.push(debt);
                }
                Err(refused) => {
                    let endpoint = debt.endpoint;
                    // The log takes less than it was believed to.
                    if matches!(refused, Refused::TooLarge { .. })
                        && let Some(short) = debt.in_short(&mut shortened)
                    {
                        why.get_or_insert(refused);
                        left.push(short);
                        continue;
                    }
                    tracing::error!(%endpoint, "ledger {endpoint} is not told: {refused}");
                    // Anything else would be refused for ever.
                    if matches!(refused, Refused::Halted { .. }) {
                        stuck.entry(endpoint).or_insert(debt.position);
                    }
                }
            }
        }
        shortened.warn();
        (left, why)
    }

    fn tell_ledger(&self, chain: &Chain, debt: &Debt) -> Telling {
        let context = debt.context(self.clock.now());
        Box::pin(self.ledgers.ask_in(chain, debt.endpoint, context, debt.command.clone()))
    }

    /// As a command of its own: the same one again would be known as done.
    fn tell_rest(&self, debt: &Debt, left: usize) -> Telling {
        let mut context = debt.context(self.clock.now());
        context.id = Uuid::new_v5(&context.id, &left.to_be_bytes());
        Box::pin(self.ledgers.ask(debt.endpoint, context, debt.command.clone()))
    }

    async fn save_if(&self, needed: bool, checkpoint: &mut Checkpoint) {
        if !needed {
            return;
        }
        match checkpoint.save(&*self.store, self.clock.now()).await {
            Ok(()) => {}
            // The older checkpoint holds; the next page tries again.
            Err(failure) => tracing::warn!("the fan-out's checkpoint is not written: {failure}"),
        }
    }

    fn tell(&self, checkpoint: &Checkpoint, caught_up: bool) {
        let position = checkpoint.reached.position;
        self.progress.send_replace(Progress { position, caught_up, failing: None });
    }

    /// Waits before what failed is tried again; breaks off when it shall stop.
    async fn fail(
        &mut self,
        failure: &(dyn std::error::Error + Send + Sync),
        wait: &mut Duration,
    ) -> ControlFlow<()> {
        tracing::warn!("the fan-out waits: {failure}");
        self.progress.send_modify(|progress| progress.failing = Some(failure.to_string()));
        tokio::select! {
            biased;
            _ = self.stop.wait_for(|stop| *stop) => return ControlFlow::Break(()),
            () = tokio::time::sleep(*wait) => {}
        }
        *wait = (*wait * 2).min(RETRY.1);
        ControlFlow::Continue(())
    }
}

/// The next of the log. Whoever waits at its end lets a few records come together: reading them
/// one by one would tax those who write.
async fn listen(
    store: &dyn EventStore,
    log: &mut Subscription,
    idle: bool,
) -> Result<Heard, Failure> {
    if idle {
        store.grown(log.position()).await;
        tokio::time::sleep(GATHERING).await;
    }
    log.next().await
}

#[cfg(test)]
mod tests;
