//! What evidence means that no row of the table knows: the general sense of its code or status.

use events::evidence::{Class, Evidence, Scope, Verdict};

use super::matcher::canonical;

/// The verdict without a rule.
pub(super) fn verdict(evidence: &Evidence) -> Verdict {
    let Evidence { provider, status, code, subcode, message, body } = evidence;
    let named = provider.is_some() || status.is_some() || code.is_some() || subcode.is_some();
    // Words that nobody knows are no reason to ask somebody to reauthorize: a gateway's page says
    // nothing of the credential.
    let class = if !named && message.is_none() && body.is_none() {
        Class::Auth
    } else {
        [subcode, code]
            .into_iter()
            .flatten()
            .find_map(|code| by_name(code))
            .or_else(|| by_number(evidence))
            .unwrap_or(Class::Unknown)
    };
    // By RFC 6749 section 5.2 these are about the client, whoever it acts for.
    let of_the_app =
        |code: &String| matches!(code.trim(), "invalid_client" | "unauthorized_client");
    let app = class == Class::Config && [subcode, code].into_iter().flatten().any(of_the_app);
    let scope = if app { Scope::App } else { scope(class) };
    Verdict { class, scope, rule: None }
}

/// Names that many providers share: OAuth (RFC 6749, RFC 6750, OpenID Connect), gRPC, and what the
/// network says.
fn by_name(code: &str) -> Option<Class> {
    match code.trim().to_ascii_lowercase().as_str() {
        "invalid_grant"
        | "invalid_token"
        | "login_required"
        | "interaction_required"
        | "unauthenticated" => Some(Class::Auth),
        "insufficient_scope" | "consent_required" | "permission_denied" => Some(Class::Permission),
        "invalid_client" | "unauthorized_client" => Some(Class::Config),
        "resource_exhausted" | "slow_down" => Some(Class::Rate),
        "temporarily_unavailable"
        | "server_error"
        | "unavailable"
        | "deadline_exceeded"
        | "internal"
        | "timeout"
        | "econnrefused"
        | "econnreset"
        | "etimedout"
        | "enotfound" => Some(Class::Transient),
        "invalid_request"
        | "invalid_scope"
        | "unsupported_grant_type"
        | "invalid_argument"
        | "failed_precondition"
        | "not_found" => Some(Class::Request),
        _ => None,
    }
}

fn by_number(evidence: &Evidence) -> Option<Class> {
    let provider = evidence.provider.as_deref().map(canonical).unwrap_or_default();
    let number = || evidence.code.as_deref()?.trim().get(..3)?.parse().ok();
    match &*provider {
        "smtp" => evidence.status.or_else(number).and_then(by_reply),
        // Graph's codes are numbers of their own.
        "meta" | "messenger" | "instagram" | "whatsapp" | "whatsapp-health" | "x" | "twilio" => {
            evidence.status.and_then(by_status)
        }
        _ => {
            let whole = || evidence.code.as_deref()?.trim().parse().ok();
            evidence.status.or_else(whole).and_then(by_status)
        }
    }
}

fn by_status(status: u16) -> Option<Class> {
    match status {
        401 => Some(Class::Auth),
        403 => Some(Class::Permission),
        429 => Some(Class::Rate),
        500..=599 => Some(Class::Transient),
        400 | 404 | 422 => Some(Class::Request),
        _ => None,
    }
}

/// SMTP's reply codes (RFC 5321, RFC 4954).
fn by_reply(reply: u16) -> Option<Class> {
    match reply {
        530 | 534 | 535 => Some(Class::Auth),
        400..=499 => Some(Class::Transient),
        500..=599 => Some(Class::Request),
        _ => None,
    }
}

fn scope(class: Class) -> Scope {
    match class {
        Class::Auth | Class::Permission => Scope::Account,
        Class::Request => Scope::Request,
        Class::UserAction
        | Class::Config
        | Class::Registration
        | Class::Policy
        | Class::Billing
        | Class::Rate
        | Class::Transient
        | Class::Recipient
        | Class::Webhook
        | Class::Conflict
        | Class::Disconnected
        | Class::Unknown => Scope::Unknown,
    }
}
