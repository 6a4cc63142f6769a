//! Carries out what a request asks of an account's webhooks.
//!
//! A url is claimed in the account's stream before a webhook lives at it, and each step is
//! written by itself. Breaking off between two steps leaves at most a claim that no webhook
//! lives at, and the next claim steps over that.

use actors::account::{Command as AccountCommand, Rejection as AccountRejection};
use actors::inbox::{Action, Rejection as InboxRejection};
use actors::installation::{Command as InstallationCommand, TheOne};
use actors::webhook::{Change, Command, Rejection, Settings, Webhook};
use actors::{Context, Done, Refused};
use events::signing::SigningKeys;
use events::store::Slice;
use events::webhook::{DEFAULT_SUBSCRIPTIONS, Policy};
use events::{AccountId, InboxId, Metadata, Position, Revision, Sealed, Subject, WebhookId};
use uuid::Uuid;

use super::params::{Invalid, Params};
use super::policy::PolicyChange;
use crate::app::App;
use crate::http::problem::Problem;
use crate::outbound::{generate_secret, header_context, secret_context};

/// As many traces of broken requests as one claim steps over.
const STEPS_MAX: usize = 4;

/// On whose behalf webhooks are written.
pub(super) struct Desk<'a> {
    pub(super) app: &'a App,
    /// The request, as every event will tell it.
    pub(super) context: Context,
    pub(super) account: AccountId,
}

/// A webhook as it is written, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) id: WebhookId,
    pub(super) settings: Settings,
    pub(super) position: Position,
}

/// Whose a url is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Ours,
    Anothers(WebhookId),
}

impl Desk<'_> {
    /// Subscribes a new webhook.
    pub(super) async fn create(&self, params: Params) -> Result<Written, Problem> {
        let Some(url) = params.url else {
            return Err(Problem::invalid("url", "Url is invalid"));
        };
        let inbox = params.inbox.flatten();
        self.check_inboxes(inbox, params.policy.inboxes()).await?;
        // What is refused takes no number, unless another request comes between.
        params.policy.apply(&Policy::default(), &|_, text, _| {
            self.app.vault.seal("only to see whether it can be", text.as_bytes())
        })?;
        if let Some(by) = self.owner(&url).await? {
            return self.repeated(by).await?.ok_or_else(taken);
        }
        let id = self.take_number().await?;
        if let Claim::Anothers(by) = self.claim(id, &url).await? {
            return self.repeated(by).await?.ok_or_else(taken);
        }
        let secret = self.app.vault.seal(&secret_context(id), generate_secret().as_bytes());
        let defaults = || DEFAULT_SUBSCRIPTIONS.map(str::to_owned).to_vec();
        let settings = Settings {
            account: self.account,
            url: url.clone(),
            name: params.name.flatten(),
            inbox,
            subscriptions: params.subscriptions.unwrap_or_else(defaults),
            keys: SigningKeys::of(secret),
            policy: self.policy(id, &params.policy, &Policy::default())?,
        };
        // Under the request's own id, so that its repetition finds the webhook.
        let command = Command::Create(Box::new(settings.clone()));
        let created = self.app.actors.webhooks.ask(id, self.context.clone(), command).await;
        let position = self.written(created?).1;
        // Whoever came between claim and creation took it for a broken request's and has the url.
        if let Claim::Anothers(_) = self.claim(id, &url).await? {
            self.ask(id, Command::Delete { account: self.account }).await?;
            return Err(taken());
        }
        Ok(Written { id, settings, position })
    }

    /// Changes what is given.
    pub(super) async fn change(&self, id: WebhookId, params: Params) -> Result<Written, Problem> {
        let before = self.look(id).await?;
        self.check_inboxes(params.inbox.flatten(), params.policy.inboxes()).await?;
        let moved = params.url.filter(|url| *url != before.url);
        if let Some(url) = &moved
            && let Claim::Anothers(_) = self.claim(id, url).await?
        {
            return Err(taken());
        }
        let change = Change {
            url: moved.clone(),
            name: params.name,
            inbox: params.inbox,
            subscriptions: params.subscriptions,
            ..Change::default()
        };
        let (webhook, position) =
            self.change_over(id, before.policy, change, &params.policy).await?;
        let settings = webhook.settings().cloned().ok_or(Problem::NoResource)?;
        if let Some(url) = moved {
            if let Claim::Anothers(_) = self.claim(id, &url).await? {
                let back = Change { url: Some(before.url), ..Change::default() };
                self.change_to(id, back).await?;
                return Err(taken());
            }
            self.release(id, before.url).await;
        }
        Ok(Written { id, settings, position })
    }

    /// Unsubscribes a webhook.
    pub(super) async fn delete(&self, id: WebhookId) -> Result<(), Problem> {
        let before = self.look(id).await?;
        self.ask(id, Command::Delete { account: self.account }).await?;
        self.release(id, before.url).await;
        Ok(())
    }

    /// The policy as it will be. A secret header that is given again stays sealed as it is, so
    /// that nothing has changed.
    fn policy(
        &self,
        id: WebhookId,
        change: &PolicyChange,
        before: &Policy,
    ) -> Result<Policy, Problem> {
        let vault = &self.app.vault;
        change.apply(before, &|name, text, known| {
            let context = header_context(id, name);
            let same = |known: &&Sealed| {
                vault.unseal(&context, known).is_ok_and(|known| known == text.as_bytes())
            };
            let known = known.filter(same).cloned();
            known.unwrap_or_else(|| vault.seal(&context, text.as_bytes()))
        })
    }

    /// With a policy that is put together anew when another node changes it meanwhile.
    async fn change_over(
        &self,
        id: WebhookId,
        mut before: Policy,
        change: Change,
        given: &PolicyChange,
    ) -> Result<(Webhook, Position), Problem> {
        if given.is_empty() {
            return self.change_to(id, change).await;
        }
        for _ in 0..STEPS_MAX {
            let policy = Some(self.policy(id, given, &before)?);
            let change = Box::new(Change { policy, over: Some(before), ..change.clone() });
            let command = Command::Change { account: self.account, change };
            match self.app.actors.webhooks.ask(id, self.step(), command).await {
                Err(Refused::Rejected(Rejection::Changed)) => before = self.look(id).await?.policy,
                done => return Ok(self.written(done?)),
            }
        }
        Err(Problem::Busy)
    }

    async fn change_to(
        &self,
        id: WebhookId,
        change: Change,
    ) -> Result<(Webhook, Position), Problem> {
        self.ask(id, Command::Change { account: self.account, change: Box::new(change) }).await
    }

    async fn look(&self, id: WebhookId) -> Result<Settings, Problem> {
        let (webhook, _) = self.ask(id, Command::Look).await?;
        let settings = webhook.settings().filter(|it| it.account == self.account);
        settings.cloned().ok_or(Problem::NoResource)
    }

    /// A number is never given back: after a broken request there is a gap.
    async fn take_number(&self) -> Result<WebhookId, Problem> {
        let installation = &self.app.actors.installation;
        let command = InstallationCommand::TakeWebhookNumber;
        let taken = installation.ask(TheOne, self.step(), command).await;
        Ok(WebhookId(self.written(taken?).0.webhook))
    }

    /// The webhook that lives at the url, if one does.
    async fn owner(&self, url: &str) -> Result<Option<WebhookId>, Problem> {
        let command = AccountCommand::FindUrlFree { url: url.to_owned() };
        match self.app.actors.accounts.ask(self.account, self.step(), command).await {
            Ok(_) => Ok(None),
            Err(Refused::Rejected(AccountRejection::UrlTaken { by })) => {
                Ok(self.lives_at(by, url).await?.then_some(by))
            }
            Err(refused) => Err(refused.into()),
        }
    }

    /// Claims the url, stepping over claims of webhooks that do not live at it.
    async fn claim(&self, webhook: WebhookId, url: &str) -> Result<Claim, Problem> {
        let mut instead_of = None;
        for _ in 0..STEPS_MAX {
            let command = AccountCommand::ClaimUrl { webhook, url: url.to_owned(), instead_of };
            let asked = self.app.actors.accounts.ask(self.account, self.step(), command).await;
            match asked {
                Ok(done) => {
                    self.written(done);
                    return Ok(Claim::Ours);
                }
                Err(Refused::Rejected(AccountRejection::UrlTaken { by })) => {
                    if self.lives_at(by, url).await? {
                        return Ok(Claim::Anothers(by));
                    }
                    instead_of = Some(by);
                }
                Err(refused) => return Err(refused.into()),
            }
        }
        // As many claims in this moment mean that somebody is just getting it.
        Err(Problem::Busy)
    }

    async fn lives_at(&self, webhook: WebhookId, url: &str) -> Result<bool, Problem> {
        let (webhook, _) = self.ask(webhook, Command::Look).await?;
        Ok(webhook.settings().is_some_and(|settings| settings.url == url))
    }

    /// What is done is done: a url that stays claimed is stepped over by the next claim.
    async fn release(&self, webhook: WebhookId, url: String) {
        // It may have moved back in the meantime.
        if self.lives_at(webhook, &url).await.unwrap_or(true) {
            return;
        }
        let command = AccountCommand::ReleaseUrl { webhook, url };
        if let Ok(done) = self.app.actors.accounts.ask(self.account, self.step(), command).await {
            self.written(done);
        }
    }

    /// The webhook, when it is this very request that created it and was broken off then.
    async fn repeated(&self, by: WebhookId) -> Result<Option<Written>, Problem> {
        let stream = Subject::Webhook(by).stream();
        let first = self.app.store.read_stream(&stream, Slice::From(Revision::FIRST), 1).await;
        let Some(first) = first?.pop() else { return Ok(None) };
        let metadata = serde_json::from_slice::<Metadata>(&first.metadata);
        if !metadata.is_ok_and(|metadata| metadata.causation == self.context.id) {
            return Ok(None);
        }
        let settings = self.look(by).await?;
        Ok(Some(Written { id: by, settings, position: first.position }))
    }

    async fn check_inboxes(
        &self,
        shown_with: Option<InboxId>,
        filter: &[InboxId],
    ) -> Result<(), Problem> {
        let mut invalid = Invalid::default();
        if let Some(inbox) = shown_with
            && !self.has(inbox).await?
        {
            invalid.add("inbox", "Inbox must exist");
        }
        for inbox in filter {
            if !self.has(*inbox).await? {
                invalid.add("delivery", format!("delivery.inbox_ids: inbox {inbox} must exist"));
            }
        }
        invalid.none()
    }

    async fn has(&self, inbox: InboxId) -> Result<bool, Problem> {
        let command = self.app.command(self.account, Action::Look);
        match self.app.actors.inboxes.ask(inbox, self.step(), command).await {
            Ok(_) => Ok(true),
            Err(Refused::Rejected(
                InboxRejection::Unknown | InboxRejection::Missing(_) | InboxRejection::Changed(_),
            )) => Ok(false),
            Err(refused) => Err(refused.into()),
        }
    }

    async fn ask(&self, id: WebhookId, command: Command) -> Result<(Webhook, Position), Problem> {
        let done = self.app.actors.webhooks.ask(id, self.step(), command).await;
        Ok(self.written(done?))
    }

    fn written<T>(&self, done: Done<T>) -> (T, Position) {
        if done.event.is_some() {
            self.app.acknowledge(done.position);
        }
        (done.answer, done.position)
    }

    /// A step of the request under an id of its own: one that a stream remembers to have done is
    /// not done again, and a repeated request must take each step anew.
    fn step(&self) -> Context {
        Context { id: Uuid::new_v4(), ..self.context.clone() }
    }
}

fn taken() -> Problem {
    Problem::invalid("url", "Url has already been taken")
}

#[cfg(test)]
mod tests;
