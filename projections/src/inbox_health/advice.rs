//! What to do about a state, in one sentence for people.

use events::evidence::Class;

use super::HealthState;

/// What is to be done; none where nothing is.
pub(super) fn next_action(state: HealthState, class: Option<Class>) -> Option<&'static str> {
    match state {
        HealthState::Healthy => None,
        HealthState::Unknown => Some("report the outcome of a call"),
        HealthState::ActionNeeded => Some("reauthorize the inbox"),
        HealthState::Expiring => Some("reauthorize the inbox before its credential ends"),
        HealthState::Blocked | HealthState::Degraded => Some(class.map_or("watch it", remedy)),
    }
}

fn remedy(class: Class) -> &'static str {
    match class {
        Class::Auth => "reauthorize the inbox if it fails again",
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
