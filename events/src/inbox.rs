//! An inbox: one channel connection of an account.

use serde::{Deserialize, Serialize};

use crate::codec::inbox::RegisteredV1;
use crate::reauthorization;
use crate::vocabulary::vocabulary;
use crate::{AccountId, Sealed};

/// The host platform registered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The tenant.
    pub account: AccountId,
    /// What people call it.
    pub name: String,
    /// Chatwoot's channel type: `Channel::Whatsapp`.
    pub channel_type: String,
    /// Further attributes, a JSON object without any credential.
    pub attributes: String,
    /// Credentials, a sealed JSON object.
    pub credentials: Option<Sealed>,
    /// Its own threshold; none means its channel type's.
    pub threshold: Option<u32>,
}

/// It has another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    /// The new one.
    pub name: String,
}

/// It is of another channel type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelTypeChanged {
    /// The new one.
    pub channel_type: String,
}

/// Further attributes are others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributesChanged {
    /// All of them, a JSON object.
    pub attributes: String,
}

/// Its credentials are others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialsReplaced {
    /// All of them, a sealed JSON object.
    pub credentials: Sealed,
}

/// It needs another number of errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThresholdSet {
    /// Its own threshold; none means its channel type's.
    pub threshold: Option<u32>,
}

/// It is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {}

vocabulary! {
    category "inbox";
    /// What can happen to an inbox.
    pub enum Event {
        /// See [`Registered`].
        Registered = "registered" v 2 lifts 1 RegisteredV1,
        /// See [`Renamed`].
        Renamed = "renamed" v 1,
        /// See [`ChannelTypeChanged`].
        ChannelTypeChanged = "channel_type_changed" v 1,
        /// See [`AttributesChanged`].
        AttributesChanged = "attributes_changed" v 1,
        /// See [`CredentialsReplaced`].
        CredentialsReplaced = "credentials_replaced" v 1,
        /// See [`ThresholdSet`].
        ThresholdSet = "threshold_set" v 1,
        /// See [`Removed`].
        Removed = "removed" v 1,
    }
    shares reauthorization as Reauthorization;
}

impl Event {
    /// Whether it changes what was said of the inbox, and so makes another version of that.
    pub fn changes_settings(&self) -> bool {
        match self {
            Self::Registered(_)
            | Self::Renamed(_)
            | Self::ChannelTypeChanged(_)
            | Self::AttributesChanged(_)
            | Self::CredentialsReplaced(_)
            | Self::ThresholdSet(_)
            | Self::Removed(_) => true,
            Self::Reauthorization(event) => match event {
                reauthorization::Event::ExpirySet(_) => true,
                reauthorization::Event::AuthorizationErrorRecorded(_)
                | reauthorization::Event::AuthorizationSucceeded(_)
                | reauthorization::Event::ReauthorizationRequired(_)
                | reauthorization::Event::Reauthorized(_)
                | reauthorization::Event::PolicySet(_)
                | reauthorization::Event::Expiring(_)
                | reauthorization::Event::IncidentMuted(_)
                | reauthorization::Event::IncidentUnmuted(_) => false,
            },
        }
    }
}
