use events::EndpointId;

use super::super::tests::{alone, move_to, place, settings};
use super::*;
use crate::testing::TestStore;
use crate::testing::probe::anew;
use crate::webhook::Command;

#[tokio::test(start_paused = true)]
async fn no_more_webhooks_are_known_than_may_be_and_each_goes_where_it_says() {
    let (targets, webhooks) = alone(&Arc::new(TestStore::default()));
    let all: Vec<_> = (1..).map(WebhookId).take(3 * KNOWN_MAX).collect();
    for webhook in &all {
        let create = Command::Create(Box::new(settings()));
        webhooks.ask(*webhook, anew(), create).await.unwrap();
    }
    for round in 0..3 {
        for webhook in &all {
            let there = format!("https://example.com/{round}/{webhook}");
            webhooks.ask(*webhook, anew(), move_to(&there)).await.unwrap();
        }
        for webhook in &all {
            let there = format!("https://example.com/{round}/{webhook}");
            for _ in 0..2 {
                let found = place(&targets, EndpointId::Webhook(*webhook)).await;
                assert_eq!(found.as_ref(), Some(&there));
            }
            let known = targets.known.get(*webhook).map(|endpoint| endpoint.url.clone());
            assert_eq!(known, Some(there), "whoever was asked about is known");
            let count = targets.known.0.len();
            assert!(count <= KNOWN_MAX, "{count} are known");
        }
    }
}
