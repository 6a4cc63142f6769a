//! Consecutive trouble of a subject is one incident, from the first error to what ended it.

use serde::{Deserialize, Serialize};

use super::Event;
use crate::evidence::{Class, Scope, Verdict};
use crate::words;

words! {
    /// How an incident ended.
    pub enum Ending {
        /// Somebody logged in again.
        Reauthorized = "reauthorized",
        /// A call worked again by itself.
        Healed = "healed",
        /// Somebody said that it is over.
        ByHand = "by_hand",
        /// Its subject was removed.
        Removed = "removed",
    }
}

/// The incident that a subject is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// The how-manieth of its subject; the first is 1.
    pub number: u64,
    /// Whether nobody wants to hear of it.
    pub muted: bool,
}

/// What an event does to the incident of its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It begins, or goes on.
    Trouble,
    /// It is over, if there was one.
    Over(Ending),
    /// Nothing.
    Nothing,
}

impl Verdict {
    /// Whether it says something of the connection at all: not what only one contact, one
    /// template or one wrong call brought about.
    pub const fn troubles(&self) -> bool {
        !matches!(self.class, Class::Recipient | Class::Request)
            && !matches!(self.scope, Scope::Recipient | Scope::Template)
    }

    /// Whether it is about every connection of the installation's app, and so no subject's own.
    pub const fn is_app_wide(&self) -> bool {
        matches!(self.scope, Scope::App)
    }

    /// Whether it counts towards reauthorization of this subject: what every connection of the
    /// installation's app has in common is one incident of the installation, and no subject's.
    pub const fn counts(&self) -> bool {
        self.class.counts() && !self.is_app_wide()
    }
}

/// What this event does to the incident of a subject that `required` reauthorization before it.
pub fn turn(event: &Event, required: bool) -> Turn {
    match event {
        Event::AuthorizationErrorRecorded(it)
            if it.verdict.troubles() && !it.verdict.is_app_wide() =>
        {
            Turn::Trouble
        }
        Event::ReauthorizationRequired(_) => Turn::Trouble,
        // A mark stands until somebody reauthorizes, and so does its incident.
        Event::AuthorizationSucceeded(_) if !required => Turn::Over(Ending::Healed),
        Event::Reauthorized(it) if it.by_hand => Turn::Over(Ending::ByHand),
        Event::Reauthorized(_) => Turn::Over(Ending::Reauthorized),
        Event::AuthorizationErrorRecorded(_)
        | Event::AuthorizationSucceeded(_)
        | Event::PolicySet(_)
        | Event::ExpirySet(_)
        | Event::Expiring(_)
        | Event::IncidentMuted(_)
        | Event::IncidentUnmuted(_) => Turn::Nothing,
    }
}
