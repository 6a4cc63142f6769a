//! Reads a report of evidence, and what a provider's raw answer in it says.

use std::borrow::Cow;

use events::evidence::Evidence;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::redact;

mod file;
mod headers;
mod raw;

pub use file::from_file;

const BODY_BYTES_MAX: usize = 4096;
const MESSAGE_BYTES_MAX: usize = 1024;
const WORD_BYTES_MAX: usize = 128;

/// A report that is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum BadReport {
    /// It is no JSON object, or a field of it has another type.
    #[error("the evidence cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The status is none of HTTP's, nor a reply code.
    #[error("status {0} is not between 100 and 999")]
    Status(i64),
}

/// The evidence in the body of a request:
/// `{"provider"?,"status"?,"code"?,"subcode"?,"message"?,"headers"?,"body"?}`. An empty body is
/// evidence too, of which nothing is known. What `headers` and `body`, the provider's raw answer,
/// say fills in what the other fields do not; credentials are taken out of the body, and it is cut
/// at 4 KiB. Headers are not kept. Fields of other names are skipped, whatever is in them.
///
/// # Errors
/// When the body of the request is something else.
pub fn evidence(request: &[u8]) -> Result<Evidence, BadReport> {
    let report = match request.trim_ascii() {
        b"" => Report::default(),
        json => Report::read(json)?,
    };
    report.evidence()
}

/// The request as it came. Fields of other names are nobody's business here and are not parsed:
/// a number that is too large in one, half a surrogate pair or deep nesting is no mistake. What is
/// not read cannot be wrong, and the request is at most 1 MiB.
#[derive(Debug, Default, Deserialize)]
struct Report {
    provider: Option<String>,
    status: Option<Scalar>,
    code: Option<Scalar>,
    subcode: Option<Scalar>,
    message: Option<String>,
    headers: Option<Value>,
    body: Option<Value>,
}

/// A number or a text: providers do not agree with each other, nor do their clients.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Number(i64),
    Text(String),
}

/// What a raw answer tells.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    provider: Option<&'static str>,
    status: Option<u16>,
    code: Option<String>,
    subcode: Option<String>,
    message: Option<String>,
}

impl Report {
    /// Nearly every report can be taken as it comes. Only what cannot is read again, field by
    /// field: that tells what is wrong with it, and one that is given twice counts as given last.
    fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        // A list would do for its fields as well.
        let object = str::from_utf8(json).ok().filter(|text| text.starts_with('{'));
        match object.and_then(|text| serde_json::from_str(text).ok()) {
            Some(report) => Ok(report),
            None => Self::object(serde_json::from_slice::<Map<String, Value>>(json)?),
        }
    }

    fn object(fields: Map<String, Value>) -> Result<Self, serde_json::Error> {
        serde_json::from_value(Value::Object(fields))
    }

    fn evidence(self) -> Result<Evidence, BadReport> {
        // An empty text is as good as none, as in the other fields.
        let blank = |body: &Value| body.as_str().is_some_and(|text| text.trim().is_empty());
        let mut body = self.body.filter(|body| !body.is_null() && !blank(body));
        // A raw answer often comes as the text that it was.
        if let Some(Value::String(text)) = &body
            && text.trim_start().starts_with('{')
            && let Ok(object @ Value::Object(_)) = serde_json::from_str(text)
        {
            body = Some(object);
        }
        let mut told = body.as_ref().map(raw::told).unwrap_or_default();
        if let Some(Value::Object(headers)) = &self.headers {
            let said = headers::told(headers);
            told.provider = told.provider.or(said.provider);
            told.code = told.code.or(said.code);
        }
        let (status, status_name) = match self.status {
            Some(status) => status.into_status()?,
            None => (None, None),
        };
        let code = word(self.code.map(Scalar::text)).or_else(|| word(status_name));
        // The answer's subcode refines the answer's code, and no other.
        let refines = code.is_none() || code == told.code;
        let subcode =
            word(self.subcode.map(Scalar::text)).or_else(|| word(told.subcode).filter(|_| refines));
        let code = code.or_else(|| word(told.code));
        // Who speaks matters only where there is something to look up.
        let tells = code.is_some() || status.is_some() || told.status.is_some();
        let inferred = told.provider.filter(|_| tells).map(str::to_owned);
        Ok(Evidence {
            provider: word(self.provider).or(inferred),
            status: status.or(told.status),
            code,
            subcode,
            message: message(self.message).or_else(|| message(told.message)),
            body: body.map(kept),
        })
    }
}

impl Scalar {
    fn text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }

    /// The status as a number, or else as the name that Google's services give it.
    fn into_status(self) -> Result<(Option<u16>, Option<String>), BadReport> {
        let text = self.text();
        match text.trim().parse::<i64>() {
            Ok(number @ 100..=999) => Ok((u16::try_from(number).ok(), None)),
            Ok(number) => Err(BadReport::Status(number)),
            Err(_) => Ok((None, Some(text))),
        }
    }
}

fn word(text: Option<String>) -> Option<String> {
    let text = text?;
    let redacted = redact::text(cut(text.trim(), WORD_BYTES_MAX));
    match redacted {
        _ if redacted.is_empty() => None,
        // Nothing was taken out or cut off.
        Cow::Borrowed(all) if all.len() == text.len() => Some(text),
        Cow::Borrowed(_) | Cow::Owned(_) => Some(cut(&redacted, WORD_BYTES_MAX).to_owned()),
    }
}

fn message(text: Option<String>) -> Option<String> {
    let text = text?;
    // Cut before, so that a megabyte is not searched; and behind, where a name is now longer.
    let redacted = redact::text(cut(text.trim(), 2 * MESSAGE_BYTES_MAX));
    (!redacted.is_empty()).then(|| cut(&redacted, MESSAGE_BYTES_MAX).to_owned())
}

fn kept(mut body: Value) -> String {
    let text = if let Value::String(text) = body {
        redact::text(cut(&text, 2 * BODY_BYTES_MAX)).into_owned()
    } else {
        redact::json(&mut body);
        body.to_string()
    };
    cut(&text, BODY_BYTES_MAX).to_owned()
}

/// The beginning of the text, of no more bytes than this, and of whole characters.
fn cut(text: &str, bytes_max: usize) -> &str {
    let fits = |end: &usize| text.is_char_boundary(*end);
    &text[..(0..=bytes_max.min(text.len())).rev().find(fits).unwrap_or(0)]
}

#[cfg(test)]
mod tests;
