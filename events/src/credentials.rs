//! Which names announce a credential: the one list for all who seal, redact or leave out.

use serde_json::Value;

/// Names that tell nothing by their parts: Twilio's and LINE's, and what holds credentials whole.
const WHOLE: [&str; 4] = ["providerconfig", "accountsid", "linechannelid", "certificate"];

/// Parts of a name that make it a credential's wherever they stand: `smtp_password`, `api_key_sid`.
const PARTS: [&str; 5] = ["password", "passwd", "secret", "apikey", "privatekey"];

/// Ends of such names: `page_access_token`, `Set-Cookie`. Further on they say something else, as
/// in `token_type`.
const ENDS: [&str; 5] = ["token", "authorization", "credentials", "cookie", "assertion"];

/// Whether a credential stands behind this name, however it is written: `access_token`,
/// `accessToken`, `X-Api-Key`.
pub fn is_name(name: &str) -> bool {
    let bare: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    WHOLE.contains(&bare.as_str())
        || PARTS.iter().any(|part| bare.contains(part))
        || ENDS.iter().any(|end| bare.ends_with(end))
}

/// Takes everything away that stands under such a name, at any depth. Says whether it did.
pub fn strip(value: &mut Value) -> bool {
    match value {
        Value::Object(fields) => {
            let before = fields.len();
            fields.retain(|name, _| !is_name(name));
            let fewer = fields.len() < before;
            // Each is to be looked at, also behind the first that was taken.
            fields.values_mut().filter_map(|field| strip(field).then_some(())).count() > 0 || fewer
        }
        Value::Array(items) => {
            items.iter_mut().filter_map(|item| strip(item).then_some(())).count() > 0
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests;
