//! Removes what was kept for long enough: bodies and attempts of ledgers behind their summaries,
//! and what the platform reported once it is fanned out.
//!
//! The views say where to look, as they do for credentials that end soon. What is removed is
//! decided by each ledger and told by it first, so that a crash in between only delays it.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actors::delivery::{Command, trimming};
use actors::nodes::Work;
use actors::{Context, tireless};
use events::store::Slice;
use events::{
    AccountId, Actor, Category, EndpointId, Event, Failure, Position, Revision, StreamName,
    Timestamp, fanout,
};
use projections::delivery_log::Upkeep;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use crate::app::App;

/// A ledger is summed up so many times in the time that it is kept: so much longer than that
/// something may be there.
const PARTS: u32 = 8;

/// As often as is looked what there is to do: eight times in each part, but not more often than
/// that, and not less.
const LOOK: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(3_600));

/// As long as nothing is removed after the removing fell over.
const FALLEN_FOR: Duration = Duration::from_secs(60);

/// As many streams as are named that something failed for.
const NAMED_MAX: usize = 8;

/// The removing; it ends with this value.
pub struct Retention(Option<JoinHandle<()>>);

impl Retention {
    /// Begins to remove what is older than `keep`; nothing without. Must be called within a
    /// runtime.
    pub fn start(app: &Arc<App>, keep: Option<Duration>) -> Self {
        let app = Arc::downgrade(app);
        Self(keep.map(|keep| {
            let begin = move || watch(app.clone(), keep);
            tokio::spawn(tireless("retention", FALLEN_FOR, begin, || ()))
        }))
    }
}

impl Drop for Retention {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

async fn watch(app: Weak<App>, keep: Duration) {
    let every = (keep / PARTS / PARTS).clamp(LOOK.0, LOOK.1);
    let mut looks = tokio::time::interval(every);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // What this process has truncated, or found to be so.
    let mut truncated = HashSet::new();
    loop {
        looks.tick().await;
        let Some(app) = app.upgrade() else { return };
        if !app.view_status.borrow().caught_up {
            continue;
        }
        match look(&app, keep, &mut truncated).await {
            Ok(failed) => complain(&failed),
            Err(failure) => tracing::warn!("what is no longer to be kept stays a while: {failure}"),
        }
    }
}

/// What was not done for a stream.
pub(crate) type Failed = (StreamName, Failure);

/// Does everything that there is to be done now, and the next time what fails of it: a stream that
/// is damaged keeps what it has, and no other does for that.
///
/// # Errors
/// When it cannot be read how far the fan-out has come.
pub(crate) async fn look(
    app: &App,
    keep: Duration,
    truncated: &mut HashSet<(EndpointId, Revision)>,
) -> Result<Vec<Failed>, Failure> {
    let now = app.clock.now();
    let reached = fanned_out(app).await?;
    let mut failed = vec![];
    let found = app.views.delivery_log.read(|view| view.upkeep(now, keep, keep / PARTS));
    for upkeep in found {
        let endpoint = upkeep.endpoint;
        if !app.share.works(Work::Ledger(endpoint)) {
            continue;
        }
        if let Err(failure) = look_after(app, upkeep, (reached, now), keep, truncated).await {
            failed.push((StreamName::new(Category::Ledger, endpoint), failure));
        }
    }
    if app.share.works(Work::Fanout) {
        let accounts: Vec<AccountId> =
            app.views.accounts.read(|view| view.iter().map(|(id, _)| id).collect());
        for account in accounts {
            let stream = StreamName::new(Category::Platform, account);
            if let Err(failure) = forget_platform(app, &stream, reached, now, keep).await {
                failed.push((stream, failure));
            }
        }
    }
    Ok(failed)
}

/// Sums up a ledger, and removes what it can do without.
async fn look_after(
    app: &App,
    upkeep: Upkeep,
    (reached, now): (Position, Timestamp),
    keep: Duration,
    truncated: &mut HashSet<(EndpointId, Revision)>,
) -> Result<(), Failure> {
    let endpoint = upkeep.endpoint;
    if upkeep.sum_up {
        tell(app, endpoint, Command::SumUp { every: keep / PARTS, now }).await;
    }
    let mut before = upkeep.trimmed.map(|trim| trim.before);
    if let Some(cut) = upkeep.cut.filter(|cut| Some(*cut) > before) {
        before = trim(app, upkeep, (cut, reached), now).await?.max(before);
    }
    let step = before.map(|before| (endpoint, before));
    if let Some((endpoint, before)) = step.filter(|step| !truncated.contains(step)) {
        truncate(app, &StreamName::new(Category::Ledger, endpoint), before).await?;
        truncated.insert((endpoint, before));
    }
    Ok(())
}

/// Says what stays for now: a few of them by name, for a log that is away fails for all.
fn complain(failed: &[Failed]) {
    for (stream, failure) in failed.iter().take(NAMED_MAX) {
        tracing::warn!(%stream, "what is too old of {stream} stays a while: {failure}");
    }
    if let Some(more) = failed.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        tracing::warn!("what is too old of {more} more streams stays a while");
    }
}

/// Lets the ledger say that it can do without what stands before its summary at `cut`; before
/// which revision its stream may be truncated now.
async fn trim(
    app: &App,
    upkeep: Upkeep,
    (cut, reached): (Revision, Position),
    now: Timestamp,
) -> Result<Option<Revision>, Failure> {
    let endpoint = upkeep.endpoint;
    let outcomes = app.views.delivery_log.read(|view| view.outcomes(endpoint, cut));
    let asked = trimming(&*app.store, endpoint, (cut, reached), outcomes, now).await?;
    let Some(trimming) = asked else { return Ok(None) };
    Ok(tell(app, endpoint, Command::Trim(Box::new(trimming))).await.map(|trim| trim.before))
}

/// What of the ledger is removed then; none also where it could not be asked: the next look does
/// so again.
async fn tell(app: &App, endpoint: EndpointId, command: Command) -> Option<events::delivery::Trim> {
    let (id, now) = (Uuid::new_v4(), app.clock.now());
    let context = Context { id, correlation: id, actor: Actor::RETENTION, account: None, now };
    match app.actors.ledgers.ask(endpoint, context, command).await {
        Ok(done) => done.answer.trimmed,
        Err(refused) => {
            tracing::debug!("ledger {endpoint} keeps what it has: {refused}");
            None
        }
    }
}

async fn truncate(app: &App, stream: &StreamName, before: Revision) -> Result<(), Failure> {
    let first = |bound: Option<events::store::Bound>| bound.map_or(0, |bound| bound.first.0);
    let was = first(app.store.bound(stream).await?);
    app.store.truncate(stream, before).await?;
    let removed = first(app.store.bound(stream).await?).saturating_sub(was);
    app.removed.fetch_add(removed, Ordering::Relaxed);
    if removed > 0 {
        tracing::info!(%stream, removed, "{removed} records of {stream} were kept long enough");
    }
    Ok(())
}

/// Up to where everything is queued where it is owed, also where somebody is behind.
async fn fanned_out(app: &App) -> Result<Position, Failure> {
    let queued = app.fanout.borrow().position;
    let last = app.store.read_stream(&StreamName::fanout(), Slice::Before(None), 1).await?.pop();
    let event = last.and_then(|record| record.decode().ok()).map(|recorded| recorded.event);
    let Some(Event::Fanout(fanout::Event::Advanced(advanced))) = event else {
        return Ok(queued);
    };
    let behind = advanced.behind.iter().map(|it| Position(it.from.0.saturating_sub(1)));
    Ok(behind.min().map_or(queued, |behind| behind.min(queued)))
}

/// Removes what was reported so long ago and is fanned out.
async fn forget_platform(
    app: &App,
    stream: &StreamName,
    reached: Position,
    now: Timestamp,
    keep: Duration,
) -> Result<(), Failure> {
    let store = &*app.store;
    let first = store.read_stream(stream, Slice::From(Revision::FIRST), 1).await?.pop();
    let done = |at: Timestamp, position| now.since(at) >= keep && position <= reached;
    let Some(first) = first.filter(|first| done(first.at, first.position)) else { return Ok(()) };
    let last = store.read_stream(stream, Slice::Before(None), 1).await?.pop();
    // Neither time nor position runs backwards in a stream: halving finds the first that stays.
    let (mut low, mut high) = (first.revision, last.map_or(first.revision, |last| last.revision));
    while low < high {
        let middle = Revision(low.0 + (high.0 - low.0) / 2);
        match store.read_stream(stream, Slice::From(middle), 1).await?.pop() {
            Some(record) if done(record.at, record.position) => low = record.revision.next(),
            Some(_) | None => high = middle,
        }
    }
    if low > first.revision { truncate(app, stream, low).await } else { Ok(()) }
}

#[cfg(test)]
mod tests;
