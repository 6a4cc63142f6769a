//! A million reports over a hundred thousand inboxes, and whether the health view is right to the
//! last count: compared with a model that shares nothing with what it checks but the reports.

use std::sync::Arc;

use actors::Context;
use actors::inbox::{Action, Command, Inbox, Registration};
use actors::nodes::Share;
use actors::registry::{Halted, Limits, Registry, World};
use events::evidence::{Class, Evidence, Scope, Verdict};
use events::reauthorization::Command as Report;
use events::{AccountId, Actor, EventStore, InboxId};
use projections::inbox_health::InboxHealth;
use projections::{Runner, View};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::Plan;
use super::replay::Forgetful;
use super::report::Figure;
use crate::cli::progress_bar;
use crate::clock::SystemClock;
use crate::store::embedded::{Embedded, Options};

const ACCOUNT: AccountId = AccountId(1);

/// As many reports as each inbox gets.
const EACH: u64 = 10;

/// As many inboxes as are reported on at once.
const AT_ONCE: u64 = 512;

/// What the model keeps of an inbox: two numbers, by Chatwoot's rules and nothing else.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Plain {
    count: u32,
    required: bool,
}

/// What is reported.
#[derive(Debug, Clone, Copy)]
enum Said {
    Failed(Class),
    Worked,
    LoggedIn,
}

/// Chosen by a hash, so that every run tells the same story.
fn said(inbox: u64, nth: u64) -> Said {
    let mut mixed = (inbox << 8 | nth).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^= mixed >> 29;
    match mixed.wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32 & 15 {
        0..=5 => Said::Failed(Class::Auth),
        6 => Said::Failed(Class::Permission),
        7 | 8 => Said::Failed(Class::Rate),
        9 => Said::Failed(Class::Recipient),
        10 => Said::Failed(Class::Billing),
        11 | 12 => Said::Worked,
        13 => Said::LoggedIn,
        _ => Said::Failed(Class::Transient),
    }
}

fn channel(inbox: u64) -> (&'static str, u32) {
    match inbox % 3 {
        0 => ("Channel::Whatsapp", 2),
        1 => ("Channel::Email", 10),
        _ => ("Channel::Instagram", 1),
    }
}

fn expected(inbox: u64) -> Plain {
    let (_, threshold) = channel(inbox);
    let mut plain = Plain::default();
    for nth in 0..EACH {
        match said(inbox, nth) {
            Said::Failed(Class::Auth | Class::Permission) => {
                plain.count += 1;
                plain.required |= plain.count >= threshold;
            }
            Said::Worked if !plain.required => plain.count = 0,
            Said::LoggedIn => plain = Plain::default(),
            Said::Failed(_) | Said::Worked => {}
        }
    }
    plain
}

pub(super) async fn run(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let inboxes = plan.events / EACH;
    let log = Arc::new(Embedded::serve(&plan.folder.join("exact"), Options::default())?);
    let store: Arc<dyn EventStore> = log.clone();
    let view = View::<InboxHealth>::default();
    let running = Runner::new(store.clone(), Arc::new(Forgetful)).with(&view).start();
    let clock = Arc::new(SystemClock);
    let (limits, halted, share) = (Limits::default(), Halted::default(), Share::default());
    let world = World { store, clock, snapshots: None, limits, halted, share };
    let registry: Registry<Inbox> = Registry::new(world);
    let bar = progress_bar("reports", inboxes * EACH);
    let begin = Instant::now();
    let mut last = events::Position::START;
    let mut next = 1;
    while next <= inboxes {
        let end = (next + AT_ONCE - 1).min(inboxes);
        let mut tasks = JoinSet::new();
        for inbox in next..=end {
            tasks.spawn(tell(registry.clone(), inbox));
        }
        while let Some(told) = tasks.join_next().await {
            last = last.max(told??);
            bar.inc(EACH);
        }
        next = end + 1;
    }
    let rate = (inboxes * EACH) as f64 / begin.elapsed().as_secs_f64();
    bar.finish_and_clear();
    view.wait_for(last, std::time::Duration::from_secs(600)).await?;
    let wrong = view.read(|health| (1..=inboxes).filter(|id| differs(health, *id)).count());
    running.stop().await;
    log.close().await;
    let figure = |figure, measured, unit, bar, met| Figure {
        figure,
        measured,
        unit,
        yardstick: None,
        ratio: None,
        bar,
        met,
    };
    Ok(vec![
        figure("exact: reports decided and written", rate, "/s", "told, no bar", true),
        figure("exact: inboxes that differ from the model", wrong as f64, "", "0", wrong == 0),
    ])
}

fn differs(health: &InboxHealth, id: u64) -> bool {
    health.inbox(InboxId(id)).is_none_or(|inbox| {
        let shown = Plain {
            count: inbox.authorization_error_count,
            required: inbox.reauthorization_required,
        };
        shown != expected(id)
    })
}

async fn tell(registry: Registry<Inbox>, inbox: u64) -> anyhow::Result<events::Position> {
    let registration = Registration {
        name: Some(format!("Support {inbox}")),
        channel_type: Some(channel(inbox).0.to_owned()),
        ..Registration::default()
    };
    let mut last = ask(&registry, inbox, Action::Register(registration)).await?;
    for nth in 0..EACH {
        let report = match said(inbox, nth) {
            Said::Failed(class) => {
                let verdict = Verdict { class, scope: Scope::Account, rule: None };
                let (evidence, at) = (Evidence::default(), context().now);
                Report::RecordError { evidence, verdict, table: 0, at }
            }
            Said::Worked => Report::RecordSuccess,
            Said::LoggedIn => Report::Reauthorize,
        };
        last = ask(&registry, inbox, Action::Report(report)).await?;
    }
    Ok(last)
}

async fn ask(
    registry: &Registry<Inbox>,
    inbox: u64,
    action: Action,
) -> anyhow::Result<events::Position> {
    let command = Command { account: ACCOUNT, layers: Arc::default(), action };
    Ok(registry.ask(InboxId(inbox), context(), command).await?.position)
}

fn context() -> Context {
    use actors::ports::Clock as _;
    let id = Uuid::new_v4();
    let now = SystemClock.now();
    Context { id, correlation: id, actor: Actor::ADMIN, account: Some(ACCOUNT), now }
}

#[cfg(test)]
mod tests;
