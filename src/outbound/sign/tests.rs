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

fn secret(key: &[u8]) -> Signer {
    Signer::new(Algorithm::Hmac, key).unwrap()
}

fn pair(key: &[u8]) -> Signer {
    Signer::new(Algorithm::Ed25519, key).unwrap()
}

const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const AT: &str = "1614265330";
const BODY: &[u8] = br#"{"test": 2432232314}"#;

#[test]
fn the_standard_form_of_a_secret_is_its_bytes_in_base64() {
    assert_eq!(whsec(b"abcdefghijkmnopqrstuvwxy"), "whsec_YWJjZGVmZ2hpamttbm9wcXJzdHV2d3h5");
}

/// The vector that Standard Webhooks and Svix publish.
#[test]
fn the_standard_signature_is_that_of_the_published_vector() {
    let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let signed = secret(&key).standard(ID, AT, BODY);
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

/// The vector of Svix (`test_asymmetric_key_signing`): no library of Standard Webhooks has one.
#[test]
fn the_signature_of_a_key_pair_is_that_of_the_published_vector() {
    let whsk_text = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ\
                     6p9lMicMFs6Kvg==";
    let key = STANDARD.decode(whsk_text.strip_prefix("whsk_").unwrap()).unwrap();
    assert_eq!(whsk(&key), whsk_text);
    let signed = pair(&key).standard(ID, AT, BODY);
    let expected = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo\
                    3mNl8EM+m7TBAg==";
    assert_eq!(signed, expected);
}

#[test]
fn a_new_key_pair_signs_what_its_public_key_verifies() {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    let (both, public) = generate_pair();
    let signed = pair(&both).standard(ID, AT, BODY);
    let signature = STANDARD.decode(signed.strip_prefix("v1a,").unwrap()).unwrap();
    let public = STANDARD.decode(public.strip_prefix("whpk_").unwrap()).unwrap();
    let signed = [format!("{ID}.{AT}.").as_bytes(), BODY].concat();
    UnparsedPublicKey::new(&ED25519, public).verify(&signed, &signature).unwrap();
    assert_ne!(generate_pair().0, both);
}

#[test]
fn what_is_no_key_pair_is_told() {
    let (mut both, _) = generate_pair();
    both[40] ^= 1;
    for key in [&both[..], b"short", &[]] {
        let error = Signer::new(Algorithm::Ed25519, key).err().unwrap();
        assert_eq!(error.to_string(), "what was sealed is no ed25519 key");
    }
}

/// `"sha256=" + OpenSSL::HMAC.hexdigest("SHA256", secret, "#{timestamp}.#{body}")`, computed with
/// another library.
#[test]
fn the_chatwoot_signature_is_that_of_ruby() {
    let signed = secret(b"abcdefghijkmnopqrstuvwxy")
        .chatwoot("1700000000", br#"{"event":"inbox_updated"}"#)
        .unwrap();
    assert_eq!(signed, "sha256=3e33396cf3bb28b7dead76cdce289f74fd3e2d0a4e1e8f6611b2699e65f0c0ed");
}

#[test]
fn every_header_is_there() {
    let mut headers = HeaderMap::new();
    sign(&mut headers, [&secret(b"key")].into_iter(), "id", 1_700_000_000, b"{}");
    let names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    for name in ["delivery", "timestamp", "signature"] {
        assert!(names.contains(&format!("x-chatwoot-{name}").as_str()), "{name}");
    }
    assert_eq!(headers["webhook-id"], headers["x-chatwoot-delivery"]);
    assert_eq!(headers["webhook-timestamp"], "1700000000");
    assert_eq!(headers["webhook-timestamp"], headers["x-chatwoot-timestamp"]);
    assert!(headers["webhook-signature"].to_str().unwrap().starts_with("v1,"));
}

#[test]
fn every_key_signs_and_chatwoots_header_has_the_newest_secret() {
    let keys = [pair(&generate_pair().0), secret(b"new"), secret(b"old")];
    let mut headers = HeaderMap::new();
    sign(&mut headers, keys.iter(), "id", 1, b"{}");
    let signed: Vec<_> = keys.iter().map(|key| key.standard("id", "1", b"{}")).collect();
    assert_eq!(headers["webhook-signature"], signed.join(" "));
    assert_eq!(headers["x-chatwoot-signature"], keys[1].chatwoot("1", b"{}").unwrap());
}
