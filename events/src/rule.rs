//! An automation rule: what an account wants done when something happens.

use serde::{Deserialize, Serialize};

use crate::AccountId;
use crate::switch::OffCause;
use crate::vocabulary::vocabulary;

/// An account made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// The tenant.
    pub account: AccountId,
    /// What people call it.
    pub name: String,
    /// What it is for, in people's words.
    pub description: Option<String>,
    /// What it waits for: `conversation_created`.
    pub event_name: String,
    /// When it applies, a JSON array of Chatwoot's conditions.
    pub conditions: String,
    /// What it does then, a JSON array of Chatwoot's actions.
    pub actions: String,
    /// Whether it works from the start.
    pub active: bool,
}

/// It has another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    /// The new one.
    pub name: String,
}

/// It is described otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// The new words.
    pub description: Option<String>,
}

/// It waits for something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventNameChanged {
    /// The new one.
    pub event_name: String,
}

/// It applies in other cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionsChanged {
    /// All of them, a JSON array.
    pub conditions: String,
}

/// It does something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionsChanged {
    /// All of them, a JSON array.
    pub actions: String,
}

/// It works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activated {}

/// It does not work any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deactivated {
    /// Why.
    pub cause: OffCause,
}

/// It is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {}

vocabulary! {
    category "rule";
    /// What can happen to an automation rule.
    pub enum Event {
        /// See [`Created`].
        Created = "created" v 1,
        /// See [`Renamed`].
        Renamed = "renamed" v 1,
        /// See [`Described`].
        Described = "described" v 1,
        /// See [`EventNameChanged`].
        EventNameChanged = "event_name_changed" v 1,
        /// See [`ConditionsChanged`].
        ConditionsChanged = "conditions_changed" v 1,
        /// See [`ActionsChanged`].
        ActionsChanged = "actions_changed" v 1,
        /// See [`Activated`].
        Activated = "activated" v 1,
        /// See [`Deactivated`].
        Deactivated = "deactivated" v 1,
        /// See [`Deleted`].
        Deleted = "deleted" v 1,
    }
    shares reauthorization as Reauthorization;
}
