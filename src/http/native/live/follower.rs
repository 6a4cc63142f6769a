//! Reads the log for one reader, and gives up on who does not keep up.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use events::installation::Role;
use events::store::{Heard, Subscription};
use events::{AccountId, Event, Metadata, Position, Record, hook, installation, rule};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::app::App;
use crate::http::auth::Caller;
use crate::rendering::render;

/// How often a silent stream shows that it lives; proxies close what is silent for a minute.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// As long as a reader may let its buffer be full. Who is cut off comes again and loses nothing.
pub(super) const SLOW_MAX: Duration = Duration::from_secs(10);

/// What a client waits before it comes again, in milliseconds.
const RETRY_MS: u32 = 2000;

pub(super) struct Follower {
    app: Arc<App>,
    log: Subscription,
    caller: Caller,
    sender: mpsc::Sender<Bytes>,
    stopping: watch::Receiver<bool>,
}

impl Follower {
    pub(super) fn new(
        app: &Arc<App>,
        caller: Caller,
        behind: Position,
        sender: mpsc::Sender<Bytes>,
    ) -> Self {
        let log = Subscription::new(Arc::clone(&app.store), behind);
        let stopping = app.stopping.subscribe();
        Self { app: app.clone(), log, caller, sender, stopping }
    }

    /// Until the service stops, nobody reads, the reader is too slow, their token is revoked or the
    /// log cannot be read.
    pub(super) async fn run(mut self) {
        let mut heart = interval(HEARTBEAT);
        heart.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if !self.send(Bytes::from(format!("retry: {RETRY_MS}\n\n"))).await {
            return;
        }
        loop {
            let heard = tokio::select! {
                biased;
                _ = self.stopping.wait_for(|stopping| *stopping) => return,
                () = self.sender.closed() => return,
                _ = heart.tick() => None,
                heard = self.log.next() => Some(heard),
            };
            let frames = match heard {
                _ if !self.caller.is_still_known(&self.app) => return,
                Some(Ok(Heard::Page(page))) if page.iter().any(|it| self.is_revoked_by(it)) => {
                    return;
                }
                None => vec![heartbeat(self.log.position())],
                Some(Ok(Heard::Page(page))) => self.frames(&page),
                Some(Ok(Heard::CaughtUp(_))) => continue,
                Some(Err(failure)) => {
                    tracing::warn!("a reader of live events is sent away: {failure}");
                    return;
                }
            };
            for frame in frames {
                if !self.send(frame).await {
                    return;
                }
            }
        }
    }

    /// False when it makes no sense to go on.
    async fn send(&mut self, frame: Bytes) -> bool {
        tokio::select! {
            biased;
            _ = self.stopping.wait_for(|stopping| *stopping) => false,
            sent = timeout(SLOW_MAX, self.sender.send(frame)) => matches!(sent, Ok(Ok(()))),
        }
    }

    /// Whoever is at the end of the log may hear of it before the view does.
    fn is_revoked_by(&self, record: &Record) -> bool {
        record.kind == "installation.token_revoked"
            && record.clone().decode().is_ok_and(|recorded| {
                matches!(recorded.event, Event::Installation(installation::Event::TokenRevoked(it))
                    if Some(it.token) == self.caller.token)
            })
    }

    fn frames(&self, page: &[Record]) -> Vec<Bytes> {
        page.iter().filter(|record| self.shows(record)).map(frame).collect()
    }

    fn shows(&self, record: &Record) -> bool {
        let shown = match record.kind.split_once('.') {
            Some(("inbox", _)) => true,
            // Their settings are for administrators; whether they work, /health tells agents too.
            Some(("hook" | "rule", _)) => {
                self.caller.role == Role::Administrator || is_authorization(record)
            }
            // As in timelines, urls and what was answered there are for administrators.
            Some(("account" | "webhook", _)) => self.caller.role == Role::Administrator,
            Some(("delivery", what)) => {
                self.caller.role == Role::Administrator
                    && matches!(what, "attempt_failed" | "abandoned")
            }
            // What the platform reports it knows itself; the rest is our own bookkeeping.
            Some(_) | None => false,
        };
        shown && account_of(record) == Some(self.caller.account)
    }
}

fn is_authorization(record: &Record) -> bool {
    record.clone().decode().is_ok_and(|recorded| {
        matches!(
            recorded.event,
            Event::Hook(hook::Event::Reauthorization(_))
                | Event::Rule(rule::Event::Reauthorization(_))
        )
    })
}

fn account_of(record: &Record) -> Option<AccountId> {
    serde_json::from_slice::<Metadata>(&record.metadata).ok()?.account
}

/// A record as a timeline shows it, under its wire name.
fn frame(record: &Record) -> Bytes {
    let shown = render(record);
    let data = serde_json::to_string(&shown).expect("ids, numbers and texts are JSON");
    // JSON has no line breaks of its own, so it is one line of data.
    Bytes::from(format!("id: {}\nevent: {}\ndata: {data}\n\n", shown.position, shown.kind))
}

/// A comment, and how far everything was told: without data nothing is dispatched, but whoever
/// comes again comes from there.
fn heartbeat(position: Position) -> Bytes {
    Bytes::from(format!(": alive\nid: {position}\n\n"))
}
