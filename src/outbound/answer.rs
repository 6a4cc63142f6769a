//! What is kept of a receiver's answer, and what is made of it.

use std::time::Duration;

use actors::ports::Ended;
use events::Timestamp;
use events::delivery::{AttemptClass, Response};
use reqwest::StatusCode;
use reqwest::header::{LOCATION, RETRY_AFTER};

use super::failure::Failure;

/// No more of a body is read than this; the connection is given up with the rest.
const READ_BYTES_MAX: usize = 64 * 1024;
/// No more of a body is kept than this.
const KEPT_BYTES_MAX: usize = 1024;
const LOCATION_CHARS_MAX: usize = 512;

/// The beginning of a body.
#[derive(Debug, Default)]
pub(super) struct Kept {
    bytes: Vec<u8>,
    truncated: bool,
}

impl Kept {
    /// Reads the body to its end, so that its connection can serve the next attempt, unless it is
    /// too long. What came before an error stays.
    pub(super) async fn read(
        &mut self,
        response: &mut reqwest::Response,
    ) -> Result<(), reqwest::Error> {
        let mut seen = 0;
        while let Some(chunk) = response.chunk().await? {
            let room = KEPT_BYTES_MAX - self.bytes.len();
            self.bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
            self.truncated |= chunk.len() > room;
            seen += chunk.len();
            if seen >= READ_BYTES_MAX {
                break;
            }
        }
        Ok(())
    }

    /// How the attempt ended; `broken` tells why the body is not whole.
    pub(super) fn judge(
        self,
        response: &reqwest::Response,
        broken: Option<Failure>,
        now: Timestamp,
    ) -> Ended {
        let status = response.status();
        let kept = Response {
            status: status.as_u16(),
            body: String::from_utf8_lossy(&self.bytes).into_owned(),
            truncated: self.truncated,
        };
        let class = match (class(status), &broken) {
            (AttemptClass::Ok, None) => return Ended::Delivered(kept),
            (AttemptClass::Ok, Some(broken)) => broken.class,
            // A no is a no, however little of its reason came.
            (class, _) => class,
        };
        let mut detail = detail(status, response);
        if let Some(Failure { detail: broken, .. }) = broken {
            detail = format!("{detail}, but not to the end: {broken}");
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok());
        let retry_after = retry_after.and_then(|text| wait(text, now));
        Ended::Failed { class, detail, response: Some(kept), retry_after }
    }
}

/// What `Retry-After` says (RFC 9110, section 10.2.3): seconds, or a date; also with a fraction,
/// as some write it. None when it says neither.
fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_micros(date.as_microsecond()).since(now))
}

fn class(status: StatusCode) -> AttemptClass {
    match status.as_u16() {
        200..=299 => AttemptClass::Ok,
        401 | 403 => AttemptClass::Auth,
        410 => AttemptClass::Gone,
        429 => AttemptClass::Throttled,
        500..=599 => AttemptClass::Server,
        _ => AttemptClass::Client,
    }
}

fn detail(status: StatusCode, response: &reqwest::Response) -> String {
    match response.headers().get(LOCATION).filter(|_| status.is_redirection()) {
        Some(location) => {
            let location = String::from_utf8_lossy(location.as_bytes());
            let location: String = location.chars().take(LOCATION_CHARS_MAX).collect();
            format!("answered {status} to {location}, and redirects are not followed")
        }
        None => format!("answered {status}"),
    }
}

#[cfg(test)]
mod tests;
