//! `relink at`: a subject as it was, also while the service runs.

use anyhow::anyhow;
use events::{EventStore, Subject, Until};
use projections::accounts::Accounts;
use serde_json::{Value, json};

use super::open::{self, For};
use super::{Stop, out};
use crate::config::Settings;
use crate::past::{self, Known};
use crate::rendering::health;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What: inbox/42, webhook/7, hook/3, rule/5 or account/1
    subject: Subject,
    /// When: an RFC 3339 time such as 2026-11-21T09:30:00Z, or a log position
    #[arg(value_name = "TIME", value_parser = past::moment)]
    until: Until,
}

pub(super) async fn run(args: Args, settings: &Settings) -> Result<(), Stop> {
    let log = open::log(settings, For::Reading).await?;
    let Args { subject, until } = args;
    let Some(state) = state(&*log, subject, until).await? else {
        return Err(Stop::Wrong(anyhow!("{subject} was not known then")));
    };
    out::line(format_args!("{state:#}"))
}

async fn state(
    log: &dyn EventStore,
    subject: Subject,
    until: Until,
) -> Result<Option<Value>, Stop> {
    Ok(match subject {
        Subject::Inbox(id) => {
            let known = past::inbox(log, id, until).await?.whole()?;
            let shown = known.view.inbox(id).map(|inbox| (health::inbox(&inbox), inbox.removed));
            shown.map(|(shown, removed)| with_place(shown, removed, &known))
        }
        Subject::Webhook(id) => {
            let known = past::webhook(log, id, until).await?.whole()?;
            if let Some(from) = known.kept_from {
                return Err(Stop::Wrong(anyhow!(
                    "retention removed what {subject} was like then; it is known from {from} on"
                )));
            }
            let shown = known.view.webhook(id).map(|it| (health::webhook(it), it.deleted));
            shown.map(|(shown, deleted)| with_place(shown, deleted, &known))
        }
        Subject::Hook(id) => {
            let known = past::hook(log, id, until).await?.whole()?;
            let shown = known.view.hook(id).map(|hook| (health::hook(&hook), hook.removed));
            shown.map(|(shown, removed)| with_place(shown, removed, &known))
        }
        Subject::Rule(id) => {
            let known = past::rule(log, id, until).await?.whole()?;
            let shown = known.view.rule(id).map(|rule| (health::rule(&rule), rule.removed));
            shown.map(|(shown, removed)| with_place(shown, removed, &known))
        }
        Subject::Account(id) => {
            let known: Known<Accounts> = past::replay(log, [subject.stream()], until).await?;
            let known = known.whole()?;
            let shown = known.view.account(id).map(|account| {
                json!({
                    "id": id,
                    "name": account.name,
                    "administrator_emails": account.administrator_emails,
                    "registered_at": account.registered_at,
                })
            });
            shown.map(|shown| with_place(shown, false, &known))
        }
    })
}

/// What was known, whether it was gone, and by which record it was known.
fn with_place<T>(mut shown: Value, removed: bool, known: &Known<T>) -> Value {
    if removed {
        shown["removed"] = true.into();
    }
    shown["position"] = json!(known.last.map(|(position, _)| position));
    shown["as_of"] = json!(known.last.map(|(_, at)| at));
    shown
}
