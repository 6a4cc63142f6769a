//! Routes that Chatwoot does not have; they fail in problem+json.

pub(super) mod accounts;
pub(super) mod deliveries;
pub(super) mod endpoints;
pub(super) mod expiring;
pub(super) mod explanations;
pub(super) mod health;
pub(super) mod inboxes;
pub(super) mod incidents;
pub(super) mod live;
pub(super) mod nodes;
pub(super) mod policies;
pub(super) mod recoveries;
pub(super) mod secrets;
pub(super) mod timeline;
pub(super) mod trial;
pub(super) mod why;
