//! Where commands wait for their actor: bounded, drained all at once, answered each by itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use events::{AccountId, Actor, EventId, Metadata, Position, Revision, StreamName, Timestamp};
use ractor::{ActorId, ActorRef};
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use super::Wake;
use super::chain::Link;
use crate::aggregate::{Aggregate, Effect};

/// As many items as are decided together.
const BATCH_MAX: usize = 512;

/// Who asks, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The command's id; the ids of its events derive from it. One of UUID version 5 is derived
    /// itself and may be repeated: its stream remembers that it was done.
    pub id: Uuid,
    /// What started it all.
    pub correlation: Uuid,
    /// Who asks.
    pub actor: Actor,
    /// The tenant it is about.
    pub account: Option<AccountId>,
    /// When.
    pub now: Timestamp,
}

impl Context {
    /// What is written beside each event of the command.
    pub fn metadata(&self) -> Metadata {
        Metadata {
            correlation: self.correlation,
            causation: self.id,
            actor: self.actor.clone(),
            account: self.account,
        }
    }
}

/// A command was decided and what came of it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done<T> {
    /// What the aggregate tells.
    pub answer: T,
    /// The id of the first event; none when nothing changed.
    pub event: Option<EventId>,
    /// The position that shows the command's effect.
    pub position: Position,
}

/// A command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused<R: std::error::Error> {
    /// The domain says no.
    #[error(transparent)]
    Rejected(R),
    /// As many wait already as may.
    #[error("too much is waiting for the same thing; try again in a second")]
    Full,
    /// Its events together are too large for the log.
    #[error("{bytes} bytes are too many for one append, which takes {limit}")]
    TooLarge {
        /// As many as they are.
        bytes: usize,
        /// As many as there may be.
        limit: usize,
    },
    /// The log could not; whether anything was written is unknown.
    #[error("{reason}")]
    Unavailable {
        /// Why, for people.
        reason: String,
    },
    /// The actor fell over; whether anything was written is unknown.
    #[error("the actor was restarted; try again")]
    Restarted,
    /// The stream cannot be read; nothing can be decided before somebody looks.
    #[error("{stream} is halted: {reason}")]
    Halted {
        /// Which.
        stream: StreamName,
        /// Why.
        reason: String,
    },
}

impl<R: std::error::Error> Refused<R> {
    /// The same for somebody else who waited; a rejection is nobody else's.
    pub(super) fn repeat(&self) -> Self {
        match self {
            Self::Rejected(_) | Self::Restarted => Self::Restarted,
            Self::Full => Self::Full,
            Self::TooLarge { bytes, limit } => Self::TooLarge { bytes: *bytes, limit: *limit },
            Self::Unavailable { reason } => Self::Unavailable { reason: reason.clone() },
            Self::Halted { stream, reason } => {
                Self::Halted { stream: stream.clone(), reason: reason.clone() }
            }
        }
    }

    /// Whether whoever asked may ask again, in fewer words: what stands behind it waits for that.
    fn may_be_told_again(&self) -> bool {
        self.is_passing() || matches!(self, Self::TooLarge { .. })
    }

    /// Whether the same may succeed later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Full | Self::Unavailable { .. } | Self::Restarted => true,
            Self::Rejected(_) | Self::TooLarge { .. } | Self::Halted { .. } => false,
        }
    }
}

pub(crate) type Outcome<A> =
    Result<Done<<A as Aggregate>::Answer>, Refused<<A as Aggregate>::Rejection>>;

/// A command on its way, and where its answer goes.
pub(crate) struct Envelope<A: Aggregate> {
    pub(crate) context: Context,
    pub(crate) command: A::Command,
    pub(crate) reply: oneshot::Sender<Outcome<A>>,
    /// Whether what other nodes wrote a moment ago may be missing from the answer.
    pub(crate) glance: bool,
    /// When whoever asked is told that the log is too late; none waits for as long as it takes.
    pub(crate) until: Option<Instant>,
    /// What it must not overtake.
    pub(crate) link: Link,
    /// The effect that is over once it is decided, and of which actor.
    pub(crate) ends: Option<(KeyOf<A>, Arc<Mailbox<A>>)>,
}

/// Names an effect.
type KeyOf<A> = <<A as Aggregate>::Effect as Effect>::Key;

impl<A: Aggregate> Envelope<A> {
    /// On its way, and where the answer comes.
    pub(crate) fn new(
        context: Context,
        command: A::Command,
    ) -> (Self, oneshot::Receiver<Outcome<A>>) {
        let (reply, answer) = oneshot::channel();
        let (until, link, ends) = (None, Link::default(), None);
        (Self { context, command, reply, glance: false, until, link, ends }, answer)
    }

    /// The effect that is over once it is decided, if it is this actor's; one that fell over left
    /// its own to its successor, which has begun them anew.
    pub(super) fn ends(&self, mailbox: &Arc<Mailbox<A>>) -> Option<KeyOf<A>> {
        self.ends.as_ref().filter(|(_, of)| Arc::ptr_eq(of, mailbox)).map(|(key, _)| *key)
    }

    /// Whether nobody waits for it any more, who may have asked again.
    pub(super) fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Whether everything that it must not overtake was done.
    pub(super) fn is_next(&self) -> bool {
        self.link.holds()
    }

    pub(crate) fn answer(self, outcome: Outcome<A>) {
        match &outcome {
            Err(refused) if refused.may_be_told_again() => drop(self.link),
            Ok(_) | Err(_) => self.link.pass(),
        }
        // Whoever asked may have gone away; what is written stays written.
        let _ = self.reply.send(outcome);
    }
}

/// What can wait for an actor.
pub(crate) enum Item<A: Aggregate> {
    /// Something is asked of it.
    Command(Envelope<A>),
    /// An effect is no longer under way.
    Finished(<A::Effect as Effect>::Key),
    /// It shall look at what it owes.
    Wake,
    /// The stream is known to reach this far.
    Heard(Revision),
}

/// Why an item was not taken.
pub(crate) enum Undelivered<A: Aggregate> {
    /// The actor has gone to sleep or fallen over: its successor shall have the item.
    Closed(Box<Item<A>>),
    /// As many wait already as may.
    Full,
}

pub(crate) struct Mailbox<A: Aggregate> {
    inner: Mutex<Inner<A>>,
    actor: OnceLock<ActorRef<Wake>>,
    limit: usize,
}

struct Inner<A: Aggregate> {
    waiting: VecDeque<Item<A>>,
    /// The actor has been told and has not found it empty yet.
    told: bool,
    owing: bool,
    closed: bool,
}

impl<A: Aggregate> Mailbox<A> {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let inner = Inner { waiting: VecDeque::new(), told: false, owing: false, closed: false };
        Arc::new(Self { inner: Mutex::new(inner), actor: OnceLock::new(), limit })
    }

    fn inner(&self) -> MutexGuard<'_, Inner<A>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whom to tell; what came before is told now.
    pub(crate) fn attach(&self, actor: ActorRef<Wake>) {
        let inner = self.inner();
        let actor = self.actor.get_or_init(|| actor);
        if inner.told {
            // It fails only when the actor is gone, which its supervisor hears of too.
            let _ = actor.cast(Wake::Work);
        }
    }

    /// Whether that is the actor that reads it.
    pub(crate) fn is_of(&self, actor: ActorId) -> bool {
        self.actor.get().is_some_and(|reader| reader.get_id() == actor)
    }

    pub(crate) fn push(&self, item: Item<A>) -> Result<(), Undelivered<A>> {
        let mut inner = self.inner();
        if inner.closed {
            return Err(Undelivered::Closed(Box::new(item)));
        }
        // However much others write while it is busy: the last that it hears of it tells all.
        if let (Item::Heard(later), Some(Item::Heard(heard))) = (&item, inner.waiting.back_mut()) {
            *heard = (*heard).max(*later);
            return Ok(());
        }
        if let (Item::Wake, Some(Item::Wake)) = (&item, inner.waiting.back()) {
            return Ok(());
        }
        // Ends of effects are as few as effects, and must always get through.
        if matches!(item, Item::Command(_)) && inner.waiting.len() >= self.limit {
            return Err(Undelivered::Full);
        }
        inner.waiting.push_back(item);
        if !std::mem::replace(&mut inner.told, true)
            && let Some(actor) = self.actor.get()
        {
            let _ = actor.cast(Wake::Work);
        }
        Ok(())
    }

    /// The next batch; none, and the actor will be told anew, when nothing waits.
    pub(crate) fn take(&self) -> Option<VecDeque<Item<A>>> {
        let mut inner = self.inner();
        if inner.waiting.is_empty() {
            inner.told = false;
            return None;
        }
        // The whole queue where it can be: an empty one holds no memory.
        let count = inner.waiting.len().min(BATCH_MAX);
        let left = inner.waiting.split_off(count);
        Some(std::mem::replace(&mut inner.waiting, left))
    }

    pub(crate) fn set_owing(&self, owing: bool) {
        self.inner().owing = owing;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.inner().closed
    }

    /// Closes it when nothing waits, nothing is being done and nothing is owed.
    pub(crate) fn close_if_idle(&self) -> bool {
        let mut inner = self.inner();
        let idle = inner.waiting.is_empty() && !inner.told && !inner.owing;
        inner.closed |= idle;
        idle
    }

    /// Closes it whatever waits; those who asked learn that the actor fell over.
    pub(crate) fn close(&self) {
        let mut inner = self.inner();
        inner.closed = true;
        inner.waiting.clear();
    }

    pub(crate) fn stop(&self) {
        if let Some(actor) = self.actor.get() {
            actor.stop(None);
        }
    }
}
