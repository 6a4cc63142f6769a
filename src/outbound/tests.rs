//! A real socket in this process is the receiver.

use std::sync::Arc;
use std::time::Duration;

use actors::ports::{Attempt, Ended, Endpoint, Outbound};
use bytes::Bytes;
use events::delivery::{AttemptClass, Response};
use events::signing::SigningKeys;
use events::{AccountId, DeliveryId, EventId, Timestamp, WebhookId};
use uuid::Uuid;

use super::*;
use receiver::{Receiver, Then};

mod receiver;

const WEBHOOK: WebhookId = WebhookId(7);
const SECRET: &str = "abcdefghijkmnopqrstuvwxy";
/// Of [`attempt`]'s body at [`NOON`], computed with another library.
const CHATWOOT: &str = "3e33396cf3bb28b7dead76cdce289f74fd3e2d0a4e1e8f6611b2699e65f0c0ed";
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(150);

const NOON: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn outbound(allow: &[&str]) -> HttpOutbound {
    let settings = OutboundSettings {
        default_timeout: LONG,
        allow_private: allow.iter().map(|net| net.parse().unwrap()).collect(),
    };
    HttpOutbound::new(settings, Arc::new(vault())).unwrap()
}

fn vault() -> Vault {
    Vault::from_key([7; 32])
}

fn attempt(url: impl Into<String>, timeout: Option<Duration>) -> Attempt {
    Attempt {
        delivery: DeliveryId::of(EventId(Uuid::from_u128(1)), WEBHOOK),
        number: 1,
        at: NOON,
        event: "inbox_updated".to_owned(),
        body: Bytes::from_static(br#"{"event":"inbox_updated"}"#),
        endpoint: Arc::new(Endpoint {
            id: WEBHOOK.into(),
            account: AccountId(1),
            url: url.into(),
            keys: SigningKeys::of(vault().seal(&secret_context(WEBHOOK), SECRET.as_bytes())),
            headers: vec![],
            timeout,
            concurrency: None,
            retry_schedule: None,
            rate_per_second: None,
        }),
    }
}

async fn call(url: impl Into<String>) -> Ended {
    outbound(&["127.0.0.0/8"]).attempt(attempt(url, None)).await.ended
}

async fn call_briefly(url: impl Into<String>) -> Ended {
    outbound(&["127.0.0.0/8"]).attempt(attempt(url, Some(SHORT))).await.ended
}

fn failed(ended: Ended) -> (AttemptClass, String, Option<Response>) {
    match ended {
        Ended::Failed { class, detail, response, .. } => (class, detail, response),
        Ended::Delivered(response) => panic!("delivered: {response:?}"),
    }
}

#[tokio::test]
async fn where_the_connection_led_to_is_told_also_when_the_answer_is_no() {
    for status in ["200 OK", "503 Service Unavailable"] {
        let receiver = Receiver::answering(status, "", "").await;
        let url = receiver.url("http", "/");
        let made = outbound(&["127.0.0.0/8"]).attempt(attempt(url.clone(), None)).await;
        assert_eq!(made.address.map(|it| format!("http://{it}/")), Some(url));
    }
    let nobody = outbound(&["127.0.0.0/8"]).attempt(attempt("http://127.0.0.1:1/", None)).await;
    assert_eq!(nobody.address, None);
}

#[tokio::test]
async fn a_delivery_arrives_byte_for_byte_signed_both_ways() {
    let receiver = Receiver::answering("200 OK", "", "thanks").await;
    let ended = call(receiver.url("http", "/hook?x=1")).await;
    let kept = Response { status: 200, body: "thanks".to_owned(), truncated: false };
    assert_eq!(ended, Ended::Delivered(kept));
    let request = receiver.request().await;
    assert!(request.starts_with("POST /hook?x=1 HTTP/1.1\r\n"));
    assert!(request.ends_with("\r\n\r\n{\"event\":\"inbox_updated\"}"));
    let id = DeliveryId::of(EventId(Uuid::from_u128(1)), WEBHOOK).to_string();
    let headers = [
        "content-type: application/json".to_owned(),
        "accept: application/json".to_owned(),
        format!("user-agent: Relink/{}", env!("CARGO_PKG_VERSION")),
        format!("x-chatwoot-delivery: {id}"),
        "x-chatwoot-timestamp: 1700000000".to_owned(),
        format!("x-chatwoot-signature: sha256={CHATWOOT}"),
        format!("webhook-id: {id}"),
        "webhook-timestamp: 1700000000".to_owned(),
        "webhook-signature: v1,c+K/ZMp+Mv4OUKn8RH0zgaJaGtzDHqEGIT+MvRKVV9I=".to_owned(),
    ];
    for header in headers {
        assert!(request.contains(&format!("\r\n{header}\r\n")), "{header} is not in {request}");
    }
}

#[tokio::test]
async fn each_status_has_its_class() {
    for (line, class) in [
        ("204 No Content", AttemptClass::Ok),
        ("304 Not Modified", AttemptClass::Client),
        ("400 Bad Request", AttemptClass::Client),
        ("401 Unauthorized", AttemptClass::Auth),
        ("403 Forbidden", AttemptClass::Auth),
        ("404 Not Found", AttemptClass::Client),
        ("410 Gone", AttemptClass::Gone),
        ("429 Too Many Requests", AttemptClass::Throttled),
        ("500 Internal Server Error", AttemptClass::Server),
        ("503 Service Unavailable", AttemptClass::Server),
    ] {
        let receiver = Receiver::answering(line, "", "").await;
        match call(receiver.url("http", "/")).await {
            Ended::Delivered(_) => assert_eq!(class, AttemptClass::Ok, "{line}"),
            Ended::Failed { class: found, detail, response, .. } => {
                assert_eq!((found, detail), (class, format!("answered {line}")));
                assert!(
                    response.is_some_and(|response| line.starts_with(&response.status.to_string()))
                );
            }
        }
    }
}

#[tokio::test]
async fn a_redirect_is_a_failure_that_names_its_target() {
    let target = Receiver::answering("200 OK", "", "").await;
    let location = target.url("http", "/elsewhere");
    let receiver =
        Receiver::answering("302 Found", &format!("location: {location}\r\n"), "moved").await;
    let (class, detail, response) = failed(call(receiver.url("http", "/")).await);
    assert_eq!(class, AttemptClass::Client);
    assert!(detail.contains(&location), "{detail}");
    assert_eq!(response.unwrap().body, "moved");
    assert_eq!(target.accepted(), 0);
}

#[tokio::test]
async fn an_endpoint_that_never_answers_is_given_up_in_time() {
    let receiver = Receiver::raw("", Then::Hang).await;
    let (class, detail, response) = failed(call_briefly(receiver.url("http", "/")).await);
    assert_eq!((class, response), (AttemptClass::Timeout, None));
    assert_eq!(detail, "the exchange took longer than 150ms");
}

#[tokio::test]
async fn a_timeout_without_measure_is_cut() {
    let receiver = Receiver::answering("200 OK", "", "").await;
    let attempt = attempt(receiver.url("http", "/"), Some(Duration::MAX));
    let ended = outbound(&["127.0.0.0/8"]).attempt(attempt).await.ended;
    assert!(matches!(ended, Ended::Delivered(_)), "{ended:?}");
}

#[tokio::test]
async fn the_time_limit_includes_the_body() {
    let begun = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun";
    for then in [Then::Hang, Then::Drip] {
        let receiver = Receiver::raw(begun, then).await;
        let (class, _, response) = failed(call_briefly(receiver.url("http", "/")).await);
        assert_eq!(class, AttemptClass::Timeout);
        let response = response.unwrap();
        assert_eq!(response.status, 200);
        assert!(response.body.starts_with("begun"));
    }
}

#[tokio::test]
async fn a_long_body_is_cut_while_it_is_read() {
    let receiver = Receiver::answering("200 OK", "", &"a\u{e9}".repeat(3_500_000)).await;
    match call(receiver.url("http", "/")).await {
        Ended::Delivered(Response { body, truncated, .. }) => {
            assert!(truncated);
            assert_eq!(body.chars().filter(|char| *char == 'a').count(), 342);
        }
        Ended::Failed { detail, .. } => panic!("failed: {detail}"),
    }
    assert!(receiver.was_left().await, "the connection is given up with the rest of the body");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_connection_failure() {
    let receiver =
        Receiver::raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun", Then::Close).await;
    let (class, detail, response) = failed(call(receiver.url("http", "/")).await);
    assert_eq!(class, AttemptClass::Connect);
    assert!(detail.starts_with("answered 200 OK, but not to the end"), "{detail}");
    assert_eq!(response.unwrap().body, "begun");
}

#[tokio::test]
async fn a_no_whose_reason_breaks_off_is_still_that_no() {
    let stalled = |status: &str| {
        format!("HTTP/1.1 {status}\r\nretry-after: 7\r\ncontent-length: 100\r\n\r\nbegun")
    };
    for (status, class) in [
        ("410 Gone", AttemptClass::Gone),
        ("429 Too Many Requests", AttemptClass::Throttled),
        ("401 Unauthorized", AttemptClass::Auth),
        ("503 Service Unavailable", AttemptClass::Server),
    ] {
        let receiver = Receiver::raw(&stalled(status), Then::Hang).await;
        match call_briefly(receiver.url("http", "/")).await {
            Ended::Failed { class: found, detail, response, retry_after } => {
                assert_eq!(found, class, "{detail}");
                assert!(detail.contains("but not to the end"), "{detail}");
                assert_eq!(response.unwrap().body, "begun");
                assert_eq!(retry_after, Some(Duration::from_secs(7)));
            }
            Ended::Delivered(response) => panic!("delivered: {response:?}"),
        }
    }
}

#[tokio::test]
async fn a_refused_connection_says_so() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (class, detail, response) = failed(call(format!("http://{address}/secret-path")).await);
    assert_eq!((class, response), (AttemptClass::Connect, None));
    assert!(detail.starts_with("no connection: Connection refused"), "{detail}");
    assert!(!detail.contains("secret-path"));
}

#[tokio::test]
async fn loopback_is_blocked_unless_it_is_allowed() {
    let receiver = Receiver::answering("200 OK", "", "").await;
    let port = receiver.port();
    for host in ["127.0.0.1", "localhost", "[::1]", "2130706433"] {
        let url = format!("http://{host}:{port}/");
        let (class, detail, _) = failed(outbound(&[]).attempt(attempt(url, None)).await.ended);
        assert_eq!(class, AttemptClass::Blocked, "{host}: {detail}");
        assert!(detail.contains("loopback"), "{detail}");
    }
    assert_eq!(receiver.accepted(), 0);
    let named = call(format!("http://localhost:{port}/")).await;
    assert!(matches!(named, Ended::Delivered(_)), "{named:?}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told_from_one_that_may_not_be_reached() {
    let (class, detail, _) = failed(call("http://nothing.invalid/").await);
    assert_eq!(class, AttemptClass::Dns);
    assert!(detail.starts_with("nothing.invalid does not resolve: "), "{detail}");
}

#[tokio::test]
async fn a_server_without_tls_is_a_tls_failure() {
    let receiver = Receiver::raw("HTTP/1.1 400 Bad Request\r\n\r\n", Then::Close).await;
    let (class, detail, _) = failed(call(receiver.url("https", "/")).await);
    assert_eq!(class, AttemptClass::Tls);
    assert!(detail.starts_with("no TLS: "), "{detail}");
}

#[tokio::test]
async fn connections_are_used_again() {
    let receiver =
        Receiver::raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", Then::Again).await;
    let outbound = outbound(&["127.0.0.0/8"]);
    for _ in 0..3 {
        let ended = outbound.attempt(attempt(receiver.url("http", "/"), None)).await.ended;
        assert!(matches!(ended, Ended::Delivered(_)), "{ended:?}");
    }
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn a_secret_that_cannot_be_opened_is_our_fault() {
    let mut attempt = attempt("http://127.0.0.1:9/", None);
    Arc::make_mut(&mut attempt.endpoint).keys =
        SigningKeys::of(Vault::from_key([8; 32]).seal("elsewhere", b"x"));
    let (class, detail, _) = failed(outbound(&["127.0.0.0/8"]).attempt(attempt).await.ended);
    assert_eq!(class, AttemptClass::Ours);
    assert!(detail.starts_with("cannot sign: sealed under key "), "{detail}");
}
