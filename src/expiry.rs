//! Looks for credentials that end soon, and lets each inbox decide whether to tell of it.
//!
//! An actor that waits for weeks would have to stay awake for weeks. So the view says whom to ask,
//! at once and after a restart alike; the inbox's own stream says whether it was told already.

use std::sync::Arc;
use std::time::Duration;

use actors::Context;
use actors::inbox::Action;
use actors::nodes::Work;
use events::reauthorization::Command as Report;
use events::{AccountId, Actor, InboxId};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use crate::app::App;

/// As often as it is looked whether anything changed.
const GLANCE_EVERY: Duration = Duration::from_secs(1);

/// As often as everything is looked at, whether or not anything changed.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The looking; it ends with this value.
pub struct Expiry(JoinHandle<()>);

impl Expiry {
    /// Begins to look. Must be called within a runtime.
    pub fn start(app: &Arc<App>) -> Self {
        Self(tokio::spawn(watch(Arc::downgrade(app))))
    }
}

impl Drop for Expiry {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch(app: std::sync::Weak<App>) {
    let mut glances = tokio::time::interval(GLANCE_EVERY);
    glances.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = None;
    let mut looked = Instant::now();
    loop {
        glances.tick().await;
        let Some(app) = app.upgrade() else { return };
        if !app.view_status.borrow().caught_up || !app.share.works(Work::Expiry) {
            continue;
        }
        let changes = app.views.inbox_health.read(|view| view.expiry_changes());
        if seen == Some(changes) && looked.elapsed() < LOOK_EVERY {
            continue;
        }
        (seen, looked) = (Some(changes), Instant::now());
        for (account, inbox) in owed(&app) {
            if !tell(&app, account, inbox).await {
                // Whatever stood in the way may have gone at the next glance.
                seen = None;
            }
        }
    }
}

fn owed(app: &App) -> Vec<(AccountId, InboxId)> {
    let now = app.clock.now();
    app.views.inbox_health.read(|view| view.owed_a_warning(now))
}

/// Whether the inbox could be asked.
async fn tell(app: &App, account: AccountId, inbox: InboxId) -> bool {
    let now = app.clock.now();
    let id = Uuid::new_v4();
    let (actor, account_of) = (Actor::EXPIRY, Some(account));
    let context = Context { id, correlation: id, actor, account: account_of, now };
    let command = app.command(account, Action::Report(Report::WarnOfExpiry { now }));
    match app.actors.inboxes.ask(inbox, context, command).await {
        Ok(_) => true,
        Err(refused) => {
            tracing::debug!(inbox.id = %inbox, "inbox {inbox} is not told of its end: {refused}");
            !refused.is_passing()
        }
    }
}
