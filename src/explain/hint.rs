//! One line for a person about each kind of failure: what to look at first.

use events::EndpointId;
use events::delivery::{AttemptClass, DisableRule, Standing, Tally, WebhookStatus};

/// What to do about an endpoint that is as this tells; none when nothing is to be done.
pub fn next_action(endpoint: EndpointId, tally: &Tally) -> Option<String> {
    let standing = &tally.health.standing;
    let class = if let Standing::Disabled { rule: DisableRule::Gone, .. } = standing {
        Some(AttemptClass::Gone)
    } else if tally.action_needed_since.is_some() {
        Some(AttemptClass::Auth)
    } else {
        tally.cause.filter(|_| tally.status != WebhookStatus::Healthy)
    };
    match (class.and_then(|class| hint(endpoint, class)), standing.holds()) {
        (None, false) => None,
        (Some(mend), false) => Some(mend.to_owned()),
        (None, true) => Some("what it is owed is held until somebody enables it".to_owned()),
        (Some(mend), true) => {
            Some(format!("{mend}; what it is owed is held until somebody enables it"))
        }
    }
}

/// What to do about an attempt of this class; none when nothing is to be done.
pub fn hint(endpoint: EndpointId, class: AttemptClass) -> Option<&'static str> {
    match endpoint {
        EndpointId::Webhook(_) | EndpointId::Inbox(_) => of_webhook(class),
        EndpointId::Mail(_) => of_mail(class),
    }
}

fn of_mail(class: AttemptClass) -> Option<&'static str> {
    Some(match class {
        AttemptClass::Ok => return None,
        AttemptClass::Client | AttemptClass::Gone | AttemptClass::Blocked => {
            "the mail server refuses the mail, or whom it is for: its answer says why"
        }
        AttemptClass::Auth => {
            "the mail server wants another user or password than RELINK_SMTP_URL or SMTP_USERNAME \
             and SMTP_PASSWORD say"
        }
        AttemptClass::Throttled | AttemptClass::Server => {
            "the mail server puts the mail off: its answer says why"
        }
        AttemptClass::Timeout | AttemptClass::Dns | AttemptClass::Connect => {
            "the mail server is not reached: check host and port in RELINK_SMTP_URL, or \
             SMTP_ADDRESS and SMTP_PORT"
        }
        AttemptClass::Tls => "the certificate or the TLS settings of the mail server are at fault",
        AttemptClass::Ours => "the fault is ours: look into the log of this service",
    })
}

fn of_webhook(class: AttemptClass) -> Option<&'static str> {
    Some(match class {
        AttemptClass::Ok => return None,
        AttemptClass::Client => {
            "the receiver refuses the request: its answer says why; a redirect is not followed, \
             so set the new url"
        }
        AttemptClass::Auth => {
            "the receiver wants another credential: compare its signing secret, and \
             delivery.headers"
        }
        AttemptClass::Gone => "the receiver says that it is gone for good: remove the webhook",
        AttemptClass::Throttled => {
            "the receiver wants fewer: set delivery.rate_per_second or delivery.concurrency"
        }
        AttemptClass::Server => "the receiver fell over: look into its log at this time",
        AttemptClass::Timeout => {
            "the receiver takes too long: it should answer 2xx first and work afterwards"
        }
        AttemptClass::Dns => "the name does not resolve: check the url and the zone",
        AttemptClass::Connect => "nobody listens, or the connection broke: check host and port",
        AttemptClass::Tls => "the certificate or the TLS settings of the receiver are at fault",
        AttemptClass::Blocked => {
            "the address is not public: RELINK_ALLOW_PRIVATE names networks that may be reached"
        }
        AttemptClass::Ours => "the fault is ours: look into the log of this service",
    })
}
