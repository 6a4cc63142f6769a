//! The views of one process, side by side.

use std::sync::Arc;
use std::time::Duration;

use events::{EventStore, Position};
use tokio::time::Instant;

use crate::access::Access;
use crate::accounts::Accounts;
use crate::audit::Audit;
use crate::cache_keys::CacheKeys;
use crate::delivery_log::DeliveryLog;
use crate::hook_health::HookHealth;
use crate::inbox_health::InboxHealth;
use crate::incidents::Incidents;
use crate::policies::Policies;
use crate::rule_health::RuleHealth;
use crate::webhook_health::WebhookHealth;
use crate::{Late, Runner, Snapshots, View};

/// One of each; clones show the same.
#[derive(Debug, Default, Clone)]
pub struct Views {
    /// How each inbox is doing.
    pub inbox_health: View<InboxHealth>,
    /// Each webhook, and how it is doing.
    pub webhook_health: View<WebhookHealth>,
    /// Each integration hook, and how it is doing.
    pub hook_health: View<HookHealth>,
    /// Each automation rule, and how it is doing.
    pub rule_health: View<RuleHealth>,
    /// What each webhook is owed and was delivered.
    pub delivery_log: View<DeliveryLog>,
    /// When an account's inboxes last changed.
    pub cache_keys: View<CacheKeys>,
    /// The accounts.
    pub accounts: View<Accounts>,
    /// Who may do what.
    pub access: View<Access>,
    /// Where each account's changes stand in the log.
    pub audit: View<Audit>,
    /// What holds for each kind of subject.
    pub policies: View<Policies>,
    /// The trouble there is and was.
    pub incidents: View<Incidents>,
}

impl Views {
    /// The runner of all of them.
    pub fn runner(&self, store: Arc<dyn EventStore>, snapshots: Arc<dyn Snapshots>) -> Runner {
        let Self {
            inbox_health,
            webhook_health,
            hook_health,
            rule_health,
            delivery_log,
            cache_keys,
            accounts,
            access,
            audit,
            policies,
            incidents,
        } = self;
        Runner::new(store, snapshots)
            .with(inbox_health)
            .with(webhook_health)
            .with(hook_health)
            .with(rule_health)
            .with(delivery_log)
            .with(cache_keys)
            .with(accounts)
            .with(access)
            .with(audit)
            .with(policies)
            .with(incidents)
    }

    /// What every view has seen.
    pub fn min_position(&self) -> Position {
        let Self {
            inbox_health,
            webhook_health,
            hook_health,
            rule_health,
            delivery_log,
            cache_keys,
            accounts,
            access,
            audit,
            policies,
            incidents,
        } = self;
        inbox_health
            .position()
            .min(webhook_health.position())
            .min(hook_health.position())
            .min(rule_health.position())
            .min(delivery_log.position())
            .min(cache_keys.position())
            .min(accounts.position())
            .min(access.position())
            .min(audit.position())
            .min(policies.position())
            .min(incidents.position())
    }

    /// Waits until every view has seen this position.
    ///
    /// # Errors
    /// The first view that has not within `timeout`.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> Result<(), Late> {
        let Self {
            inbox_health,
            webhook_health,
            hook_health,
            rule_health,
            delivery_log,
            cache_keys,
            accounts,
            access,
            audit,
            policies,
            incidents,
        } = self;
        // One after the other takes no longer than the slowest: all move together.
        let end = Instant::now() + timeout;
        let left = || end.saturating_duration_since(Instant::now());
        inbox_health.wait_for(position, left()).await?;
        webhook_health.wait_for(position, left()).await?;
        hook_health.wait_for(position, left()).await?;
        rule_health.wait_for(position, left()).await?;
        delivery_log.wait_for(position, left()).await?;
        cache_keys.wait_for(position, left()).await?;
        accounts.wait_for(position, left()).await?;
        access.wait_for(position, left()).await?;
        audit.wait_for(position, left()).await?;
        policies.wait_for(position, left()).await?;
        incidents.wait_for(position, left()).await
    }
}
