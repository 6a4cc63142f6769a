//! One line for a person about each kind of failure: what to look at first.

use events::delivery::AttemptClass;

/// What to do about an attempt of this class; none when nothing is to be done.
pub fn hint(class: AttemptClass) -> Option<&'static str> {
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
