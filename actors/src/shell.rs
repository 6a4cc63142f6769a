//! The one generic actor: load, decide, append, evolve, answer, and then what is owed.
//!
//! ractor's mailboxes have no limit and hand over one message at a time. So commands wait in a
//! [`Mailbox`] of our own, which has a limit and is drained into one append; what ractor carries
//! is only the word that there is work.

mod chain;
mod kept;
mod loaded;
mod mailbox;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use events::{Failure, Revision, StreamName, Timestamp};
use ractor::{ActorProcessingErr, ActorRef};

use crate::aggregate::{Aggregate, Effect, Next};
use crate::registry::Registry;

pub(crate) use chain::{Chain, Link};
pub(crate) use loaded::{Decided, Loaded, Problem, Verdict, Written};
pub use mailbox::{Context, Done, Refused};
pub(crate) use mailbox::{Envelope, Item, Mailbox, Outcome, Undelivered};

/// As many effects as one actor has under way.
const EFFECTS_MAX: usize = 256;

/// As often as a batch is decided anew after somebody else wrote.
const CONFLICTS_MAX: usize = 8;

/// As long as an actor waits that owes something and could not read the log.
const RELOAD_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// The longest that an actor sleeps over what it owes later: timers do not hear of a clock that is
/// put forward, as after the sleep of a whole machine.
const LOOK_AFTER: std::time::Duration = std::time::Duration::from_secs(60);

/// What ractor carries.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wake {
    /// There is something in the mailbox.
    Work,
    /// A moment has come that something is owed at.
    Timer,
}

/// One actor over one stream.
pub(crate) struct Shell<A: Aggregate> {
    pub(crate) id: A::Id,
    pub(crate) registry: Registry<A>,
    pub(crate) mailbox: Arc<Mailbox<A>>,
}

/// What the actor holds between two messages.
pub(crate) struct Run<A: Aggregate> {
    stream: StreamName,
    /// None until first use and after anything that makes it doubtful.
    loaded: Option<Loaded<A>>,
    busy: BTreeSet<<A::Effect as Effect>::Key>,
    timer: Option<(Timestamp, tokio::task::AbortHandle)>,
}

impl<A: Aggregate> ractor::Actor for Shell<A> {
    type Msg = Wake;
    type State = Run<A>;
    type Arguments = ();

    async fn pre_start(
        &self,
        _: ActorRef<Wake>,
        (): (),
    ) -> Result<Self::State, ActorProcessingErr> {
        let stream = StreamName::new(A::CATEGORY, self.id);
        Ok(Run { stream, loaded: None, busy: BTreeSet::new(), timer: None })
    }

    async fn handle(
        &self,
        myself: ActorRef<Wake>,
        message: Wake,
        run: &mut Run<A>,
    ) -> Result<(), ActorProcessingErr> {
        // ractor keeps room for this future several times over for as long as an actor lives, and
        // moves it as often; on the heap it takes its two kilobytes only while there is work.
        Box::pin(self.turn(&myself, message, run)).await;
        Ok(())
    }
}

impl<A: Aggregate> Shell<A> {
    /// Does all there is to do just now.
    async fn turn(&self, myself: &ActorRef<Wake>, message: Wake, run: &mut Run<A>) {
        match message {
            Wake::Timer => run.timer = None,
            Wake::Work => {}
        }
        let mut paid = false;
        while let Some(items) = self.mailbox.take() {
            self.work(items, run).await;
            if self.mailbox.is_closed() {
                return;
            }
            // Each time: under load there is always something that waits.
            self.pay(myself, run).await;
            paid = true;
        }
        // Halted while paying, it has nothing more to look at.
        if !paid && !self.mailbox.is_closed() {
            self.pay(myself, run).await;
        }
    }

    /// Decides all waiting commands together and appends what comes of them as one.
    async fn work(&self, items: VecDeque<Item<A>>, run: &mut Run<A>) {
        let mut batch = VecDeque::with_capacity(items.len());
        let mut heard = None;
        for item in items {
            match item {
                // Whoever asked is told so at this moment, and that whether it was done is unknown.
                Item::Command(envelope) if envelope.is_late() => {
                    let reason = "the log has not answered in time".to_owned();
                    envelope.answer(Err(Refused::Unavailable { reason }));
                }
                Item::Command(envelope) => batch.push_back(envelope),
                Item::Finished(key) => {
                    run.busy.remove(&key);
                }
                Item::Wake => {}
                Item::Heard(revision) => heard = heard.max(Some(revision)),
            }
        }
        if let Some(revision) = heard {
            self.hear(run, revision).await;
        }
        self.carry_out(in_order(batch), run).await;
    }

    /// Takes in what other nodes wrote.
    async fn hear(&self, run: &mut Run<A>, revision: Revision) {
        if let Some(loaded) = run.loaded.as_mut().filter(|loaded| loaded.is_behind(revision))
            && loaded.read_on(self.registry.store()).await.is_err()
        {
            // Whoever needs it loads it whole, and tells what is wrong.
            run.loaded = None;
        }
    }

    async fn carry_out(&self, mut batch: VecDeque<Envelope<A>>, run: &mut Run<A>) {
        let shared = self.registry.store().is_shared();
        // What is read from here on is not older than the commands.
        let mut fresh = !shared || run.loaded.is_none();
        let mut conflicts = 0;
        let mut together = batch.len();
        while !batch.is_empty() {
            let loaded = match self.loaded(run).await {
                Ok(loaded) => loaded,
                Err(problem) => {
                    self.give_up(run, batch, problem);
                    return;
                }
            };
            let commands = batch.make_contiguous();
            let before = shared.then(|| loaded.clone());
            let Decided { events, verdicts } =
                loaded.decide(&commands[..together.min(commands.len())], shared);
            // An append proves that nobody else has written; an answer alone proves nothing.
            let doubtful = !fresh && events.is_empty();
            if doubtful && commands[..verdicts.len()].iter().any(|it| !it.glance) {
                fresh = true;
                match loaded.read_on(self.registry.store()).await {
                    Ok(false) => {}
                    Ok(true) => continue,
                    Err(problem) => {
                        self.give_up(run, batch, problem);
                        return;
                    }
                }
            }
            match loaded.write(self.registry.store(), events).await {
                Ok(written) => {
                    let done = batch.drain(..verdicts.len()).zip(verdicts);
                    self.answer(run, done, written);
                }
                Err(Failure::Conflict { .. }) if conflicts < CONFLICTS_MAX => {
                    conflicts += 1;
                    run.loaded = before;
                    self.catch_up(run).await;
                }
                // One of them is too large: each by itself, it is nobody else's trouble.
                Err(Failure::Size { .. }) if verdicts.len() > 1 => {
                    together = 1;
                    run.loaded = None;
                }
                Err(Failure::Size { bytes, limit }) => {
                    run.loaded = None;
                    if let Some(envelope) = batch.pop_front() {
                        envelope.answer(Err(Refused::TooLarge { bytes, limit }));
                    }
                    batch = in_order(batch);
                }
                Err(failure) => {
                    self.give_up(run, batch, Problem::from(failure));
                    return;
                }
            }
        }
    }

    /// Answers whose commands are decided and written.
    fn answer(
        &self,
        run: &mut Run<A>,
        done: impl Iterator<Item = (Envelope<A>, Verdict<A>)>,
        written: Written,
    ) {
        let Some(loaded) = &mut run.loaded else { return };
        // Whoever is answered may rely on it that what it stopped does not begin.
        self.registry.look(self.id, &loaded.state);
        for (envelope, verdict) in done {
            if let Some(effect) = envelope.ends(&self.mailbox) {
                run.busy.remove(&effect);
            }
            envelope.answer(verdict.at(written));
        }
        self.keep(loaded);
    }

    /// Reads on from what is remembered, where anything is.
    async fn catch_up(&self, run: &mut Run<A>) {
        if let Some(loaded) = &mut run.loaded
            && !matches!(loaded.read_on(self.registry.store()).await, Ok(true))
        {
            run.loaded = None;
        }
    }

    async fn loaded<'r>(&self, run: &'r mut Run<A>) -> Result<&'r mut Loaded<A>, Problem> {
        let loaded = match run.loaded.take() {
            Some(loaded) => loaded,
            None => {
                let (store, snapshots) = (self.registry.store(), self.registry.snapshots());
                let mut loaded = Loaded::load(store, snapshots, &run.stream).await?;
                self.keep(&mut loaded);
                loaded
            }
        };
        Ok(run.loaded.insert(loaded))
    }

    /// Keeps the state anew once the stream has grown enough.
    fn keep(&self, loaded: &mut Loaded<A>) {
        if let Some(snapshots) = self.registry.snapshots() {
            loaded.keep(snapshots, self.registry.keep_every());
        }
    }

    fn give_up(&self, run: &mut Run<A>, batch: VecDeque<Envelope<A>>, problem: Problem) {
        run.loaded = None;
        let refused = match problem {
            Problem::Later(reason) => Refused::Unavailable { reason },
            Problem::Halt(reason) => {
                self.registry.halt(self.id, &run.stream, &reason);
                Refused::Halted { stream: run.stream.clone(), reason }
            }
        };
        for envelope in batch {
            envelope.answer(Err(refused.repeat()));
        }
    }

    /// Starts what the state owes now, and sets the clock for what it owes later.
    async fn pay(&self, myself: &ActorRef<Wake>, run: &mut Run<A>) {
        if !self.registry.pays(self.id) {
            self.mailbox.set_owing(!run.busy.is_empty());
            return;
        }
        let next = match self.loaded(run).await {
            Ok(_) => self.start_effects(run),
            Err(Problem::Later(_)) => Next::Wait(self.registry.now().after(RELOAD_AFTER)),
            Err(Problem::Halt(reason)) => {
                self.registry.halt(self.id, &run.stream, &reason);
                return;
            }
        };
        let owes = !matches!(next, Next::Idle) || !run.busy.is_empty();
        self.mailbox.set_owing(owes);
        if let Next::Wait(until) = next {
            self.set_timer(myself, run, until);
        }
    }

    fn start_effects(&self, run: &mut Run<A>) -> Next<A::Effect> {
        let Some(loaded) = &run.loaded else { return Next::Idle };
        self.registry.look(self.id, &loaded.state);
        while run.busy.len() < EFFECTS_MAX {
            let room = EFFECTS_MAX - run.busy.len();
            match loaded.state.next(self.registry.now(), &run.busy, room) {
                Next::Do(effects) => {
                    for effect in effects {
                        run.busy.insert(effect.key());
                        self.registry.perform(self.id, effect, &self.mailbox);
                    }
                }
                next @ (Next::Wait(_) | Next::Idle) => return next,
            }
        }
        Next::Idle
    }

    fn set_timer(&self, myself: &ActorRef<Wake>, run: &mut Run<A>, until: Timestamp) {
        let now = self.registry.now();
        let until = until.min(now.after(LOOK_AFTER));
        if let Some((sooner, _)) = &run.timer
            && *sooner <= until
        {
            return;
        }
        if let Some((_, task)) = run.timer.take() {
            task.abort();
        }
        // A moment later than asked: never a moment early.
        let wait = until.since(now) + std::time::Duration::from_millis(1);
        let task = myself.send_after(wait, || Wake::Timer);
        run.timer = Some((until, task.abort_handle()));
    }
}

/// Those that overtake nothing; the others are told that what they were to follow was refused.
fn in_order<A: Aggregate>(batch: VecDeque<Envelope<A>>) -> VecDeque<Envelope<A>> {
    if batch.iter().all(Envelope::is_next) {
        return batch;
    }
    let (next, others): (VecDeque<_>, VecDeque<_>) = batch.into_iter().partition(Envelope::is_next);
    for envelope in others {
        let reason = "a command before it was refused".to_owned();
        envelope.answer(Err(Refused::Unavailable { reason }));
    }
    next
}

#[cfg(test)]
mod tests;
