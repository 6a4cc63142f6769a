//! Counts attempts by how they ended.

use std::sync::Arc;

use actors::caught;
use actors::ports::{Attempt, Ended, Made, Outbound};
use events::delivery::AttemptClass;
use futures_core::future::BoxFuture;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// How many attempts ended how since the start; clones count together.
pub type Attempts = Family<Ending, Counter>;

/// What is told apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Ending {
    kind: &'static str,
    class: &'static str,
}

/// A way out, and how often which attempts over it ended how.
pub struct Counted {
    /// The way.
    pub way: Arc<dyn Outbound>,
    /// What is counted.
    pub attempts: Attempts,
}

impl Outbound for Counted {
    fn attempt(&self, attempt: Attempt) -> BoxFuture<'_, Made> {
        Box::pin(async move {
            let kind = attempt.endpoint.id.kind();
            let made = caught(async { self.way.attempt(attempt).await }).await;
            let class = match made.as_ref().map(|made| &made.ended) {
                Ok(Ended::Delivered(_)) => AttemptClass::Ok,
                Ok(Ended::Failed { class, .. }) => *class,
                // Whoever asked records it as that.
                Err(_) => AttemptClass::Ours,
            };
            self.attempts.get_or_create(&Ending { kind, class: class.as_str() }).inc();
            made.unwrap_or_else(|panic| panic.go_on())
        })
    }
}

#[cfg(test)]
mod tests;
