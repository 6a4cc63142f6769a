//! What can need reauthorization, by its number in a path: inboxes, hooks and rules alike.

use actors::{Context, hook, inbox, rule};
use events::policy::{self, Policy};
use events::reauthorization::Command as Report;
use events::{AccountId, HookId, InboxId, Position, RuleId, Subject};
use projections::subject_health::Health;
use serde_json::Value;

use super::path::Identifies;
use super::problem::Problem;
use crate::app::App;
use crate::rendering::health;

/// What is known of a subject behind a report.
pub(super) struct Known {
    pub(super) count: u32,
    pub(super) threshold: u32,
    pub(super) required: bool,
    pub(super) position: Position,
}

/// What a view shows of a subject.
pub(super) struct Seen {
    /// Chatwoot's name of its kind, by which policies are set.
    pub(super) kind: String,
    /// Its own policy; an empty one where it has none.
    pub(super) policy: Policy,
    pub(super) health: Health,
    /// The health as JSON.
    pub(super) shown: Value,
}

/// A subject that can be reported on, by its number.
pub(super) trait Reauthorizable: Identifies + Copy + Send + 'static {
    /// Whether it has a credential, which may end.
    const HAS_CREDENTIAL: bool;

    /// Its name in the log.
    fn subject(self) -> Subject;

    /// What the account is shown of it; none where it has none of that number.
    fn seen(self, app: &App, account: AccountId) -> Option<Seen>;

    /// Hands the report to its actor.
    fn report(
        self,
        app: &App,
        account: AccountId,
        context: Context,
        report: Report,
    ) -> impl Future<Output = Result<Known, Problem>> + Send;
}

impl Reauthorizable for InboxId {
    const HAS_CREDENTIAL: bool = true;

    fn subject(self) -> Subject {
        Subject::Inbox(self)
    }

    fn seen(self, app: &App, account: AccountId) -> Option<Seen> {
        let view = app.views.inbox_health.reading();
        let inbox = view.inbox(self).filter(|it| it.account == account && !it.removed)?;
        Some(Seen {
            kind: inbox.channel_type.to_owned(),
            policy: inbox.policy.clone(),
            shown: health::inbox(&inbox),
            health: inbox.health,
        })
    }

    async fn report(
        self,
        app: &App,
        account: AccountId,
        context: Context,
        report: Report,
    ) -> Result<Known, Problem> {
        let command = app.command(account, inbox::Action::Report(report));
        let done = app.actors.inboxes.ask(self, context, command).await?;
        Ok(Known {
            count: done.answer.authorization_error_count,
            threshold: done.answer.threshold,
            required: done.answer.reauthorization_required,
            position: done.position,
        })
    }
}

impl Reauthorizable for HookId {
    const HAS_CREDENTIAL: bool = true;

    fn subject(self) -> Subject {
        Subject::Hook(self)
    }

    fn seen(self, app: &App, account: AccountId) -> Option<Seen> {
        let view = app.views.hook_health.reading();
        let hook = view.hook(self).filter(|it| it.account == account && !it.removed)?;
        Some(Seen {
            kind: policy::HOOK.to_owned(),
            policy: hook.policy.clone(),
            shown: health::hook(&hook),
            health: hook.health,
        })
    }

    async fn report(
        self,
        app: &App,
        account: AccountId,
        context: Context,
        report: Report,
    ) -> Result<Known, Problem> {
        let command = app.command(account, hook::Action::Report(report));
        let layers = command.layers.clone();
        let done = app.actors.hooks.ask(self, context, command).await?;
        let live = done.answer.live().ok_or(Problem::NoResource)?;
        Ok(Known {
            count: live.reauthorization.error_count,
            threshold: live.rules(&layers).threshold,
            required: live.reauthorization.required,
            position: done.position,
        })
    }
}

impl Reauthorizable for RuleId {
    const HAS_CREDENTIAL: bool = false;

    fn subject(self) -> Subject {
        Subject::Rule(self)
    }

    fn seen(self, app: &App, account: AccountId) -> Option<Seen> {
        let view = app.views.rule_health.reading();
        let rule = view.rule(self).filter(|it| it.account == account && !it.removed)?;
        Some(Seen {
            kind: policy::RULE.to_owned(),
            policy: rule.policy.clone(),
            shown: health::rule(&rule),
            health: rule.health,
        })
    }

    async fn report(
        self,
        app: &App,
        account: AccountId,
        context: Context,
        report: Report,
    ) -> Result<Known, Problem> {
        let command = app.command(account, rule::Action::Report(report));
        let layers = command.layers.clone();
        let done = app.actors.rules.ask(self, context, command).await?;
        let live = done.answer.live().ok_or(Problem::NoResource)?;
        Ok(Known {
            count: live.reauthorization.error_count,
            threshold: live.rules(&layers).threshold,
            required: live.reauthorization.required,
            position: done.position,
        })
    }
}
