//! Signs an attempt as Chatwoot does and as Standard Webhooks has it, under one secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const SECRET_CHARS: usize = 24;

/// A new signing secret as Chatwoot makes them (`has_secure_token`): 24 characters of base58,
/// each as likely as any other. Its ASCII bytes are the key of both signatures.
pub fn generate_secret() -> String {
    let mut secret = String::with_capacity(SECRET_CHARS);
    while secret.len() < SECRET_CHARS {
        // Six bits hit one of 64; those past the alphabet are thrown again, so none is favoured.
        let throws = crate::random::bytes::<32>().map(|byte| usize::from(byte >> 2));
        let hits = throws.iter().filter_map(|throw| BASE58.get(*throw));
        secret.extend(hits.take(SECRET_CHARS - secret.len()).map(|byte| char::from(*byte)));
    }
    secret
}

/// The same secret as Standard Webhooks writes it: `whsec_` and the key's bytes in base64.
pub fn whsec(secret: &str) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

/// The headers that tell a receiver which delivery this is, when it was signed, and by whom.
pub(super) fn headers(key: &[u8], delivery: &str, now: i64, body: &[u8]) -> HeaderMap {
    let id = value(delivery);
    let timestamp = value(&now.to_string());
    let named = [
        (HeaderName::from_static("x-chatwoot-delivery"), id.clone()),
        (HeaderName::from_static("x-chatwoot-timestamp"), timestamp.clone()),
        (HeaderName::from_static("x-chatwoot-signature"), value(&chatwoot(key, now, body))),
        (HeaderName::from_static("webhook-id"), id),
        (HeaderName::from_static("webhook-timestamp"), timestamp),
        (HeaderName::from_static("webhook-signature"), value(&standard(key, delivery, now, body))),
    ];
    HeaderMap::from_iter(named)
}

fn chatwoot(key: &[u8], now: i64, body: &[u8]) -> String {
    let code = authenticate(key, format!("{now}.").as_bytes(), body);
    code.iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

fn standard(key: &[u8], delivery: &str, now: i64, body: &[u8]) -> String {
    let code = authenticate(key, format!("{delivery}.{now}.").as_bytes(), body);
    format!("v1,{}", STANDARD.encode(code))
}

fn authenticate(key: &[u8], preamble: &[u8], body: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    mac.update(preamble);
    mac.update(body);
    mac.finalize().into_bytes().into()
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("ids, numbers and codes are plain ASCII")
}

#[cfg(test)]
mod tests;
