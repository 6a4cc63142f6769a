//! What to do about a state, in one sentence for people.

use events::evidence::Class;

use super::HealthState;

/// What mends a subject that needs reauthorization, in one sentence.
pub(crate) struct Cure {
    /// That it needs it.
    pub(crate) now: &'static str,
    /// Before its credential ends.
    pub(crate) soon: &'static str,
    /// After an error that is not yet one too many.
    pub(crate) again: &'static str,
}

/// What is to be done; none where nothing is.
pub(super) fn next_action(
    state: HealthState,
    class: Option<Class>,
    cure: &Cure,
) -> Option<&'static str> {
    match state {
        HealthState::Healthy => None,
        HealthState::Unknown => Some("report the outcome of a call"),
        HealthState::ActionNeeded => Some(cure.now),
        HealthState::Expiring => Some(cure.soon),
        HealthState::Blocked | HealthState::Degraded => {
            Some(class.map_or("watch it", |class| remedy(class, cure)))
        }
    }
}

fn remedy(class: Class, cure: &Cure) -> &'static str {
    match class {
        Class::Auth => cure.again,
        Class::Permission => "grant the missing permission, then reauthorize",
        Class::UserAction => "do what the provider asks for in its own console",
        Class::Config => "correct the installation's settings for this provider",
        Class::Registration => "register the number with the provider again",
        Class::Policy => "appeal to the provider; reauthorizing will not help",
        Class::Billing => "settle the provider's bill; reauthorizing will not help",
        Class::Rate => "send more slowly; it recovers by itself",
        Class::Transient => "wait; it recovers by itself",
        Class::Recipient => "look at the contact; the connection itself may be sound",
        Class::Request => "look at the call; the connection itself may be sound",
        Class::Webhook => "check the provider's webhook settings",
        Class::Conflict => "end the other connection that uses the same channel",
        Class::Disconnected => "connect the other end again",
        Class::Unknown => "look at the evidence in its timeline",
    }
}
