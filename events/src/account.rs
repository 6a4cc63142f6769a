//! An account: a tenant, its administrators, and which webhook urls and applications it has given
//! away.

use serde::{Deserialize, Serialize};

use crate::policy::Policy;
use crate::vocabulary::vocabulary;
use crate::{HookId, WebhookId};

/// The host platform registered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// What people call it.
    pub name: String,
    /// Who is told when a connection breaks.
    pub administrator_emails: Vec<String>,
}

/// It has another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    /// The new one.
    pub name: String,
}

/// Others are told when a connection breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdministratorsChanged {
    /// All of them.
    pub administrator_emails: Vec<String>,
}

/// It is written to in another language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocaleSet {
    /// Chatwoot's word for it: `pt_BR`; none means English.
    pub locale: Option<String>,
}

/// A url belongs to a webhook of this account; no other may have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookUrlClaimed {
    /// Whose it is.
    pub webhook: WebhookId,
    /// The url.
    pub url: String,
}

/// A url is free again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookUrlReleased {
    /// Whose it was.
    pub webhook: WebhookId,
    /// The url.
    pub url: String,
}

/// An application that an account can have once belongs to a hook; no other may have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegrationClaimed {
    /// Whose it is.
    pub hook: HookId,
    /// The application: `slack`.
    pub app: String,
}

/// An application is free again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegrationReleased {
    /// Whose it was.
    pub hook: HookId,
    /// The application: `slack`.
    pub app: String,
}

/// A kind of subject has a policy in this account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySet {
    /// Which kind: Chatwoot's model name.
    pub kind: String,
    /// All of it; an empty one means that there is none any more.
    pub policy: Policy,
}

vocabulary! {
    category "account";
    /// What can happen to an account.
    pub enum Event {
        /// See [`Registered`].
        Registered = "registered" v 1,
        /// See [`Renamed`].
        Renamed = "renamed" v 1,
        /// See [`AdministratorsChanged`].
        AdministratorsChanged = "administrators_changed" v 1,
        /// See [`LocaleSet`].
        LocaleSet = "locale_set" v 1,
        /// See [`WebhookUrlClaimed`].
        WebhookUrlClaimed = "webhook_url_claimed" v 1,
        /// See [`WebhookUrlReleased`].
        WebhookUrlReleased = "webhook_url_released" v 1,
        /// See [`IntegrationClaimed`].
        IntegrationClaimed = "integration_claimed" v 1,
        /// See [`IntegrationReleased`].
        IntegrationReleased = "integration_released" v 1,
        /// See [`PolicySet`].
        PolicySet = "policy_set" v 1,
    }
}
