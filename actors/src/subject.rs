//! What is asked of whatever can need reauthorization: an inbox, a hook, a rule.

use std::sync::Arc;

use events::AccountId;
use events::policy::Layers;

/// What can be asked of a subject, on behalf of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command<A> {
    /// The tenant that asks: another's subject does not exist for it.
    pub account: AccountId,
    /// The policies of the installation and of that account, as they are now.
    pub layers: Arc<Layers>,
    /// What is asked.
    pub action: A,
}
