//! What kind of failure an error of the HTTP client is, told by types and never by words.

use std::error::Error;
use std::io;

use events::delivery::AttemptClass;
use rustls::pki_types::UnixTime;

use super::address::Refused;
use super::resolve::Unresolvable;

/// An attempt without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) class: AttemptClass,
    pub(super) detail: String,
}

impl Failure {
    pub(super) fn ours(detail: String) -> Self {
        Self { class: AttemptClass::Ours, detail }
    }

    pub(super) fn blocked(detail: String) -> Self {
        Self { class: AttemptClass::Blocked, detail }
    }

    #[cfg(test)]
    pub(super) fn is_blocked(&self) -> bool {
        self.class == AttemptClass::Blocked
    }
}

/// The kind of failure behind this error, and its innermost words: the outer ones repeat the url,
/// which may hold a secret.
pub(super) fn of(error: &reqwest::Error) -> Failure {
    if error.is_builder() {
        return Failure::ours(format!("no request can be made: {}", innermost(error)));
    }
    let known = chain(error).find_map(|cause| known(cause).map(|class| (class, cause)));
    let (class, detail) = match known {
        Some((AttemptClass::Tls, cause)) => (AttemptClass::Tls, no_tls(cause)),
        Some((class, cause)) => (class, cause.to_string()),
        None if error.is_connect() => {
            (AttemptClass::Connect, format!("no connection: {}", innermost(error)))
        }
        None => (AttemptClass::Connect, format!("the connection broke: {}", innermost(error))),
    };
    Failure { class, detail }
}

/// A certificate that is out of its time is told with its date: rustls counts seconds.
fn no_tls(cause: &(dyn Error + 'static)) -> String {
    use rustls::CertificateError::{ExpiredContext, NotValidYetContext};
    let date = |time: &UnixTime| {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX)
    };
    match cause.downcast_ref() {
        Some(rustls::Error::InvalidCertificate(ExpiredContext { not_after, .. })) => {
            format!("no TLS: the certificate expired at {}", date(not_after))
        }
        Some(rustls::Error::InvalidCertificate(NotValidYetContext { not_before, .. })) => {
            format!("no TLS: the certificate is not valid before {}", date(not_before))
        }
        _ => format!("no TLS: {cause}"),
    }
}

fn known(cause: &(dyn Error + 'static)) -> Option<AttemptClass> {
    if cause.is::<Refused>() {
        Some(AttemptClass::Blocked)
    } else if cause.is::<Unresolvable>() {
        Some(AttemptClass::Dns)
    } else if cause.is::<rustls::Error>() {
        Some(AttemptClass::Tls)
    } else {
        let io = cause.downcast_ref::<io::Error>()?;
        (io.kind() == io::ErrorKind::TimedOut && io.get_ref().is_none())
            .then_some(AttemptClass::Timeout)
    }
}

fn innermost(error: &reqwest::Error) -> String {
    // A reqwest error without a cause is its own, and shows the url.
    match chain(error).skip(1).last() {
        Some(cause) => cause.to_string(),
        None => "the client does not say why".to_owned(),
    }
}

/// The error and all that is behind it. An I/O error hides what it wraps from `source`.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

#[cfg(test)]
mod tests;
