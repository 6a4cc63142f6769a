//! Signs an attempt as Chatwoot does and as Standard Webhooks has it.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use events::signing::Algorithm;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const SECRET_CHARS: usize = 24;

/// As long as the longest signature of Standard Webhooks.
const STANDARD_CHARS: usize = "v1a,".len() + 88;

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
pub fn whsec(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

/// A new key pair: the private key and behind it the public one, 32 bytes each, and the public
/// one as receivers are given it (`whpk_...`).
pub fn generate_pair() -> ([u8; 64], String) {
    let seed = crate::random::bytes::<32>();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are a private key");
    let public = pair.public_key().as_ref();
    let mut both = [0; 64];
    both[..32].copy_from_slice(&seed);
    both[32..].copy_from_slice(public);
    (both, format!("whpk_{}", STANDARD.encode(public)))
}

/// A private key as Standard Webhooks writes it: `whsk_` and both halves in base64.
pub fn whsk(pair: &[u8]) -> String {
    format!("whsk_{}", STANDARD.encode(pair))
}

/// A key that is none of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what was sealed is no {0} key")]
pub(super) struct BadKey(Algorithm);

/// A key, ready to sign.
pub(super) enum Signer {
    Hmac(Box<Hmac<Sha256>>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl Signer {
    pub(super) fn new(algorithm: Algorithm, key: &[u8]) -> Result<Self, BadKey> {
        match algorithm {
            Algorithm::Hmac => {
                let mac = Hmac::new_from_slice(key).expect("a key may have any length");
                Ok(Self::Hmac(Box::new(mac)))
            }
            Algorithm::Ed25519 => {
                let halves = key.split_at_checked(32).ok_or(BadKey(algorithm))?;
                let pair = Ed25519KeyPair::from_seed_and_public_key(halves.0, halves.1);
                pair.map(|pair| Self::Ed25519(Box::new(pair))).map_err(|_| BadKey(algorithm))
            }
        }
    }

    /// One signature of the header `webhook-signature`.
    fn standard(&self, delivery: &str, now: &str, body: &[u8]) -> String {
        let signed = [delivery.as_bytes(), b".", now.as_bytes(), b".", body];
        let mut text = String::with_capacity(STANDARD_CHARS);
        match self {
            Self::Hmac(mac) => {
                text.push_str("v1,");
                STANDARD.encode_string(authenticate(mac, &signed), &mut text);
            }
            Self::Ed25519(pair) => {
                text.push_str("v1a,");
                STANDARD.encode_string(pair.sign(&signed.concat()), &mut text);
            }
        }
        text
    }

    fn chatwoot(&self, now: &str, body: &[u8]) -> Option<String> {
        let Self::Hmac(mac) = self else { return None };
        let code = authenticate(mac, &[now.as_bytes(), b".", body]);
        Some(["sha256=", const_hex::Buffer::<32>::new().format(&code)].concat())
    }
}

fn authenticate(mac: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = mac.clone();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// As many headers as [`sign`] sets.
pub(super) const HEADERS: usize = 6;

/// Sets the headers that tell a receiver which delivery this is, when it was signed, and by whom:
/// by all of the keys, the newest first. Chatwoot's header has room for one, which is the newest
/// secret's.
pub(super) fn sign<'a>(
    headers: &mut HeaderMap,
    signers: impl Iterator<Item = &'a Signer>,
    delivery: &str,
    now: i64,
    body: &[u8],
) {
    let (id, at) = (value(delivery), now.to_string());
    let mut chatwoot = None;
    let mut standard = Vec::new();
    for signer in signers {
        chatwoot = chatwoot.or_else(|| signer.chatwoot(&at, body));
        standard.push(signer.standard(delivery, &at, body));
    }
    headers.insert(HeaderName::from_static("x-chatwoot-delivery"), id.clone());
    headers.insert(HeaderName::from_static("webhook-id"), id);
    if standard.is_empty() {
        // As in Chatwoot: a time that nobody signed says nothing.
        return;
    }
    let timestamp = value(&at);
    headers.insert(HeaderName::from_static("x-chatwoot-timestamp"), timestamp.clone());
    headers.insert(HeaderName::from_static("webhook-timestamp"), timestamp);
    headers.insert(HeaderName::from_static("webhook-signature"), value(&standard.join(" ")));
    if let Some(chatwoot) = chatwoot {
        headers.insert(HeaderName::from_static("x-chatwoot-signature"), value(&chatwoot));
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("ids, numbers and codes are plain ASCII")
}

#[cfg(test)]
mod tests;
