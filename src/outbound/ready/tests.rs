use std::time::Duration;

use events::webhook::{Event, KeyPairRotated, SecretRotated};
use events::{AccountId, WebhookId};

use super::*;
use crate::outbound::generate_pair;

const WEBHOOK: WebhookId = WebhookId(7);
const NOON: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn vault() -> Vault {
    Vault::from_key([7; 32])
}

fn secret(vault: &Vault, text: &str) -> events::Sealed {
    vault.seal(&secret_context(WEBHOOK), text.as_bytes())
}

fn endpoint(vault: &Vault) -> Endpoint {
    let sealed = vault.seal(&header_context(WEBHOOK, "X-Key"), b"s3cret");
    let header = |name: &str, value| Header { name: name.to_owned(), value };
    Endpoint {
        id: WEBHOOK.into(),
        account: AccountId(1),
        url: "https://example.com/hook".to_owned(),
        keys: SigningKeys::of(secret(vault, "old")),
        headers: vec![
            header("X-Team", GivenValue::Plain("support".to_owned())),
            header("x-key", GivenValue::Sealed(sealed)),
            header("Webhook-Id", GivenValue::Plain("forged".to_owned())),
        ],
        timeout: None,
        concurrency: None,
        retry_schedule: None,
        rate_per_second: None,
    }
}

#[test]
fn headers_are_opened_and_never_stand_in_the_place_of_ours() {
    let vault = vault();
    let ready = Ready::of(&vault, &endpoint(&vault), NOON).ok().unwrap();
    let headers = ready.headers("id", NOON, b"{}");
    assert_eq!(
        (&headers["x-team"], &headers["x-key"]),
        (&"support".parse().unwrap(), &"s3cret".parse().unwrap())
    );
    assert_eq!(headers.get_all("webhook-id").iter().collect::<Vec<_>>(), ["id"]);
    assert!(!format!("{headers:?}").contains("s3cret"));
}

#[test]
fn an_endpoint_is_made_ready_once_until_its_settings_change() {
    let (vault, kept) = (vault(), Kept::default());
    let mut endpoint = endpoint(&vault);
    let first = kept.get(&vault, &endpoint, NOON).ok().unwrap();
    assert!(Arc::ptr_eq(&first, &kept.get(&vault, &endpoint, NOON).ok().unwrap()));
    endpoint.url = "https://example.com/other".to_owned();
    let moved = kept.get(&vault, &endpoint, NOON).ok().unwrap();
    assert_eq!(moved.url.as_str(), "https://example.com/other");
    endpoint.keys = SigningKeys::of(secret(&vault, "new"));
    let resigned = kept.get(&vault, &endpoint, NOON).ok().unwrap();
    assert_ne!(
        moved.headers("id", NOON, b"")["webhook-signature"],
        resigned.headers("id", NOON, b"")["webhook-signature"]
    );
    endpoint.keys = SigningKeys::of(Vault::from_key([8; 32]).seal("elsewhere", b"x"));
    assert!(kept.get(&vault, &endpoint, NOON).is_err());
    assert!(kept.0.is_empty(), "nothing is left of settings that are over");
}

#[test]
fn no_more_endpoints_are_kept_than_have_room() {
    let (vault, kept) = (vault(), Kept::default());
    for number in 0..KEPT_MAX as u64 + 3 {
        let id = WebhookId(number);
        let keys = SigningKeys::of(vault.seal(&secret_context(id), b"key"));
        let endpoint = Endpoint { id: id.into(), keys, headers: vec![], ..endpoint(&vault) };
        kept.get(&vault, &endpoint, NOON).ok().unwrap();
    }
    assert_eq!(kept.0.len(), KEPT_MAX);
}

#[test]
fn both_keys_sign_until_the_old_one_ends_although_it_is_kept_ready() {
    let (vault, kept) = (vault(), Kept::default());
    let mut endpoint = endpoint(&vault);
    let until = NOON.after(Duration::from_secs(60));
    let rotated = SecretRotated { secret: secret(&vault, "new"), previous_until: until };
    endpoint.keys.evolve(&Event::from(rotated));
    let (pair, public) = generate_pair();
    let private = vault.seal(&key_context(WEBHOOK, Algorithm::Ed25519), &pair);
    let pair = KeyPairRotated { secret: private, public, previous_until: until };
    endpoint.keys.evolve(&Event::from(pair));
    let signed = |at| {
        let headers = kept.get(&vault, &endpoint, at).ok().unwrap().headers("id", at, b"{}");
        let text = headers["webhook-signature"].to_str().unwrap();
        text.split(' ').map(|one| one.split(',').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(signed(NOON), ["v1a", "v1", "v1"]);
    assert_eq!(signed(until), ["v1a", "v1"]);
}
