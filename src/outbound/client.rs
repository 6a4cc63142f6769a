//! The HTTP client that all attempts share.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Client, redirect};

use super::address::Rules;
use super::resolve::Guarded;

/// More open connections to one host than this are closed after use; as many as one endpoint may
/// have attempts under way, or each attempt above would connect anew.
const IDLE_PER_HOST_MAX: usize = 64;
const IDLE_FOR_MAX: Duration = Duration::from_secs(60);
/// Over HTTP/2 all attempts to a host share one connection: one that is dead and does not say so
/// would cost each of them its whole timeout. So it is asked, and given up when it is silent.
const ASKED_EVERY: Duration = Duration::from_secs(20);
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// As many headers as [`headers`] has, and those that HTTP needs: `host` and `content-length`.
pub(super) const HEADERS: usize = 5;

/// What every attempt sends, whatever it delivers, where the endpoint's settings say nothing else.
pub(super) fn headers() -> [(HeaderName, HeaderValue); 3] {
    let json = HeaderValue::from_static("application/json");
    let agent = HeaderValue::from_static(concat!("Relink/", env!("CARGO_PKG_VERSION")));
    [(CONTENT_TYPE, json.clone()), (ACCEPT, json), (USER_AGENT, agent)]
}

/// Without redirects, which could lead anywhere; without the environment's proxy, behind which
/// nobody would check addresses; and without cookies.
pub(super) fn build(rules: Arc<Rules>) -> Result<Client, reqwest::Error> {
    Client::builder()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .pool_idle_timeout(IDLE_FOR_MAX)
        .http2_keep_alive_interval(ASKED_EVERY)
        .http2_keep_alive_timeout(ANSWERS_WITHIN)
        .dns_resolver(Guarded::by(rules))
        .build()
}
