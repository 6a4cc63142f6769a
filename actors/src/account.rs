//! An account decides who its administrators are, which webhook owns which url and which hook
//! which application.

use std::collections::BTreeMap;

use events::account::{
    AdministratorsChanged, Event, IntegrationClaimed, IntegrationReleased, LocaleSet, PolicySet,
    Registered, Renamed, WebhookUrlClaimed, WebhookUrlReleased,
};
use events::policy::{Layer, Policy};
use events::{AccountId, Category, Fold, HookId, WebhookId};

use crate::aggregate::{Aggregate, Nothing};

/// An account as its events tell it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Account {
    profile: Option<Profile>,
    urls: BTreeMap<String, WebhookId>,
    integrations: BTreeMap<String, HookId>,
    policies: Layer,
}

/// Who an account is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// What people call it.
    pub name: String,
    /// Who is told when a connection breaks.
    pub administrator_emails: Vec<String>,
    /// The language it is written to in, in Chatwoot's words; none means English.
    pub locale: Option<String>,
}

/// What can be asked of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Register it, or change what is given.
    Register {
        /// What people call it; required at first.
        name: Option<String>,
        /// Who is told.
        administrator_emails: Option<Vec<String>>,
        /// The language it is written to in; the inner none means English.
        locale: Option<Option<String>>,
    },
    /// Say no where a webhook has the url.
    FindUrlFree {
        /// The url.
        url: String,
    },
    /// Give a url to a webhook.
    ClaimUrl {
        /// Whose it shall be.
        webhook: WebhookId,
        /// The url.
        url: String,
        /// A webhook that holds the url and was found not to live at it: the trace of a request
        /// that broke off half way.
        instead_of: Option<WebhookId>,
    },
    /// Free a url.
    ReleaseUrl {
        /// Whose it was.
        webhook: WebhookId,
        /// The url.
        url: String,
    },
    /// Give an application to a hook, where an account can have it once.
    ClaimIntegration {
        /// Whose it shall be.
        hook: HookId,
        /// The application.
        app: String,
        /// A hook that holds it and was found not to live: the trace of a broken request.
        instead_of: Option<HookId>,
    },
    /// Free an application.
    ReleaseIntegration {
        /// Whose it was.
        hook: HookId,
        /// The application.
        app: String,
    },
    /// Say what holds for a kind of subject; an empty policy says nothing any more.
    SetPolicy {
        /// Which kind: Chatwoot's model name.
        kind: String,
        /// All of it.
        policy: Policy,
    },
    /// Only look.
    Look,
}

/// Why an account says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Nobody registered it.
    #[error("the account is not registered")]
    Unregistered,
    /// It has no name yet and none is given.
    #[error("an account needs a name")]
    Nameless,
    /// Another webhook has the url.
    #[error("webhook {by} has the url")]
    UrlTaken {
        /// Which.
        by: WebhookId,
    },
    /// Another hook has the application.
    #[error("hook {by} has the application")]
    IntegrationTaken {
        /// Which.
        by: HookId,
    },
}

impl Account {
    fn register(
        &self,
        name: Option<&String>,
        emails: Option<&Vec<String>>,
        locale: Option<&Option<String>>,
    ) -> Result<Vec<Event>, Rejection> {
        let spoken = self.profile.as_ref().and_then(|profile| profile.locale.as_ref());
        let set = locale.filter(|locale| locale.as_ref() != spoken);
        let set = set.map(|locale| LocaleSet { locale: locale.clone() }.into());
        let Some(profile) = &self.profile else {
            let name = name.ok_or(Rejection::Nameless)?.clone();
            let administrator_emails = emails.cloned().unwrap_or_default();
            let registered = Registered { name, administrator_emails }.into();
            return Ok(std::iter::once(registered).chain(set).collect());
        };
        let renamed = name.filter(|name| **name != profile.name);
        let changed = emails.filter(|emails| **emails != profile.administrator_emails);
        let renamed = renamed.map(|name| Renamed { name: name.clone() }.into());
        let changed = changed
            .map(|emails| AdministratorsChanged { administrator_emails: emails.clone() }.into());
        Ok(renamed.into_iter().chain(changed).chain(set).collect())
    }

    fn claim(
        &self,
        webhook: WebhookId,
        url: &str,
        instead_of: Option<WebhookId>,
    ) -> Result<Vec<Event>, Rejection> {
        self.profile.as_ref().ok_or(Rejection::Unregistered)?;
        let claimed = WebhookUrlClaimed { webhook, url: url.to_owned() }.into();
        match self.urls.get(url) {
            None => Ok(vec![claimed]),
            Some(by) if *by == webhook => Ok(vec![]),
            Some(by) if Some(*by) == instead_of => {
                let released = WebhookUrlReleased { webhook: *by, url: url.to_owned() };
                Ok(vec![released.into(), claimed])
            }
            Some(by) => Err(Rejection::UrlTaken { by: *by }),
        }
    }

    fn claim_integration(
        &self,
        hook: HookId,
        app: &str,
        instead_of: Option<HookId>,
    ) -> Result<Vec<Event>, Rejection> {
        self.profile.as_ref().ok_or(Rejection::Unregistered)?;
        let claimed = IntegrationClaimed { hook, app: app.to_owned() }.into();
        match self.integrations.get(app) {
            None => Ok(vec![claimed]),
            Some(by) if *by == hook => Ok(vec![]),
            Some(by) if Some(*by) == instead_of => {
                let released = IntegrationReleased { hook: *by, app: app.to_owned() };
                Ok(vec![released.into(), claimed])
            }
            Some(by) => Err(Rejection::IntegrationTaken { by: *by }),
        }
    }
}

impl Fold for Account {
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::Registered(Registered { name, administrator_emails }) => {
                let administrator_emails = administrator_emails.clone();
                let (name, locale) = (name.clone(), None);
                self.profile = Some(Profile { name, administrator_emails, locale });
            }
            Event::Renamed(Renamed { name }) => {
                if let Some(profile) = &mut self.profile {
                    profile.name.clone_from(name);
                }
            }
            Event::AdministratorsChanged(changed) => {
                if let Some(profile) = &mut self.profile {
                    profile.administrator_emails.clone_from(&changed.administrator_emails);
                }
            }
            Event::LocaleSet(LocaleSet { locale }) => {
                if let Some(profile) = &mut self.profile {
                    profile.locale.clone_from(locale);
                }
            }
            Event::WebhookUrlClaimed(WebhookUrlClaimed { webhook, url }) => {
                self.urls.insert(url.clone(), *webhook);
            }
            Event::WebhookUrlReleased(WebhookUrlReleased { url, .. }) => {
                self.urls.remove(url);
            }
            Event::IntegrationClaimed(IntegrationClaimed { hook, app }) => {
                self.integrations.insert(app.clone(), *hook);
            }
            Event::IntegrationReleased(IntegrationReleased { hook: _, app }) => {
                self.integrations.remove(app);
            }
            Event::PolicySet(set) => self.policies.set(&set.kind, &set.policy),
        }
    }
}

impl Aggregate for Account {
    const CATEGORY: Category = Category::Account;

    type Id = AccountId;
    type Command = Command;
    type Answer = Option<Profile>;
    type Effect = Nothing;
    type Rejection = Rejection;

    fn narrow(event: events::Event) -> Option<Event> {
        if let events::Event::Account(event) = event { Some(event) } else { None }
    }

    fn decide(&self, command: &Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Register { name, administrator_emails, locale } => {
                self.register(name.as_ref(), administrator_emails.as_ref(), locale.as_ref())
            }
            Command::FindUrlFree { .. } if self.profile.is_none() => Err(Rejection::Unregistered),
            Command::FindUrlFree { url } => match self.urls.get(url) {
                Some(by) => Err(Rejection::UrlTaken { by: *by }),
                None => Ok(vec![]),
            },
            Command::ClaimUrl { webhook, url, instead_of } => {
                self.claim(*webhook, url, *instead_of)
            }
            Command::ReleaseUrl { webhook, url } if self.urls.get(url) == Some(webhook) => {
                Ok(vec![WebhookUrlReleased { webhook: *webhook, url: url.clone() }.into()])
            }
            Command::ClaimIntegration { hook, app, instead_of } => {
                self.claim_integration(*hook, app, *instead_of)
            }
            Command::ReleaseIntegration { hook, app }
                if self.integrations.get(app) == Some(hook) =>
            {
                Ok(vec![IntegrationReleased { hook: *hook, app: app.clone() }.into()])
            }
            Command::SetPolicy { .. } if self.profile.is_none() => Err(Rejection::Unregistered),
            Command::SetPolicy { kind, policy } if self.policies.differs(kind, policy) => {
                Ok(vec![PolicySet { kind: kind.clone(), policy: policy.clone() }.into()])
            }
            Command::ReleaseUrl { .. }
            | Command::ReleaseIntegration { .. }
            | Command::SetPolicy { .. }
            | Command::Look => Ok(vec![]),
        }
    }

    fn answer(&self, _: &Command) -> Option<Profile> {
        self.profile.clone()
    }
}

#[cfg(test)]
mod tests;
