//! The forms in which providers tell an error.

use serde_json::Value;

use super::Told;

/// What the raw answer tells, as far as its form is known.
pub(super) fn told(body: &Value) -> Told {
    let error = &body["error"];
    if let Some(text) = body.as_str() {
        Told { message: Some(text.to_owned()), ..Told::default() }
    } else if error.is_object() {
        nested(error)
    } else if let Some(error) = error.as_str() {
        named(body, error)
    } else {
        flat(body)
    }
}

/// `{"error":{...}}`: Meta, Google, OpenAI, Stripe, TikTok.
fn nested(error: &Value) -> Told {
    let message = text(&error["message"]);
    let code = scalar(&error["code"]);
    let graph = !error["fbtrace_id"].is_null() || !error["error_subcode"].is_null();
    if graph || error["type"] == "OAuthException" {
        let subcode = scalar(&error["error_subcode"]);
        return Told { provider: Some("meta"), code, subcode, message, ..Told::default() };
    }
    let reason = || {
        let reasons = ["errors", "details"].map(|list| text(&error[list][0]["reason"]));
        reasons.into_iter().flatten().next()
    };
    let number = error["code"].as_u64();
    match (text(&error["status"]), number) {
        // Google: the code is the HTTP status, the status is a gRPC name.
        (Some(name), _) => {
            let status = number.and_then(as_status);
            Told { status, code: Some(name), subcode: reason(), message, ..Told::default() }
        }
        (None, Some(number)) if error["errors"].is_array() => {
            let status = as_status(number);
            Told { status, code: reason().or(code), message, ..Told::default() }
        }
        (None, _) => {
            let code = code.or_else(|| text(&error["type"]));
            Told { code, message, ..Told::default() }
        }
    }
}

/// `{"error":"..."}`: Slack, and OAuth's token endpoints.
fn named(body: &Value, error: &str) -> Told {
    let provider = match () {
        () if body["ok"] == false => Some("slack"),
        () if body["error_codes"].is_array() => Some("microsoft"),
        () => None,
    };
    let subcode = scalar(&body["error_codes"][0]).map(|number| format!("AADSTS{number}"));
    let message = text(&body["error_description"]).or_else(|| text(&body["message"]));
    Told { provider, code: Some(error.to_owned()), subcode, message, ..Told::default() }
}

/// The code at the top: Telegram, Twilio, TikTok's business interface; or in a list: X, WhatsApp's
/// notifications.
fn flat(body: &Value) -> Told {
    let first = &body["errors"][0];
    if first.is_object() {
        let message = text(&first["message"]).or_else(|| text(&first["title"]));
        return Told { code: scalar(&first["code"]), message, ..Told::default() };
    }
    if body["ok"] == false && body["error_code"].is_u64() {
        let status = body["error_code"].as_u64().and_then(as_status);
        let (code, message) = (scalar(&body["error_code"]), text(&body["description"]));
        return Told { provider: Some("telegram"), status, code, message, ..Told::default() };
    }
    let status = body["status"].as_u64().and_then(as_status);
    Told { status, code: scalar(&body["code"]), message: text(&body["message"]), ..Told::default() }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn scalar(value: &Value) -> Option<String> {
    value.as_i64().map(|number| number.to_string()).or_else(|| text(value))
}

fn as_status(number: u64) -> Option<u16> {
    u16::try_from(number).ok().filter(|status| (100..=999).contains(status))
}
