//! Routes that Chatwoot has too; they answer and fail in its shapes.

pub(super) mod cache_keys;
pub(super) mod inboxes;
pub(super) mod webhooks;
