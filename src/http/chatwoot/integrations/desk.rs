//! Carries out what a request asks of an account's hooks.
//!
//! An application that an account can have once is claimed in the account's stream before a hook of
//! it is connected, and each step is written by itself. Breaking off between two leaves at most a
//! claim of no hook, and the next claim steps over that.

use actors::account::{Command as AccountCommand, Rejection as AccountRejection};
use actors::hook::{Action, Change, Hook, Live, Rejection};
use actors::inbox::{Action as InboxAction, Rejection as InboxRejection};
use actors::installation::{Command as InstallationCommand, TheOne};
use actors::{Context, Done, Refused};
use events::hook::{Created, Scope, SettingsChanged};
use events::{HookId, InboxId, Position, Sealed};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::apps::App as Application;
use super::params::{self, Creation};
use crate::app::App;
use crate::http::auth::Caller;
use crate::http::native::accounts;
use crate::http::problem::Problem;

/// As many traces of broken requests as one claim steps over.
const STEPS_MAX: usize = 4;

/// On whose behalf hooks are written.
pub(super) struct Desk<'a> {
    pub(super) app: &'a App,
    pub(super) caller: &'a Caller,
    /// The request, as every event will tell it.
    pub(super) context: Context,
}

/// A hook as it is written, and what shows it.
pub(super) struct Written {
    pub(super) id: HookId,
    pub(super) hook: Hook,
    pub(super) position: Position,
}

impl Desk<'_> {
    /// Connects a hook.
    pub(super) async fn create(&self, given: Creation) -> Result<Written, Problem> {
        accounts::registered(self.app, self.caller, self.step()).await?;
        let scope = self.scope(&given).await?;
        let id = self.take_number().await?;
        let once = Some(given.app).filter(|app| !app.multiple);
        if let Some(app) = once {
            self.claim(id, app).await?;
        }
        let SettingsChanged { settings, credentials } =
            self.settings(id, given.app, given.settings)?;
        let created = Created {
            account: self.caller.account,
            app: given.app.id.to_owned(),
            scope,
            reference: given.reference,
            settings,
            credentials,
            access_token: given.access_token.map(|token| self.seal(id, "access_token", &token)),
            enabled: given.enabled,
        };
        // Under the request's own id, so that its repetition finds the hook.
        let action = Action::Create(Box::new(created), given.expires_at);
        let written = self.ask(id, self.context.clone(), action).await?;
        // Whoever came between claim and creation took it for a broken request's.
        if let Some(app) = once
            && let Err(taken) = self.claim(id, app).await
        {
            self.ask(id, self.step(), Action::Delete).await?;
            return Err(taken);
        }
        Ok(written)
    }

    /// Changes what is given.
    pub(super) async fn change(&self, id: HookId, body: &Value) -> Result<Written, Problem> {
        let before = self.look(id).await?;
        let app = Application::find(&before.facts.app).ok_or(Problem::Bug)?;
        let given = params::Change::read(body, app)?;
        let settings = match given.settings {
            Some(settings) => self.changed_settings(id, app, &before, settings)?,
            None => None,
        };
        let access_token = match given.access_token {
            Some(token) => self.changed_token(id, &before, &token)?,
            None => None,
        };
        let (enabled, expires_at) = (given.enabled, given.expires_at);
        let change = Change { enabled, settings, access_token, expires_at };
        self.ask(id, self.context.clone(), Action::Change(Box::new(change))).await
    }

    /// Disconnects a hook; its application can be connected again.
    pub(super) async fn delete(&self, id: HookId) -> Result<(), Problem> {
        let before = self.look(id).await?;
        self.ask(id, self.context.clone(), Action::Delete).await?;
        // What is done is done: a claim that stays is stepped over by the next one.
        let command = AccountCommand::ReleaseIntegration { hook: id, app: before.facts.app };
        let account = self.caller.account;
        if let Ok(done) = self.app.actors.accounts.ask(account, self.step(), command).await {
            self.written(&done);
        }
        Ok(())
    }

    /// The hook, if this account has it.
    pub(super) async fn look(&self, id: HookId) -> Result<Live, Problem> {
        let written = self.ask(id, self.step(), Action::Look).await?;
        written.hook.live().cloned().ok_or(Problem::NoResource)
    }

    async fn scope(&self, given: &Creation) -> Result<Scope, Problem> {
        let Some(inbox) = given.inbox else { return Ok(Scope::Account) };
        if self.has(inbox).await? {
            return Ok(Scope::Inbox(inbox));
        }
        Err(Problem::invalid("inbox_id", "Inbox must exist"))
    }

    async fn has(&self, inbox: InboxId) -> Result<bool, Problem> {
        let command = self.app.command(self.caller.account, InboxAction::Look);
        match self.app.actors.inboxes.ask(inbox, self.step(), command).await {
            Ok(_) => Ok(true),
            Err(Refused::Rejected(
                InboxRejection::Unknown | InboxRejection::Missing(_) | InboxRejection::Changed(_),
            )) => Ok(false),
            Err(refused) => Err(refused.into()),
        }
    }

    /// The request's number: repeated, it has the same.
    async fn take_number(&self) -> Result<HookId, Problem> {
        let request = self.context.id;
        let command = InstallationCommand::TakeHookNumber(request);
        let done = self.app.actors.installation.ask(TheOne, self.step(), command).await?;
        self.written(&done);
        done.answer.hooks.of(request).map(HookId).ok_or(Problem::Bug)
    }

    /// Claims the application, stepping over claims of hooks that there are not.
    async fn claim(&self, hook: HookId, app: &Application) -> Result<(), Problem> {
        let account = self.caller.account;
        let mut instead_of = None;
        for _ in 0..STEPS_MAX {
            let app = app.id.to_owned();
            let command = AccountCommand::ClaimIntegration { hook, app, instead_of };
            match self.app.actors.accounts.ask(account, self.step(), command).await {
                Ok(done) => {
                    self.written(&done);
                    return Ok(());
                }
                Err(Refused::Rejected(AccountRejection::IntegrationTaken { by })) => {
                    if self.lives(by).await? {
                        return Err(AccountRejection::IntegrationTaken { by }.into());
                    }
                    instead_of = Some(by);
                }
                Err(refused) => return Err(refused.into()),
            }
        }
        // As many claims in this moment mean that somebody is just getting it.
        Err(Problem::Busy)
    }

    async fn lives(&self, id: HookId) -> Result<bool, Problem> {
        let command = self.app.command(self.caller.account, Action::Look);
        match self.app.actors.hooks.ask(id, self.step(), command).await {
            Ok(_) => Ok(true),
            Err(Refused::Rejected(Rejection::Unknown | Rejection::Exists)) => Ok(false),
            Err(refused) => Err(refused.into()),
        }
    }

    fn settings(
        &self,
        id: HookId,
        app: &Application,
        given: Map<String, Value>,
    ) -> Result<SettingsChanged, Problem> {
        let (open, secret) = app.split(given);
        let settings = serde_json::to_string(&open).map_err(|_| Problem::Bug)?;
        let credentials = match secret.is_empty() {
            true => None,
            false => {
                let text = serde_json::to_string(&secret).map_err(|_| Problem::Bug)?;
                Some(self.seal(id, "credentials", &text))
            }
        };
        Ok(SettingsChanged { settings, credentials })
    }

    /// None when they are what the hook has: sealed anew they would look like others.
    fn changed_settings(
        &self,
        id: HookId,
        app: &Application,
        before: &Live,
        given: Map<String, Value>,
    ) -> Result<Option<SettingsChanged>, Problem> {
        let (open, secret) = app.split(given.clone());
        let known_open: Value = serde_json::from_str(&before.facts.settings).unwrap_or_default();
        let known_secret = match &before.facts.credentials {
            None => Map::new(),
            Some(sealed) => {
                let text = self.unseal(id, "credentials", sealed)?;
                serde_json::from_slice(&text).unwrap_or_default()
            }
        };
        if Value::Object(open) == known_open && secret == known_secret {
            return Ok(None);
        }
        self.settings(id, app, given).map(Some)
    }

    fn changed_token(
        &self,
        id: HookId,
        before: &Live,
        token: &str,
    ) -> Result<Option<Sealed>, Problem> {
        if let Some(known) = &before.facts.access_token
            && self.unseal(id, "access_token", known)? == token.as_bytes()
        {
            return Ok(None);
        }
        Ok(Some(self.seal(id, "access_token", token)))
    }

    fn seal(&self, id: HookId, what: &str, text: &str) -> Sealed {
        self.app.vault.seal(&format!("hook/{id}/{what}"), text.as_bytes())
    }

    fn unseal(&self, id: HookId, what: &str, sealed: &Sealed) -> Result<Vec<u8>, Problem> {
        self.app.vault.unseal(&format!("hook/{id}/{what}"), sealed).map_err(|unsealable| {
            tracing::error!(hook.id = %id, "the {what} of hook {id} stays shut: {unsealable}");
            Problem::Bug
        })
    }

    async fn ask(&self, id: HookId, context: Context, action: Action) -> Result<Written, Problem> {
        let command = self.app.command(self.caller.account, action);
        let done = self.app.actors.hooks.ask(id, context, command).await?;
        self.written(&done);
        Ok(Written { id, hook: done.answer, position: done.position })
    }

    fn written<T>(&self, done: &Done<T>) {
        if done.event.is_some() {
            self.app.acknowledge(done.position);
        }
    }

    /// A step of the request under an id of its own: one that a stream remembers to have done is
    /// not done again, and a repeated request must take each step anew.
    fn step(&self) -> Context {
        Context { id: Uuid::new_v4(), ..self.context.clone() }
    }
}
