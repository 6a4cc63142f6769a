//! What the headers of a provider's answer tell: whose it is, and sometimes the code.

use serde_json::{Map, Value};

use super::Told;

/// Headers that only one provider sends, in lower case.
const TELLING: [(&str, &str); 14] = [
    ("x-fb-trace-id", "meta"),
    ("x-fb-request-id", "meta"),
    ("facebook-api-version", "meta"),
    ("x-slack-req-id", "slack"),
    ("x-slack-backend", "slack"),
    ("x-line-request-id", "line"),
    ("x-tt-logid", "tiktok"),
    ("twilio-request-id", "twilio"),
    ("x-twilio-request-id", "twilio"),
    ("stripe-version", "stripe"),
    ("openai-organization", "openai"),
    ("openai-version", "openai"),
    ("x-ms-ests-server", "microsoft"),
    ("x-twitter-response-tags", "x"),
];

/// Whatever the headers tell. Their values are texts, or lists of texts.
pub(super) fn told(headers: &Map<String, Value>) -> Told {
    let mut told = Told::default();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let known = TELLING.iter().find(|(telling, _)| *telling == name);
        told.provider = told.provider.or(known.map(|(_, provider)| *provider));
        if name == "www-authenticate" {
            let challenge = value.as_str().or_else(|| value[0].as_str()).unwrap_or_default();
            told.code = bearer_error(challenge);
            if challenge.contains("https://accounts.google.com") {
                told.provider = told.provider.or(Some("google"));
            }
        }
    }
    told
}

/// `Bearer realm="...", error="invalid_token"` (RFC 6750 section 3).
fn bearer_error(challenge: &str) -> Option<String> {
    let (_, rest) = challenge.split_once("error=")?;
    let word = rest.trim_start_matches('"').split(['"', ',', ' ']).next()?;
    (!word.is_empty()).then(|| word.to_owned())
}
