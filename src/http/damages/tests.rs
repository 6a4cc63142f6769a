use std::sync::Arc;

use events::store::Slice;

use super::*;
use crate::history::Staged;
use crate::http::testing::Service;

#[tokio::test(start_paused = true)]
async fn damage_is_looked_for_by_no_more_requests_of_one_account_than_it_has_places() {
    let store = Arc::new(Staged::default());
    let service = Service::over(store.clone()).await;
    service.caught_up().await;
    assert_eq!(service.call("PUT", "1", r#"{"name":"Acme"}"#).await.status, 201);
    let inbox = r#"{"name":"Support","channel_type":"Channel::Whatsapp"}"#;
    assert_eq!(service.call("PUT", "1/inboxes/42", inbox).await.status, 201);
    let prompt = "1/inboxes/42/prompt_reauthorization";
    assert_eq!(service.call("POST", prompt, r#"{"reason":"gone"}"#).await.status, 200);
    service.app.own_writes().await;
    // Going back it breaks off, and whoever looks for the place waits for long.
    store.answer(|stream, slice| {
        let torn = || Failure::Corrupt { position: None, reason: "it is torn".to_owned() };
        (stream.to_string() == "inbox-42").then(|| match slice {
            Slice::Before(_) => Box::pin(std::future::ready(Err(torn()))) as _,
            Slice::From(_) => Box::pin(std::future::pending()) as _,
        })
    });
    let why = || service.call("GET", "1/inboxes/42/why", "");
    let answer = tokio::select! {
        answer = why() => answer,
        answer = why() => answer,
        answer = why() => answer,
    };
    assert_eq!(answer.status, 429, "the third, and no other is answered: {answer:?}");
}
