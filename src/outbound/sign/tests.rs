use std::collections::BTreeSet;

use super::*;

#[test]
fn a_secret_is_24_characters_of_base58() {
    let secrets: BTreeSet<_> = (0..200).map(|_| generate_secret()).collect();
    assert_eq!(secrets.len(), 200);
    let used: BTreeSet<u8> = secrets.iter().flat_map(|secret| secret.bytes()).collect();
    assert_eq!(used, BASE58.iter().copied().collect());
    assert!(secrets.iter().all(|secret| secret.len() == 24));
}

#[test]
fn the_standard_form_of_a_secret_is_its_bytes_in_base64() {
    assert_eq!(whsec("abcdefghijkmnopqrstuvwxy"), "whsec_YWJjZGVmZ2hpamttbm9wcXJzdHV2d3h5");
}

/// The vector that Standard Webhooks and Svix publish.
#[test]
fn the_standard_signature_is_that_of_the_published_vector() {
    let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let signed =
        standard(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

/// `"sha256=" + OpenSSL::HMAC.hexdigest("SHA256", secret, "#{timestamp}.#{body}")`, computed with
/// another library.
#[test]
fn the_chatwoot_signature_is_that_of_ruby() {
    let signed =
        chatwoot(b"abcdefghijkmnopqrstuvwxy", 1_700_000_000, br#"{"event":"inbox_updated"}"#);
    assert_eq!(signed, "sha256=3e33396cf3bb28b7dead76cdce289f74fd3e2d0a4e1e8f6611b2699e65f0c0ed");
}

#[test]
fn every_header_is_there() {
    let headers = headers(b"key", "id", 1_700_000_000, b"{}");
    let names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    for name in ["delivery", "timestamp", "signature"] {
        assert!(names.contains(&format!("x-chatwoot-{name}").as_str()), "{name}");
    }
    assert_eq!(headers["webhook-id"], headers["x-chatwoot-delivery"]);
    assert_eq!(headers["webhook-timestamp"], "1700000000");
    assert_eq!(headers["webhook-timestamp"], headers["x-chatwoot-timestamp"]);
    assert!(headers["webhook-signature"].to_str().unwrap().starts_with("v1,"));
}
