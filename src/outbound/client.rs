//! The HTTP client that all attempts share.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, redirect};

use super::address::Rules;
use super::resolve::Guarded;

/// More open connections to one host than this are closed after use; as many as one endpoint may
/// have attempts under way, or each attempt above would connect anew.
const IDLE_PER_HOST_MAX: usize = 64;
const IDLE_FOR_MAX: Duration = Duration::from_secs(60);

/// Without redirects, which could lead anywhere; without the environment's proxy, behind which
/// nobody would check addresses; and without cookies.
pub(super) fn build(rules: Arc<Rules>) -> Result<Client, reqwest::Error> {
    let json = HeaderValue::from_static("application/json");
    Client::builder()
        .user_agent(concat!("Relink/", env!("CARGO_PKG_VERSION")))
        .default_headers(HeaderMap::from_iter([(CONTENT_TYPE, json.clone()), (ACCEPT, json)]))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .pool_idle_timeout(IDLE_FOR_MAX)
        .dns_resolver(Guarded::by(rules))
        .build()
}
