//! What endpoints of every kind are owed, and how they are doing.

use std::collections::BTreeMap;

use events::EndpointId;
use projections::subject_health::HealthState;
use projections::webhook_health::{Tally, WebhookStatus};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::app::App;
use crate::rendering::health;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Doing {
    kind: &'static str,
    state: &'static str,
}

/// Of all endpoints together.
#[derive(Debug, Default)]
struct Owed {
    pending: u64,
    held: u64,
    doing: BTreeMap<(&'static str, &'static str), i64>,
}

impl Owed {
    fn add(&mut self, endpoint: EndpointId, tally: &Tally) {
        self.pending += tally.counts.pending;
        self.held += tally.counts.held;
        let (state, _) = health::state(tally);
        *self.doing.entry((endpoint.kind(), state)).or_default() += 1;
    }
}

pub(super) fn gauges(app: &App, registry: &mut Registry) {
    let owed = owed(app);
    for (name, help, value) in [
        ("deliveries_pending", "Deliveries owed, by mail too", owed.pending),
        ("deliveries_held", "Those of them that wait for somebody", owed.held),
    ] {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    }
    let doing = Family::<Doing, Gauge>::default();
    let statuses = WebhookStatus::ALL.iter().map(|status| status.as_str());
    for state in statuses.chain([HealthState::ActionNeeded.as_str()]) {
        for kind in EndpointId::KINDS {
            let count = owed.doing.get(&(kind, state)).copied().unwrap_or_default();
            doing.get_or_create(&Doing { kind, state }).set(count);
        }
    }
    let help = "Webhooks, those of API inboxes, and mail to administrators, by state";
    registry.register("endpoints", help, doing);
}

/// Of those that somebody has: what is deleted is owed nothing that is still to be made.
fn owed(app: &App) -> Owed {
    let mut owed = Owed::default();
    let inboxes = app.views.inbox_health.reading();
    let view = app.views.webhook_health.reading();
    for webhook in view.iter() {
        owed.add(webhook.id.into(), &webhook.tally);
    }
    for (endpoint, tally) in view.others() {
        let there = match endpoint {
            EndpointId::Inbox(id) => inboxes.inbox(id).is_some_and(|inbox| !inbox.removed),
            EndpointId::Webhook(_) | EndpointId::Mail(_) => true,
        };
        if there {
            owed.add(endpoint, tally);
        }
    }
    owed
}
