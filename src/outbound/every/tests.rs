use std::sync::Arc;
use std::time::Duration;

use actors::ports::Endpoint;
use bytes::Bytes;
use events::signing::SigningKeys;
use events::{AccountId, DeliveryId, EventId, Timestamp};
use uuid::Uuid;

use super::*;
use crate::outbound::OutboundSettings;
use crate::vault::Vault;

#[tokio::test]
async fn mail_that_no_server_is_there_for_uses_up_its_schedule() {
    let settings =
        OutboundSettings { default_timeout: Duration::from_secs(1), allow_private: vec![] };
    let http = HttpOutbound::new(settings, Arc::new(Vault::from_key([7; 32]))).unwrap();
    let every = EveryWay { http, mail: None };
    let id = EndpointId::Mail(AccountId(1));
    let endpoint = Endpoint {
        id,
        account: AccountId(1),
        url: String::new(),
        keys: SigningKeys::none(),
        headers: vec![],
        timeout: None,
        concurrency: None,
        rate_per_second: None,
        retry_schedule: None,
    };
    let attempt = Attempt {
        delivery: DeliveryId::of(EventId(Uuid::nil()), id),
        number: 1,
        event: "inbox_disconnected".into(),
        body: Bytes::new(),
        at: Timestamp::default(),
        endpoint: endpoint.into(),
    };
    let Ended::Failed { class, detail, .. } = every.attempt(attempt).await.ended else {
        panic!("there is nobody to take it");
    };
    // What is ours is tried again without end.
    assert_ne!(class, AttemptClass::Ours);
    assert!(detail.contains("RELINK_SMTP_URL"), "{detail}");
}
