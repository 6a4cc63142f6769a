//! A provider's answer as somebody saved it: a report, a whole HTTP answer, its body, or a line of
//! a mail server.

use events::evidence::Evidence;
use serde_json::{Map, Value};

use super::{BadReport, Report};

/// The fields of a report; an object with none of them is a provider's own.
const FIELDS: [&str; 7] = ["provider", "status", "code", "subcode", "message", "headers", "body"];

/// The evidence in such a file. `provider` says whose it is where the file does not.
///
/// # Errors
/// When it is a report with fields of other types.
pub fn from_file(text: &str, provider: Option<&str>) -> Result<Evidence, BadReport> {
    let text = text.trim();
    let mut report = match text.strip_prefix("HTTP/") {
        Some(rest) => http(rest),
        None => match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(fields) if is_report(&fields) => Report::object(fields)?,
            Ok(fields) => Report { body: Some(Value::Object(fields)), ..Report::default() },
            Err(_) => line(text),
        },
    };
    report.provider = report.provider.or_else(|| provider.map(str::to_owned));
    report.evidence()
}

/// Providers have fields of these names too, but then others beside them.
fn is_report(fields: &Map<String, Value>) -> bool {
    let own = |name: &String| FIELDS.contains(&name.as_str());
    !fields.is_empty() && (fields.keys().all(own) || fields.contains_key("body"))
}

/// What stands behind `HTTP/`: the status line, headers, an empty line and the body.
fn http(rest: &str) -> Report {
    let (head, body) =
        rest.split_once("\r\n\r\n").or_else(|| rest.split_once("\n\n")).unwrap_or((rest, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split_whitespace().nth(1));
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers: Map<String, Value> =
        headers.map(|(name, value)| (name.trim().to_owned(), Value::from(value.trim()))).collect();
    let body = body.trim();
    Report {
        status: status.map(|status| super::Scalar::Text(status.to_owned())),
        headers: Some(Value::Object(headers)),
        body: (!body.is_empty()).then(|| Value::from(body)),
        ..Report::default()
    }
}

/// A line of an IMAP or SMTP server, where it looks like one.
fn line(text: &str) -> Report {
    let smtp = text.len() > 3
        && text.as_bytes()[..3].iter().all(u8::is_ascii_digit)
        && matches!(text.as_bytes()[3], b' ' | b'-');
    let imap = text.split_whitespace().take(2).any(|word| word == "NO" || word == "BYE");
    let provider = match (smtp, imap) {
        (true, _) => Some("smtp".to_owned()),
        (false, true) => Some("imap".to_owned()),
        (false, false) => None,
    };
    let body = (!text.is_empty()).then(|| Value::from(text));
    Report { provider, body, ..Report::default() }
}

#[cfg(test)]
mod tests;
