//! Looks for credentials that end soon, and lets each inbox and hook decide whether to tell of it.
//! Automation rules have no credentials, so none of them is asked.
//!
//! An actor that waits for weeks would have to stay awake for weeks. So the views say whom to ask,
//! at once and after a restart alike; each one's own stream says whether it was told already.

use std::sync::Arc;
use std::time::Duration;

use actors::nodes::Work;
use actors::{Context, Done, Refused, tireless};
use actors::{hook, inbox};
use events::reauthorization::Command as Report;
use events::{AccountId, Actor, Subject, Timestamp};
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
        let app = Arc::downgrade(app);
        let begin = move || watch(app.clone());
        Self(tokio::spawn(tireless("telling of what expires", LOOK_EVERY, begin, || ())))
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
        let changes = (
            app.views.inbox_health.read(|view| view.expiry_changes()),
            app.views.hook_health.read(|view| view.expiry_changes()),
        );
        if seen == Some(changes) && looked.elapsed() < LOOK_EVERY {
            continue;
        }
        (seen, looked) = (Some(changes), Instant::now());
        if !tell(&app).await {
            // Whatever stood in the way may have gone at the next glance.
            seen = None;
        }
    }
}

/// Asks all that are owed a warning; whether all could be asked.
async fn tell(app: &App) -> bool {
    let now = app.clock.now();
    let report = Report::WarnOfExpiry { now };
    let mut told = true;
    for (account, id) in app.views.inbox_health.read(|view| view.owed_a_warning(now)) {
        let command = app.command(account, inbox::Action::Report(report.clone()));
        let asked = app.actors.inboxes.ask(id, context(account, now), command).await;
        told &= could_be_asked(Subject::Inbox(id), asked);
    }
    for (account, id) in app.views.hook_health.read(|view| view.owed_a_warning(now)) {
        let command = app.command(account, hook::Action::Report(report.clone()));
        let asked = app.actors.hooks.ask(id, context(account, now), command).await;
        told &= could_be_asked(Subject::Hook(id), asked);
    }
    told
}

fn context(account: AccountId, now: Timestamp) -> Context {
    let id = Uuid::new_v4();
    Context { id, correlation: id, actor: Actor::EXPIRY, account: Some(account), now }
}

fn could_be_asked<T, R: std::error::Error>(
    subject: Subject,
    asked: Result<Done<T>, Refused<R>>,
) -> bool {
    match asked {
        Ok(_) => true,
        Err(refused) => {
            tracing::debug!(%subject, "{subject} is not told of its end: {refused}");
            !refused.is_passing()
        }
    }
}
