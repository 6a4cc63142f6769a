//! Finds the one actor of a stream: wakes it on first use, lets it go when it is idle.

mod halted;

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use dashmap::DashMap;
use events::snapshot::Snapshots;
use events::{EventStore, Revision, StreamName, Timestamp};
use ractor::{ActorCell, ActorId, ActorRuntime};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::aggregate::{Aggregate, Effect};
use crate::nodes::Share;
use crate::ports::Clock;
use crate::shell::{
    Chain, Context, Done, Envelope, Item, Link, Mailbox, Outcome, Refused, Shell, Undelivered,
};
use crate::supervisor::Supervisor;

pub use halted::{Halt, Halted};

/// As often as an actor may fall over in [`PANICS_WITHIN`] before its stream is halted.
const PANICS_MAX: u32 = 3;

/// The time in which panics are counted together.
const PANICS_WITHIN: Duration = Duration::from_secs(60);

/// As long as an answer may take where the log is another machine's: as long as one append.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What bounds the actors of a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// As many commands as may wait for one actor.
    pub mailbox: usize,
    /// How long an actor without work stays awake.
    pub idle: Duration,
    /// How many events a stream grows by before its state is kept anew, where it is kept.
    pub keep_every: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { mailbox: 1024, idle: Duration::from_secs(60), keep_every: 10_000 }
    }
}

/// What every registry of a process shares.
#[derive(Clone)]
pub struct World {
    /// The log.
    pub store: Arc<dyn EventStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where the states of long streams are kept between two runs; none, and they are read whole.
    pub snapshots: Option<Arc<dyn Snapshots>>,
    /// What bounds the actors.
    pub limits: Limits,
    /// The streams that cannot go on.
    pub halted: Halted,
    /// What of the work is this process's.
    pub share: Share,
}

/// Carries out what an aggregate's states owe.
pub trait Host<A: Aggregate>: Send + Sync {
    /// Begins the effect and returns at once. Dropping `finish` says that it has ended; whatever
    /// came of it must be told the aggregate before.
    fn perform(&self, id: A::Id, effect: A::Effect, finish: Finish<A>);

    /// Whether this node carries it out; with several nodes, each works its part.
    fn works(&self, id: A::Id) -> bool {
        let _ = id;
        true
    }

    /// Sees the state each time before anything is begun that it owes, so that what was begun and
    /// can still be left can be left.
    fn look(&self, id: A::Id, state: &A) {
        let _ = (id, state);
    }
}

/// An effect under way.
pub struct Finish<A: Aggregate> {
    key: <A::Effect as Effect>::Key,
    mailbox: Arc<Mailbox<A>>,
    /// Whether the actor that owed it knows that it has ended.
    known: bool,
}

impl<A: Aggregate> Finish<A> {
    /// Whether the actor that owed it still lives: its successor owes it anew.
    pub fn is_wanted(&self) -> bool {
        !self.mailbox.is_closed()
    }
}

impl<A: Aggregate> Drop for Finish<A> {
    fn drop(&mut self) {
        // It may owe the same again by now, and that is under way.
        if self.known {
            return;
        }
        // A closed mailbox means that a successor starts with nothing under way.
        let _ = self.mailbox.push(Item::Finished(self.key));
    }
}

/// All actors of one kind.
pub struct Registry<A: Aggregate> {
    inner: Arc<Inner<A>>,
}

struct Inner<A: Aggregate> {
    world: World,
    awake: DashMap<A::Id, Arc<Awake<A>>>,
    actors: DashMap<ActorId, A::Id>,
    /// How many, and since when. Here time is tokio's: the clock of the world may be put back.
    panics: DashMap<A::Id, (u32, Instant)>,
    began: Instant,
    host: OnceLock<Arc<dyn Host<A>>>,
    supervisor: OnceLock<ActorCell>,
}

struct Awake<A: Aggregate> {
    mailbox: Arc<Mailbox<A>>,
    /// When it was last, in microseconds since the registry began.
    used: AtomicU64,
}

impl<A: Aggregate> Clone for Registry<A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<A: Aggregate> Registry<A> {
    /// A registry without any actor awake. Must be called within a runtime.
    pub fn new(world: World) -> Self {
        let inner = Arc::new(Inner {
            world,
            awake: DashMap::new(),
            actors: DashMap::new(),
            panics: DashMap::new(),
            began: Instant::now(),
            host: OnceLock::new(),
            supervisor: OnceLock::new(),
        });
        let registry = Self { inner };
        let supervisor = Supervisor { registry: registry.downgrade() };
        let (actor, _) = ActorRuntime::spawn_instant(None, supervisor, ())
            .expect("only a name can be in use, and this actor has none");
        registry.inner.supervisor.get_or_init(|| actor.get_cell());
        tokio::spawn(sweep(registry.downgrade(), registry.inner.world.limits.idle));
        registry
    }

    /// Says who carries out what is owed; without, nothing is.
    pub fn set_host(&self, host: Arc<dyn Host<A>>) {
        self.inner.host.get_or_init(|| host);
    }

    /// Asks the actor of `id`. The command waits in its mailbox already when this returns, so
    /// that commands are decided in the order of the calls.
    pub fn ask(
        &self,
        id: A::Id,
        context: Context,
        command: A::Command,
    ) -> impl Future<Output = Result<Done<A::Answer>, Refused<A::Rejection>>> + Send + 'static {
        let (envelope, answer) = Envelope::new(context, command);
        self.put(id, (Envelope { until: self.answer_by(), ..envelope }, answer))
    }

    /// Tells it what came of an effect, which has ended once that is decided: one word for both.
    pub async fn ask_last(
        &self,
        finish: &mut Finish<A>,
        id: A::Id,
        context: Context,
        command: A::Command,
    ) -> Result<Done<A::Answer>, Refused<A::Rejection>> {
        let ends = Some((finish.key, finish.mailbox.clone()));
        let (envelope, answer) = Envelope::new(context, command);
        let told = self.put(id, (Envelope { ends, ..envelope }, answer)).await;
        finish.known = matches!(told, Ok(_) | Err(Refused::Rejected(_)));
        told
    }

    /// The same, behind all of the chain that were handed over before.
    pub(crate) fn ask_in(
        &self,
        chain: &Chain,
        id: A::Id,
        context: Context,
        command: A::Command,
    ) -> impl Future<Output = Outcome<A>> + Send + 'static + use<A> {
        let (envelope, answer) = Envelope::new(context, command);
        self.put(id, (Envelope { link: Link::of(chain), ..envelope }, answer))
    }

    /// The same, where an answer may miss what other nodes wrote a moment ago: it costs no look at
    /// the log.
    pub fn glance(
        &self,
        id: A::Id,
        context: Context,
        command: A::Command,
    ) -> impl Future<Output = Result<Done<A::Answer>, Refused<A::Rejection>>> + Send + 'static {
        let (envelope, answer) = Envelope::new(context, command);
        self.put(id, (Envelope { glance: true, until: self.answer_by(), ..envelope }, answer))
    }

    /// Until when an answer may take, where the log is another machine's: who waits behind a
    /// command that it does not answer waits no longer than that one did.
    fn answer_by(&self) -> Option<Instant> {
        self.is_shared().then(|| Instant::now() + ANSWER_WITHIN)
    }

    fn put(
        &self,
        id: A::Id,
        (envelope, answer): (Envelope<A>, oneshot::Receiver<Outcome<A>>),
    ) -> impl Future<Output = Outcome<A>> + Send + use<A> {
        let until = envelope.until;
        let sent = self.send(id, Item::Command(envelope));
        async move {
            sent?;
            let answered = match until {
                Some(until) => timeout_at(until, answer).await,
                None => Ok(answer.await),
            };
            let late = format!("the log has not answered within {ANSWER_WITHIN:?}");
            let late = |_| Ok(Err(Refused::Unavailable { reason: late }));
            answered.unwrap_or_else(late).unwrap_or(Err(Refused::Restarted))
        }
    }

    /// Lets the actor of `id` look at what it owes.
    pub fn wake(&self, id: A::Id) {
        // A halted stream is shown in health; there is nobody to tell here.
        let _ = self.send(id, Item::Wake);
    }

    /// The stream of `id` reaches this far. Whoever is awake takes in what others wrote; whoever
    /// is not is woken where this node works it.
    pub fn heard(&self, id: A::Id, revision: Revision) {
        if self.inner.awake.contains_key(&id) || self.pays(id) {
            let _ = self.send(id, Item::Heard(revision));
        }
    }

    /// How many actors are awake.
    pub fn awake(&self) -> usize {
        self.inner.awake.len()
    }

    /// The streams that cannot go on.
    pub fn halted(&self) -> &Halted {
        &self.inner.world.halted
    }

    pub(crate) fn share(&self) -> &Share {
        &self.inner.world.share
    }

    fn send(&self, id: A::Id, mut item: Item<A>) -> Result<(), Refused<A::Rejection>> {
        loop {
            let halted = &self.inner.world.halted;
            if !halted.is_empty() {
                let stream = StreamName::new(A::CATEGORY, id);
                if let Some(halt) = halted.get(&stream) {
                    return Err(Refused::Halted { stream, reason: halt.reason });
                }
            }
            let awake = self.awaken(id);
            awake.used.store(self.micros(), Ordering::Relaxed);
            match awake.mailbox.push(item) {
                Ok(()) => return Ok(()),
                Err(Undelivered::Full) => return Err(Refused::Full),
                Err(Undelivered::Closed(back)) => {
                    item = *back;
                    self.forget(id, &awake.mailbox);
                }
            }
        }
    }

    fn awaken(&self, id: A::Id) -> Arc<Awake<A>> {
        if let Some(awake) = self.inner.awake.get(&id) {
            return awake.clone();
        }
        self.inner.awake.entry(id).or_insert_with(|| self.spawn(id)).clone()
    }

    fn spawn(&self, id: A::Id) -> Arc<Awake<A>> {
        let mailbox = Mailbox::new(self.inner.world.limits.mailbox);
        let shell = Shell { id, registry: self.clone(), mailbox: mailbox.clone() };
        let supervisor = self.inner.supervisor.get().expect("a registry begins with one").clone();
        let (actor, _) = ActorRuntime::spawn_linked_instant(None, shell, (), supervisor)
            .expect("only a name can be in use, and this actor has none");
        self.inner.actors.insert(actor.get_id(), id);
        mailbox.attach(actor);
        Arc::new(Awake { mailbox, used: AtomicU64::new(self.micros()) })
    }

    fn forget(&self, id: A::Id, mailbox: &Arc<Mailbox<A>>) {
        self.inner.awake.remove_if(&id, |_, awake| Arc::ptr_eq(&awake.mailbox, mailbox));
    }

    pub(crate) fn store(&self) -> &dyn EventStore {
        &*self.inner.world.store
    }

    /// Whether other nodes write to the same streams.
    pub(crate) fn is_shared(&self) -> bool {
        self.store().is_shared()
    }

    pub(crate) fn snapshots(&self) -> Option<&Arc<dyn Snapshots>> {
        self.inner.world.snapshots.as_ref()
    }

    pub(crate) fn keep_every(&self) -> usize {
        self.inner.world.limits.keep_every
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.world.clock.now()
    }

    /// Whether what the state of `id` owes is carried out here.
    pub(crate) fn pays(&self, id: A::Id) -> bool {
        self.inner.host.get().is_some_and(|host| host.works(id))
    }

    pub(crate) fn perform(&self, id: A::Id, effect: A::Effect, mailbox: &Arc<Mailbox<A>>) {
        let finish = Finish { key: effect.key(), mailbox: mailbox.clone(), known: false };
        if let Some(host) = self.inner.host.get() {
            host.perform(id, effect, finish);
        }
    }

    pub(crate) fn look(&self, id: A::Id, state: &A) {
        if let Some(host) = self.inner.host.get() {
            host.look(id, state);
        }
    }

    /// Stops one stream, loudly; all others go on.
    pub(crate) fn halt(&self, id: A::Id, stream: &StreamName, reason: &str) {
        tracing::error!(%stream, reason, "{stream} is halted: {reason}");
        let halt = Halt { reason: reason.to_owned(), since: self.now() };
        self.inner.world.halted.insert(stream.clone(), halt);
        if let Some((_, awake)) = self.inner.awake.remove(&id) {
            awake.mailbox.close();
            awake.mailbox.stop();
        }
    }

    /// An actor is no more: by panic when there is a reason.
    pub(crate) fn ended(&self, actor: ActorId, panic: Option<String>) {
        let Some((_, id)) = self.inner.actors.remove(&actor) else { return };
        let Some(panic) = panic else { return };
        let stream = StreamName::new(A::CATEGORY, id);
        tracing::error!(%stream, "the actor of {stream} fell over and is restarted: {panic}");
        // A successor may be awake already.
        let fallen = |_: &A::Id, awake: &Arc<Awake<A>>| awake.mailbox.is_of(actor);
        if let Some((_, awake)) = self.inner.awake.remove_if(&id, fallen) {
            awake.mailbox.close();
        }
        if self.count_panic(id) >= PANICS_MAX {
            self.halt(id, &stream, &format!("its actor fell over {PANICS_MAX} times: {panic}"));
        } else if self.pays(id) {
            self.wake(id);
        }
    }

    fn count_panic(&self, id: A::Id) -> u32 {
        let now = Instant::now();
        let mut entry = self.inner.panics.entry(id).or_insert((0, now));
        if now.duration_since(entry.1) > PANICS_WITHIN {
            *entry = (0, now);
        }
        entry.0 += 1;
        entry.0
    }

    /// Since it began.
    fn micros(&self) -> u64 {
        u64::try_from(self.inner.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn downgrade(&self) -> WeakRegistry<A> {
        WeakRegistry(Arc::downgrade(&self.inner))
    }

    fn let_idle_go(&self) {
        let idle = self.inner.world.limits.idle.as_micros();
        let now = self.micros();
        let mut idlers = vec![];
        for entry in &self.inner.awake {
            let unused = now.saturating_sub(entry.used.load(Ordering::Relaxed));
            if u128::from(unused) >= idle && entry.mailbox.close_if_idle() {
                idlers.push((*entry.key(), entry.mailbox.clone()));
            }
        }
        for (id, mailbox) in idlers {
            self.forget(id, &mailbox);
            mailbox.stop();
        }
    }
}

pub(crate) struct WeakRegistry<A: Aggregate>(Weak<Inner<A>>);

impl<A: Aggregate> WeakRegistry<A> {
    pub(crate) fn upgrade(&self) -> Option<Registry<A>> {
        self.0.upgrade().map(|inner| Registry { inner })
    }
}

async fn sweep<A: Aggregate>(registry: WeakRegistry<A>, idle: Duration) {
    let mut ticks = tokio::time::interval((idle / 4).max(Duration::from_millis(10)));
    loop {
        ticks.tick().await;
        match registry.upgrade() {
            Some(registry) => registry.let_idle_go(),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests;
