//! Signing keys that overlap, key pairs, and headers of one's own, as a receiver meets them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::api::Api;
use crate::receiver::{Arrival, Receiver};
use crate::relink::Place;
use crate::steps::{message, register_account, secret, subscribe};

async fn rotate(api: &Api, webhook: &Value, body: Value) -> Value {
    api.post(&format!("/webhooks/{}/rotate_secret", webhook["id"]), body).await.json(200)
}

/// The signatures of Standard Webhooks, the newest key's first.
fn signatures(arrival: &Arrival) -> Vec<String> {
    arrival.header("webhook-signature").split(' ').map(str::to_owned).collect()
}

/// What Standard Webhooks signs.
fn signed(arrival: &Arrival) -> Vec<u8> {
    let (id, at) = (arrival.header("webhook-id"), arrival.header("webhook-timestamp"));
    [format!("{id}.{at}.").as_bytes(), &arrival.body].concat()
}

#[tokio::test]
async fn a_receiver_with_either_secret_verifies_until_the_old_one_ends() {
    let place = Place::new();
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    register_account(&api).await;
    let webhook = subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    let old = secret(&webhook).to_owned();
    let rotated = rotate(&api, &webhook, json!({ "overlap": "1h" })).await;
    let new = rotated["secret"].as_str().unwrap();
    message(&api, "between").await;
    let arrival = receiver.expect(1).await.remove(0);
    let both = signatures(&arrival);
    assert_eq!(both.len(), 2);
    assert_eq!(both, [arrival.standard_signature(new), arrival.standard_signature(&old)]);
    assert_eq!(arrival.header("x-chatwoot-signature"), arrival.chatwoot_signature(new));

    assert!(relink.terminate().await.success());
    let relink = place.serve().await;
    let api = relink.api();
    let last = rotate(&api, &webhook, json!({ "overlap": "0s" })).await;
    message(&api, "after").await;
    receiver.expect(2).await[1].check_signatures(last["secret"].as_str().unwrap());

    let reveal = format!("/webhooks/{}/secret", webhook["id"]);
    assert_eq!(api.get(&reveal).await.json(200)["secret"], last["secret"]);
    assert_eq!(place.log_of("webhook.secret_revealed").await.len(), 1);
    let log = place.run_well(&["log", "--json"]).await;
    for secret in [&old, new, last["secret"].as_str().unwrap()] {
        assert!(!log.contains(secret), "the log shows a secret");
    }
}

#[tokio::test]
async fn a_key_pair_signs_beside_the_secret() {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    let place = Place::new();
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    register_account(&api).await;
    let webhook = subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    let made = rotate(&api, &webhook, json!({ "algorithm": "ed25519" })).await;
    let public = made["signing_public_key"].as_str().unwrap();
    let public = BASE64.decode(public.strip_prefix("whpk_").unwrap()).unwrap();
    message(&api, "hello").await;
    let arrival = receiver.expect(1).await.remove(0);
    let both = signatures(&arrival);
    let signature = BASE64.decode(both[0].strip_prefix("v1a,").unwrap()).unwrap();
    let public = UnparsedPublicKey::new(&ED25519, public);
    public.verify(&signed(&arrival), &signature).expect("the public key verifies it");
    assert_eq!(both[1], arrival.standard_signature(secret(&webhook)));
}

#[tokio::test]
async fn headers_of_ones_own_arrive_and_their_secrets_are_shown_to_nobody() {
    let place = Place::new();
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    register_account(&api).await;
    let wanted = json!({
        "url": receiver.url("/hook"),
        "subscriptions": ["message_created"],
        "delivery": { "headers": {
            "Authorization": "Bearer of-the-receiver",
            "X-Team": { "value": "support", "plain": true },
        } },
    });
    let made = api.post("/webhooks", wanted).await.json(200);
    let webhook = &made["payload"]["webhook"];
    let shown = &webhook["delivery"]["headers"];
    assert_eq!(shown["Authorization"], "[redacted]");
    let path = format!("/webhooks/{}", webhook["id"]);
    let change = json!({ "name": "renamed", "delivery": webhook["delivery"] });
    api.patch(&path, change).await.json(200);
    assert!(place.log_of("webhook.policy_changed").await.is_empty(), "nothing has changed");

    message(&api, "hello").await;
    let arrival = receiver.expect(1).await.remove(0);
    assert_eq!(arrival.header("authorization"), "Bearer of-the-receiver");
    assert_eq!(arrival.header("x-team"), "support");
    arrival.check_signatures(secret(webhook));

    let forged = json!({ "delivery": { "headers": { "Webhook-Signature": "v1,forged" } } });
    assert_eq!(api.patch(&path, forged).await.status, 422);
    let said = [place.run_well(&["log", "--json"]).await, relink.kill().await];
    assert!(said.iter().all(|said| !said.contains("of-the-receiver")));
}
