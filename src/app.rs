//! The service as one value: the log, the actors that decide, the views that show.

mod seen;
mod start;
mod together;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actors::account::Account;
use actors::delivery::{Delivery, Ledger};
use actors::fanout::Progress;
use actors::hook::Hook;
use actors::inbox::Inbox;
use actors::installation::Installation;
use actors::nodes::Share;
use actors::platform::Platform;
use actors::ports::Clock;
use actors::registry::{Halted, Registry, World};
use actors::request::Request;
use actors::rule::Rule;
use actors::subject::Command;
use actors::webhook::Webhook;
use events::{AccountId, EventStore, Position};
use projections::{Quarantine, Status, Views};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::outbound::Attempts;
use crate::vault::Vault;

use together::Together;

pub use seen::Seen;
pub use start::{Parts, Running, StartError};

/// As long as a reader waits for the views to show what this process has acknowledged.
const OWN_WRITES_WITHIN: Duration = Duration::from_secs(1);

/// All actors of the process.
#[derive(Clone)]
pub struct Actors {
    /// Tenants.
    pub accounts: Registry<Account>,
    /// Channel connections.
    pub inboxes: Registry<Inbox>,
    /// Endpoints.
    pub webhooks: Registry<Webhook>,
    /// Integrations.
    pub hooks: Registry<Hook>,
    /// Automation rules.
    pub rules: Registry<Rule>,
    /// What endpoints are owed.
    pub ledgers: Registry<Ledger>,
    /// What the platform reports.
    pub platforms: Registry<Platform>,
    /// Tokens, keys, numbers.
    pub installation: Registry<Installation>,
    /// Requests with an `Idempotency-Key`.
    pub requests: Registry<Request>,
}

impl Actors {
    fn new(world: &World) -> Self {
        Self {
            accounts: Registry::new(world.clone()),
            inboxes: Registry::new(world.clone()),
            webhooks: Registry::new(world.clone()),
            hooks: Registry::new(world.clone()),
            rules: Registry::new(world.clone()),
            ledgers: Registry::new(world.clone()),
            platforms: Registry::new(world.clone()),
            installation: Registry::new(world.clone()),
            requests: Registry::new(world.clone()),
        }
    }

    /// How many are awake, by kind.
    pub fn awake(&self) -> [(&'static str, usize); 9] {
        [
            ("account", self.accounts.awake()),
            ("inbox", self.inboxes.awake()),
            ("webhook", self.webhooks.awake()),
            ("hook", self.hooks.awake()),
            ("rule", self.rules.awake()),
            ("ledger", self.ledgers.awake()),
            ("platform", self.platforms.awake()),
            ("installation", self.installation.awake()),
            ("request", self.requests.awake()),
        ]
    }
}

/// What was waited for cannot be waited for any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the service stops; try again in a second")]
pub struct Stopping;

/// What a request needs to be answered.
pub struct App {
    /// The log.
    pub store: Arc<dyn EventStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Seals and unseals secrets.
    pub vault: Arc<Vault>,
    /// Who decides.
    pub actors: Actors,
    /// What can be seen.
    pub views: Views,
    /// How far the views are.
    pub view_status: watch::Receiver<Status>,
    /// Streams that the views left out.
    pub quarantine: Quarantine,
    /// Streams whose actors cannot go on.
    pub halted: Halted,
    /// What of the work is this node's.
    pub share: Share,
    /// How far the fan-out is.
    pub fanout: watch::Receiver<Progress>,
    /// The attempts under way.
    pub delivery: Delivery,
    /// How those that were made have ended.
    pub attempts: Attempts,
    /// SHA-256 of `RELINK_ADMIN_TOKEN`, when it is set.
    pub admin: Option<[u8; 32]>,
    /// Whether the service stops: what would go on for ever ends then.
    pub stopping: watch::Sender<bool>,
    /// Whether there is a server that takes mail to administrators.
    pub mail: bool,
    /// How many records retention has removed since the start.
    pub removed: AtomicU64,
    acknowledged: AtomicU64,
    end: Together<Option<Position>>,
}

impl App {
    /// Remembers that something was acknowledged to a caller, so that reads show it.
    pub fn acknowledge(&self, position: Position) {
        self.acknowledged.fetch_max(position.0, Ordering::Relaxed);
    }

    /// What the future ends with.
    ///
    /// # Errors
    /// When the service stops before: whoever waits is told so, and not cut off.
    pub async fn unless_it_stops<T>(
        &self,
        waiting: impl Future<Output = T>,
    ) -> Result<T, Stopping> {
        let mut stopping = self.stopping.subscribe();
        tokio::select! {
            biased;
            done = waiting => Ok(done),
            _ = stopping.wait_for(|stopping| *stopping) => Err(Stopping),
        }
    }

    /// A command to an inbox, a hook or a rule, with the policies that hold now. They come from a
    /// view: how late it may be, the version that is recorded with each decision says.
    pub fn command<A>(&self, account: AccountId, action: A) -> Command<A> {
        let layers = self.views.policies.read(|policies| Arc::new(policies.layers(account)));
        Command { account, layers, action }
    }

    /// Waits a moment for the views to show everything that this process has acknowledged, so that
    /// a caller who creates and then lists finds what was created.
    /// On a log that several nodes share, the caller may have created it at another: they wait for
    /// the end of the log.
    pub async fn own_writes(&self) {
        if self.store.is_shared() {
            return self.all_writes().await;
        }
        let position = Position(self.acknowledged.load(Ordering::Relaxed));
        // A late view is shown as it is; `consistent_to` is for those who must know.
        let _ = self.views.wait_for(position, OWN_WRITES_WITHIN).await;
    }

    /// The same for everything that is in the log, whichever process wrote it. One at a time asks
    /// the log for its end: whoever guesses tokens must not keep it busy.
    pub async fn all_writes(&self) {
        if let Some(head) = self.head().await {
            let _ = self.views.wait_for(head, OWN_WRITES_WITHIN).await;
        }
    }

    /// The same for the tokens alone. False where the end of the log cannot be told in a moment, or
    /// they are not read so far.
    pub async fn all_tokens(&self) -> bool {
        match self.head().await {
            Some(head) => self.views.access.wait_for(head, OWN_WRITES_WITHIN).await.is_ok(),
            None => false,
        }
    }

    /// The end of the log; none where it cannot be told in a moment.
    async fn head(&self) -> Option<Position> {
        let head = async { timeout(OWN_WRITES_WITHIN, self.store.head()).await.ok()?.ok() };
        self.end.ask(head).await
    }
}
