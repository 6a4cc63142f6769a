//! Routes that Chatwoot has too; they answer and fail in its shapes.

pub(super) mod audit_logs;
pub(super) mod automation_rules;
pub(super) mod cache_keys;
pub(super) mod inboxes;
pub(super) mod integrations;
pub(super) mod webhooks;

mod params;
