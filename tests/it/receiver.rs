//! A double of a subscriber: records what arrives, and answers as the test wishes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::relink::DEADLINE;

/// What the receiver answers on a path.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// This status.
    Status(u16),
    /// This status with a header.
    With(u16, &'static str, &'static str),
    /// 500 so often of a hundred times, 200 otherwise; as by chance, and in every run alike.
    Fails(u64),
    /// Nothing, for as long as the sender has patience.
    Hang,
}

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What it was answered; none when it was left hanging.
    pub(crate) answered: Option<u16>,
    pub(crate) at: Instant,
}

impl Arrival {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).to_str().unwrap()
    }

    /// The same on every attempt.
    pub(crate) fn delivery(&self) -> String {
        self.header("x-chatwoot-delivery").to_owned()
    }

    /// Chatwoot's signature of it under this secret.
    pub(crate) fn chatwoot_signature(&self, secret: &str) -> String {
        let stamp = self.header("x-chatwoot-timestamp");
        assert!(stamp.bytes().all(|byte| byte.is_ascii_digit()), "{stamp}");
        let mac = hmac(secret, &[stamp, "."], &self.body);
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256={hex}")
    }

    /// The signature of Standard Webhooks under this secret.
    pub(crate) fn standard_signature(&self, secret: &str) -> String {
        let (id, stamp) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        assert!(!id.contains('.'), "the id {id} would make two signed texts one");
        let mac = hmac(secret, &[id, ".", stamp, "."], &self.body);
        format!("v1,{}", BASE64.encode(mac))
    }

    /// Fails unless both signatures are right for the raw bytes under the webhook's secret.
    #[track_caller]
    pub(crate) fn check_signatures(&self, secret: &str) {
        assert_eq!(self.header("x-chatwoot-signature"), self.chatwoot_signature(secret));
        assert_eq!(self.header("webhook-signature"), self.standard_signature(secret));
    }
}

fn hmac(secret: &str, before: &[&str], body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    before.iter().for_each(|part| mac.update(part.as_bytes()));
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

/// A subscriber's server on a port of its own.
pub(crate) struct Receiver {
    address: String,
    board: Arc<Board>,
}

struct Board {
    arrivals: watch::Sender<Vec<Arrival>>,
    replies: Mutex<BTreeMap<String, Reply>>,
}

impl Receiver {
    /// Answers 200 everywhere until told otherwise.
    pub(crate) async fn start() -> Self {
        let board = Arc::new(Board {
            arrivals: watch::Sender::new(Vec::new()),
            replies: Mutex::new(BTreeMap::new()),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let app = Router::new().fallback(receive).with_state(Arc::clone(&board));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, board }
    }

    /// The url of a path here.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on, this on that path.
    pub(crate) fn answer(&self, path: &str, reply: Reply) {
        self.board.replies.lock().unwrap().insert(path.to_owned(), reply);
    }

    /// What has arrived so far, in order.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.board.arrivals.borrow().clone()
    }

    /// What has arrived on a path so far.
    pub(crate) fn arrivals_at(&self, path: &str) -> Vec<Arrival> {
        self.arrivals().into_iter().filter(|arrival| arrival.path == path).collect()
    }

    /// Waits until it is so; what has arrived by then.
    pub(crate) async fn until(&self, so: impl Fn(&[Arrival]) -> bool) -> Vec<Arrival> {
        self.until_within(DEADLINE, so).await
    }

    /// The same, where there is more to wait for.
    pub(crate) async fn until_within(
        &self,
        patience: Duration,
        so: impl Fn(&[Arrival]) -> bool,
    ) -> Vec<Arrival> {
        let mut arrivals = self.board.arrivals.subscribe();
        match timeout(patience, arrivals.wait_for(|arrivals| so(arrivals))).await {
            Ok(seen) => seen.unwrap().clone(),
            Err(_) => panic!("never so; {} arrived: {:#?}", self.arrivals().len(), self.arrivals()),
        }
    }

    /// Waits for as many arrivals.
    pub(crate) async fn expect(&self, count: usize) -> Vec<Arrival> {
        self.until(|arrivals| arrivals.len() >= count).await
    }

    /// Waits for as many arrivals on a path.
    pub(crate) async fn expect_at(&self, path: &str, count: usize) -> Vec<Arrival> {
        let here = |arrival: &&Arrival| arrival.path == path;
        self.until(|arrivals| arrivals.iter().filter(here).count() >= count).await;
        self.arrivals_at(path)
    }
}

async fn receive(
    State(board): State<Arc<Board>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let reply = board.replies.lock().unwrap().get(&path).cloned().unwrap_or(Reply::Status(200));
    let mut answered = None;
    board.arrivals.send_modify(|all| {
        answered = match reply {
            Reply::Status(status) | Reply::With(status, ..) => Some(status),
            Reply::Fails(percent) if chance(all.len() as u64) < percent => Some(500),
            Reply::Fails(_) => Some(200),
            Reply::Hang => None,
        };
        all.push(Arrival { path, headers, body, answered, at: Instant::now() });
    });
    let status = |code| StatusCode::from_u16(code).unwrap();
    match reply {
        Reply::Status(code) => (status(code), "said the receiver").into_response(),
        Reply::With(code, name, value) => {
            let header = (HeaderName::from_static(name), HeaderValue::from_static(value));
            (status(code), [header]).into_response()
        }
        Reply::Fails(_) => status(answered.unwrap_or(200)).into_response(),
        Reply::Hang => std::future::pending().await,
    }
}

/// A number below a hundred, from the finaliser of SplitMix64.
fn chance(seed: u64) -> u64 {
    let bits = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (bits ^ (bits >> 31)) % 100
}
