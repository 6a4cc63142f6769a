//! From parts to a running service, and back to rest.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use actors::delivery::{ActorTargets, Delivery, Rules};
use actors::fanout::Fanout;
use actors::installation::{Command, Rejection, TheOne};
use actors::nodes::{LetGo, Listener, Member, Nodes, Share};
use actors::ports::{Clock, Outbound, Roster};
use actors::registry::{Halted, Limits, World};
use actors::{Context, Refused};
use events::installation::Role;
use events::{Actor, EventStore, Failure, KeyId, Position};
use projections::{Running as RunningViews, Snapshots, Views};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::together::Together;
use super::{Actors, App};
use crate::config::Settings;
use crate::expiry::Expiry;
use crate::node::Identity;
use crate::outbound::{Attempts, Counted};
use crate::retention::Retention;
use crate::tokens;
use crate::vault::{Unsealable, Vault};

/// As long as the fan-out and attempts under way may take when the service stops.
const WORK_WITHIN: Duration = Duration::from_secs(4);

/// As long as keeping the views may take then.
const VIEWS_WITHIN: Duration = Duration::from_millis(2500);

/// What the service is made of.
pub struct Parts {
    /// The log.
    pub store: Arc<dyn EventStore>,
    /// Where views are kept between two runs.
    pub snapshots: Arc<dyn Snapshots>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Seals and unseals secrets.
    pub vault: Arc<Vault>,
    /// Reaches endpoints.
    pub outbound: Arc<dyn Outbound>,
    /// Which node this is.
    pub identity: Identity,
    /// Where it hears of the other nodes; none where there can be no other.
    pub roster: Option<Arc<dyn Roster>>,
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log cannot be read or written.
    #[error(transparent)]
    Log(#[from] Failure),
    /// The log's secrets are sealed under another key.
    #[error(
        "the log's secrets are sealed under key {needed}, and this is key {have}; \
         set RELINK_SECRET_KEY to that key; \
         a `relink keys rotate` that broke off is to be run again"
    )]
    OtherKey {
        /// The key of the log.
        needed: KeyId,
        /// The key at hand.
        have: KeyId,
    },
    /// The log's secrets are sealed and there is no key at all.
    #[error(
        "the log's secrets are sealed under key {needed}, and there is neither RELINK_SECRET_KEY \
         nor {}; restore one of them", file.display()
    )]
    NoKey {
        /// The key of the log.
        needed: KeyId,
        /// Where a generated key would be.
        file: PathBuf,
    },
    /// A key that the log was sealed under before cannot be opened.
    #[error("an older key cannot be opened: {0}")]
    OlderKey(Unsealable),
    /// The installation's own stream cannot be decided on.
    #[error(transparent)]
    Installation(#[from] Refused<Rejection>),
}

/// The parts that work by themselves.
pub struct Running {
    app: Arc<App>,
    views: RunningViews,
    fanout: Fanout,
    expiry: Expiry,
    retention: Retention,
    among: Among,
}

/// This node among the others.
struct Among {
    member: Option<Member>,
    listener: Option<JoinHandle<()>>,
    /// Nobody else is this node as long as it lives.
    identity: Identity,
}

impl Among {
    async fn leave(self) {
        if let Some(member) = self.member {
            member.leave().await;
        }
        if let Some(listener) = self.listener {
            listener.abort();
        }
        drop(self.identity);
    }
}

fn among(identity: &Identity, roster: Option<Arc<dyn Roster>>) -> (Option<Nodes>, Share) {
    let (id, name) = (identity.id, identity.name.clone());
    match roster {
        Some(roster) => {
            let (nodes, share) = Nodes::new(roster, id, name);
            (Some(nodes), share)
        }
        None => (None, Share::alone(id, name)),
    }
}

impl App {
    /// Puts the parts together and sets them going. Must be called within a runtime.
    ///
    /// # Errors
    /// When the log cannot be reached, or its key is another.
    pub async fn start(
        parts: Parts,
        settings: &Settings,
    ) -> Result<(Arc<Self>, Running), StartError> {
        let Parts { store, snapshots, clock, vault, outbound, identity, roster } = parts;
        let head = store.head().await?;
        let (nodes, share) = among(&identity, roster);
        let world = World {
            store: store.clone(),
            clock: clock.clone(),
            snapshots: Some(snapshots.clone()),
            limits: Limits { mailbox: settings.mailbox_limit, ..Limits::default() },
            halted: Halted::default(),
            share: share.clone(),
        };
        let actors = Actors::new(&world);
        introduce(&actors, &vault, &*clock, settings).await?;
        let listener = listen(&actors, &store, head);
        let (delivery, attempts) = deliver(&actors, outbound, &clock, settings);
        let ledgers = actors.ledgers.clone();
        let fanout = Fanout::start(store.clone(), snapshots.clone(), ledgers, clock.clone());
        let views = Views::default();
        let running = views.runner(store.clone(), snapshots).start();
        let app = Arc::new(Self {
            view_status: running.status(),
            quarantine: running.quarantine(),
            fanout: fanout.progress(),
            halted: world.halted,
            admin: settings.admin_token.as_ref().map(|token| tokens::hash(token.expose())),
            stopping: watch::Sender::new(false),
            share,
            mail: settings.mail.is_some(),
            removed: AtomicU64::new(0),
            acknowledged: AtomicU64::new(head.0),
            end: Together::default(),
            store,
            clock,
            vault,
            actors,
            views,
            delivery,
            attempts,
        });
        let expiry = Expiry::start(&app);
        let retention = Retention::start(&app, settings.retention);
        let delivery = app.delivery.clone();
        let leading = fanout.leading();
        let let_go: LetGo =
            Arc::new(move |division| delivery.has_let_go(division) && leading.has_let_go(division));
        let among = Among { member: nodes.map(|nodes| nodes.start(let_go)), listener, identity };
        let running =
            Running { app: app.clone(), views: running, fanout, expiry, retention, among };
        Ok((app, running))
    }

    /// Creates an administrator's token for the installation when there is none; it can be told
    /// only now.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub async fn first_token(&self) -> Result<Option<String>, StartError> {
        let look = self.actors.installation.ask(TheOne, startup(&*self.clock), Command::Look);
        let known = look.await?.answer;
        if self.admin.is_some() || known.has_administrator() {
            return Ok(None);
        }
        let token = tokens::generate();
        let (hash, role) = (tokens::hash(&token), Role::Administrator);
        let command = Command::CreateToken { hash, account: None, role };
        let context = startup(&*self.clock);
        let done = self.actors.installation.ask(TheOne, context, command).await;
        self.acknowledge(done?.position);
        Ok(Some(token))
    }
}

impl Running {
    /// Waits until the views have reached the end of the log once; false when they never will.
    pub async fn caught_up(&self) -> bool {
        self.views.caught_up().await
    }

    /// Finishes what is in flight, keeps the views, and returns when nothing is left to do or the
    /// time for it is over: what is not finished is owed as before at the next start.
    pub async fn stop(self) {
        drop(self.expiry);
        drop(self.retention);
        let fanout = tokio::time::timeout(WORK_WITHIN, self.fanout.stop());
        let attempts = tokio::time::timeout(WORK_WITHIN, self.app.delivery.close());
        let (fanout, attempts) = tokio::join!(fanout, attempts);
        if fanout.is_err() || attempts.is_err() {
            tracing::warn!("attempts are still under way; they are repeated at the next start");
        }
        // Both at once: whoever stops the process waits ten seconds for all of it.
        let views = tokio::time::timeout(VIEWS_WITHIN, self.views.stop());
        let (views, ()) = tokio::join!(views, self.among.leave());
        if views.is_err() {
            tracing::warn!("the views are not kept; the next start reads more of the log");
        }
    }
}

/// Hears of what other nodes write behind that position, where there may be any.
fn listen(actors: &Actors, store: &Arc<dyn EventStore>, head: Position) -> Option<JoinHandle<()>> {
    store.is_shared().then(|| {
        let (ledgers, webhooks) = (actors.ledgers.clone(), actors.webhooks.clone());
        let (store, inboxes) = (store.clone(), actors.inboxes.clone());
        tokio::spawn(Listener { store, ledgers, webhooks, inboxes }.listen(head))
    })
}

/// Makes the attempts that are owed, and counts how they end.
fn deliver(
    actors: &Actors,
    outbound: Arc<dyn Outbound>,
    clock: &Arc<dyn Clock>,
    settings: &Settings,
) -> (Delivery, Attempts) {
    let rules = Rules {
        schedule: settings.retry_schedule.clone(),
        concurrency: settings.endpoint_concurrency,
        concurrency_in_all: settings.delivery_concurrency,
        disable_after: settings.disable_after,
    };
    let (webhooks, inboxes) = (actors.webhooks.clone(), actors.inboxes.clone());
    let targets = Arc::new(ActorTargets::new(webhooks, inboxes, clock.clone()));
    let attempts = Attempts::default();
    let outbound = Arc::new(Counted { way: outbound, attempts: attempts.clone() });
    let ledgers = actors.ledgers.clone();
    let delivery = Delivery::start(ledgers, targets, outbound, clock.clone(), rules);
    (delivery, attempts)
}

/// Tells the log what it must know of this start.
async fn introduce(
    actors: &Actors,
    vault: &Vault,
    clock: &dyn Clock,
    settings: &Settings,
) -> Result<(), StartError> {
    let have = vault.key_id();
    let key = Command::IntroduceKey { key: have, proof: vault.proof() };
    let inbox_events = Command::SetInboxEvents(settings.inbox_events);
    for command in [key, inbox_events, Command::SetMail(settings.mail.is_some())] {
        match actors.installation.ask(TheOne, startup(clock), command).await {
            Ok(done) => {
                let proof = done.answer.key.map(|(_, proof)| proof);
                if let Some(proof) = proof.filter(|proof| !vault.proves(proof)) {
                    return Err(StartError::OtherKey { needed: proof.key, have });
                }
                vault.learn(&done.answer.older).map_err(StartError::OlderKey)?;
            }
            Err(Refused::Rejected(Rejection::OtherKey(needed))) => {
                return Err(StartError::OtherKey { needed, have });
            }
            Err(refused) => return Err(refused.into()),
        }
    }
    Ok(())
}

fn startup(clock: &dyn Clock) -> Context {
    let id = Uuid::new_v4();
    Context { id, correlation: id, actor: Actor::STARTUP, account: None, now: clock.now() }
}
