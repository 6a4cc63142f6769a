//! A client that is built anew when it has died, because the vendor's never recovers by itself.
//!
//! After one failed connection it answers `ConnectionClosed` for ever, and it never leaves a dead
//! node of a cluster. So it is thrown away at once in the first case, and after failures in a row
//! in all others; a new one finds the node that leads now.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use events::Failure;
use eventstore::{Client, ClientSettings};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::READ_WITHIN;
use super::failure::{Meaning, unavailable};
use super::lanes::Lanes;
use super::size::SizeLimit;

/// As long as building a client and hearing from its server may take. A gossip with three seeds of
/// which two are dead takes six seconds.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Between two attempts to connect: the first pause and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// So many failures in a row, and no success between them, mean that the node is gone.
const STRIKES_MAX: u32 = 2;

/// One client as long as it lives, and another for batch sessions alone.
///
/// The client does not set TCP_NODELAY, so the second part of a unary call waits until the first is
/// acknowledged, some 40 ms, and with it whatever else the connection has to send. Followers make
/// such calls all the time; appends do not stand behind them.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) lanes: Lanes,
    node: AtomicU64,
    strikes: AtomicU32,
    has_answered: AtomicBool,
    /// Of the server, for people.
    version: String,
    /// Sessions in a row that came to nothing.
    failed: Arc<AtomicU32>,
}

/// A node of the server as long as a client stays with it: two answers with the same are of the
/// same node. None but the default is no node's.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node(pub(super) u64);

impl Session {
    /// Whatever was asked, the server has answered.
    pub(super) fn answered(&self) {
        self.strikes.store(0, Ordering::Relaxed);
        if !self.has_answered.swap(true, Ordering::Relaxed) {
            self.failed.store(0, Ordering::Relaxed);
            tracing::info!("connected to EventStoreDB {}", self.version);
        }
    }

    /// The node that the client is with; who asks meanwhile and hears of another may be answered by
    /// either.
    pub(super) fn node(&self) -> Node {
        Node(self.node.load(Ordering::Relaxed))
    }
}

enum Status {
    /// Nobody has asked yet, or the last client was thrown away.
    Idle,
    /// A task is connecting.
    Connecting,
    /// Ready for use.
    Ready(Arc<Session>),
    /// The last attempt failed, and the next one may begin then.
    Down { reason: String, until: Instant },
}

impl Status {
    fn is(&self, session: &Arc<Session>) -> bool {
        matches!(self, Self::Ready(it) if Arc::ptr_eq(it, session))
    }
}

/// Shares one client between all callers, and its rebuilding too.
pub(super) struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    settings: ClientSettings,
    size: Arc<SizeLimit>,
    status: watch::Sender<Status>,
    /// Attempts and sessions in a row that came to nothing.
    failed: Arc<AtomicU32>,
    nodes: AtomicU64,
    /// Whether there was ever a client that was ready.
    begun: AtomicBool,
}

impl Connection {
    pub(super) fn new(settings: ClientSettings, size: Arc<SizeLimit>) -> Self {
        let status = watch::Sender::new(Status::Idle);
        let (failed, nodes) = (Arc::default(), AtomicU64::new(0));
        let begun = AtomicBool::new(false);
        Self { shared: Arc::new(Shared { settings, size, status, failed, nodes, begun }) }
    }

    /// The client as it is now; waits for an attempt to connect that is under way, and fails at
    /// once in the pause behind one that failed.
    pub(super) async fn session(&self) -> Result<Arc<Session>, Failure> {
        let mut status = self.shared.status.subscribe();
        loop {
            match &*status.borrow_and_update() {
                Status::Ready(session) => return Ok(Arc::clone(session)),
                Status::Down { reason, until } if Instant::now() < *until => {
                    return Err(unavailable(reason.clone()));
                }
                Status::Idle | Status::Connecting | Status::Down { .. } => {}
            }
            self.connect();
            // The sender lives in self.
            let _ = status.changed().await;
        }
    }

    /// Waits for the first connection of all for as long as connecting may take, which is longer
    /// than any caller's own deadline: nothing is served before it.
    pub(super) async fn begun(&self) -> Result<(), Failure> {
        if self.shared.begun.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.session().await.map(|_| ())
    }

    /// The same as [`Self::session`], at the latest then.
    pub(super) async fn session_by(&self, deadline: Instant) -> Result<Arc<Session>, Failure> {
        let late = |_| Err(unavailable("EventStoreDB cannot be reached in time".to_owned()));
        timeout_at(deadline, self.session()).await.unwrap_or_else(late)
    }

    /// Begins an attempt where none is under way. It goes on when its caller gives up waiting.
    fn connect(&self) {
        let begun = self.shared.status.send_if_modified(|status| {
            let idle = match status {
                Status::Idle => true,
                Status::Down { until, .. } => *until <= Instant::now(),
                Status::Connecting | Status::Ready(_) => false,
            };
            if idle {
                *status = Status::Connecting;
            }
            idle
        });
        if begun {
            let (shared, connecting) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
            tokio::spawn(shared.attempt(async move { connecting.session().await }));
        }
    }

    /// Whether this is the client that is in use.
    pub(super) fn is_current(&self, session: &Arc<Session>) -> bool {
        self.shared.status.borrow().is(session)
    }

    /// Counts a failure of this client, and throws it away once there is no hope for it.
    pub(super) fn failed(&self, session: &Arc<Session>, meaning: &Meaning, reason: &str) {
        let hopeless = match meaning {
            Meaning::Dead => true,
            Meaning::Unknown => session.strikes.fetch_add(1, Ordering::Relaxed) + 1 >= STRIKES_MAX,
            Meaning::Elsewhere => {
                session.node.store(self.shared.next_node().0, Ordering::Relaxed);
                false
            }
            Meaning::Conflict(_)
            | Meaning::ConflictUntold
            | Meaning::Missing
            | Meaning::Tombstoned
            | Meaning::Invalid
            | Meaning::Refused => false,
        };
        if !hopeless {
            return;
        }
        let has_answered = session.has_answered.load(Ordering::Relaxed);
        let lost = self.shared.status.send_if_modified(|status| {
            let current = status.is(session);
            if current && has_answered {
                *status = Status::Idle;
            } else if current {
                // Whatever is there, it is no server that can be asked; the next one has time.
                *status = self.shared.down(reason.to_owned());
            }
            current
        });
        if lost && has_answered {
            tracing::warn!("the connection to EventStoreDB is given up: {reason}");
        }
    }
}

impl Shared {
    /// In a task of its own, for the client may fall over, and then nobody shall wait for ever.
    async fn attempt(
        self: Arc<Self>,
        connecting: impl Future<Output = Result<Session, String>> + Send + 'static,
    ) {
        let status = match tokio::spawn(timeout(CONNECT_WITHIN, connecting)).await {
            Ok(Ok(Ok(session))) => {
                self.begun.store(true, Ordering::Relaxed);
                if self.size.is_new() {
                    self.ask_for_size().await;
                }
                Status::Ready(Arc::new(session))
            }
            Ok(Ok(Err(reason))) => self.unreachable(&reason),
            Ok(Err(_)) => self.unreachable(&format!("no node answers within {CONNECT_WITHIN:?}")),
            Err(panic) => self.unreachable(&format!("its client fell over: {panic}")),
        };
        self.status.send_replace(status);
    }

    async fn session(&self) -> Result<Session, String> {
        let new = || Client::new(self.settings.clone()).map_err(|error| error.to_string());
        let (client, lanes) = (new()?, Lanes::new(new()?));
        let server = client.server_info().await.map_err(|error| reason(&error))?;
        Ok(Session {
            client,
            lanes,
            node: AtomicU64::new(self.next_node().0),
            strikes: AtomicU32::new(0),
            has_answered: AtomicBool::new(false),
            version: server.version().to_string(),
            failed: Arc::clone(&self.failed),
        })
    }

    /// By a client of its own, for a server may break the connection off; and not for long, for
    /// others wait to be connected.
    async fn ask_for_size(&self) {
        let Ok(client) = Client::new(self.settings.clone()) else { return };
        if timeout(READ_WITHIN, self.size.ask(&client)).await.is_err() {
            tracing::warn!("how much EventStoreDB takes in one append is not known yet");
        }
    }

    fn next_node(&self) -> Node {
        Node(self.nodes.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn unreachable(&self, reason: &str) -> Status {
        let hosts = self.settings.hosts().iter().map(|it| format!("{}:{}", it.host, it.port));
        let hosts = hosts.collect::<Vec<_>>().join(", ");
        self.down(format!("EventStoreDB cannot be reached at {hosts}: {reason}"))
    }

    fn down(&self, reason: String) -> Status {
        let times = self.failed.fetch_add(1, Ordering::Relaxed);
        let (first, longest) = PAUSES;
        let pause = first.saturating_mul(1 << times.min(10)).min(longest);
        if times == 0 {
            tracing::warn!("{reason}");
        }
        Status::Down { reason, until: Instant::now() + pause }
    }
}

/// What the client says without what only its authors read.
fn reason(error: &eventstore::Error) -> String {
    let text = error.to_string();
    if text.contains("client error (Connect)") {
        return "nobody listens there; start it, or name another with --store; \
            tls=false is for one without TLS"
            .into();
    }
    text
}

#[cfg(test)]
mod tests;
