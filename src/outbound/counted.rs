//! Counts attempts by how they ended.

use std::sync::Arc;

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
            let made = self.way.attempt(attempt).await;
            let class = match &made.ended {
                Ended::Delivered(_) => AttemptClass::Ok,
                Ended::Failed { class, .. } => *class,
            };
            self.attempts.get_or_create(&Ending { kind, class: class.as_str() }).inc();
            made
        })
    }
}
