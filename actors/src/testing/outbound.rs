//! Endpoints that do as they are told, and remember who came.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use events::delivery::{AttemptClass, Response};
use events::{DeliveryId, Timestamp, WebhookId};
use futures_core::future::BoxFuture;

use crate::ports::{Attempt, Clock, Ended, Made, Outbound};

/// What an endpoint does with every attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes it after that long.
    Takes(Duration),
    /// Refuses as often as that, then takes it at once.
    RefusesFirst(u32),
    /// Does not answer.
    Hangs,
    /// Makes attempts of each delivery fall over as often as that, then takes it at once.
    FallsFirst(u32),
}

/// An attempt that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) webhook: WebhookId,
    pub(crate) delivery: DeliveryId,
    pub(crate) number: u32,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Default)]
struct Seen {
    manners: BTreeMap<WebhookId, Manner>,
    visits: Vec<Visit>,
    now: BTreeMap<WebhookId, usize>,
    most: BTreeMap<WebhookId, usize>,
    most_in_all: usize,
}

/// See the head of the file.
pub(crate) struct Endpoints {
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

impl Endpoints {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, seen: Mutex::default() })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on; without, an endpoint takes everything at once.
    pub(crate) fn teach(&self, webhook: WebhookId, manner: Manner) {
        self.seen().manners.insert(webhook, manner);
    }

    pub(crate) fn visits(&self) -> Vec<Visit> {
        self.seen().visits.clone()
    }

    pub(crate) fn visits_to(&self, webhook: WebhookId) -> Vec<Visit> {
        self.visits().into_iter().filter(|visit| visit.webhook == webhook).collect()
    }

    fn visits_with(&self, delivery: DeliveryId) -> u32 {
        let with = |visit: &Visit| u32::from(visit.delivery == delivery);
        self.seen().visits.iter().map(with).sum()
    }

    /// The most attempts that were under way at once to one endpoint.
    pub(crate) fn most(&self, webhook: WebhookId) -> usize {
        self.seen().most.get(&webhook).copied().unwrap_or(0)
    }

    /// From here on the most are counted anew.
    pub(crate) fn forget_most(&self) {
        self.seen().most.clear();
    }

    /// The most attempts that were under way at once to all.
    pub(crate) fn most_in_all(&self) -> usize {
        self.seen().most_in_all
    }

    fn enter(&self, attempt: &Attempt) -> Manner {
        let webhook = webhook_of(attempt);
        let at = self.clock.now();
        let mut seen = self.seen();
        let (delivery, number) = (attempt.delivery, attempt.number);
        seen.visits.push(Visit { webhook, delivery, number, at });
        let now = seen.now.entry(webhook).or_default();
        *now += 1;
        let now = *now;
        let most = seen.most.entry(webhook).or_default();
        *most = now.max(*most);
        seen.most_in_all = seen.most_in_all.max(seen.now.values().sum());
        seen.manners.get(&webhook).copied().unwrap_or(Manner::Takes(Duration::ZERO))
    }
}

struct Leaving<'a>(&'a Endpoints, WebhookId);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        *self.0.seen().now.entry(self.1).or_default() -= 1;
    }
}

fn webhook_of(attempt: &Attempt) -> WebhookId {
    attempt.endpoint.id.webhook().expect("only webhooks have endpoints in tests")
}

fn taken() -> Ended {
    Ended::Delivered(Response { status: 200, body: "ok".into(), truncated: false })
}

impl Outbound for Endpoints {
    fn attempt(&self, attempt: Attempt) -> BoxFuture<'_, Made> {
        Box::pin(async move {
            let manner = self.enter(&attempt);
            let _leaving = Leaving(self, webhook_of(&attempt));
            let ended = match manner {
                Manner::Takes(time) => {
                    tokio::time::sleep(time).await;
                    taken()
                }
                Manner::RefusesFirst(times) if attempt.number <= times => Ended::Failed {
                    class: AttemptClass::Server,
                    detail: "503".into(),
                    response: None,
                    retry_after: None,
                },
                // Not by its number: one whose fall nobody recorded has that number again.
                Manner::FallsFirst(times) if self.visits_with(attempt.delivery) <= times => {
                    panic!("the endpoint is a trap")
                }
                Manner::RefusesFirst(_) | Manner::FallsFirst(_) => taken(),
                Manner::Hangs => std::future::pending().await,
            };
            ended.into()
        })
    }
}
