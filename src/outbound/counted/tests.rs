use std::sync::Arc;

use actors::ports::Endpoint;
use bytes::Bytes;
use events::signing::SigningKeys;
use events::{AccountId, DeliveryId, EndpointId, EventId, Timestamp, WebhookId};
use uuid::Uuid;

use super::*;

/// A way on which everything falls over.
struct Trap;

impl Outbound for Trap {
    fn attempt(&self, _: Attempt) -> BoxFuture<'_, Made> {
        Box::pin(async { panic!("the way is a trap") })
    }
}

#[tokio::test]
async fn an_attempt_that_falls_over_counts_as_a_fault_of_ours() {
    let counted = Counted { way: Arc::new(Trap), attempts: Attempts::default() };
    let id = EndpointId::Webhook(WebhookId(7));
    let endpoint = Endpoint::plain(id, AccountId(1), String::new(), SigningKeys::none());
    let attempt = Attempt {
        delivery: DeliveryId::of(EventId(Uuid::nil()), id),
        number: 1,
        event: "message_created".into(),
        body: Bytes::new(),
        at: Timestamp::default(),
        endpoint: endpoint.into(),
    };
    let fallen = caught(counted.attempt(attempt)).await.unwrap_err();
    assert_eq!(fallen.to_string(), "the way is a trap");
    let ours = Ending { kind: id.kind(), class: AttemptClass::Ours.as_str() };
    assert_eq!(counted.attempts.get_or_create(&ours).get(), 1);
}
