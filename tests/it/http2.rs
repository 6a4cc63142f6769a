//! Deliveries to a receiver that offers HTTP/2: over it, on one connection, and to no other place.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, version};

use crate::relink::{DEADLINE, Place};
use crate::steps::{message, register_account, subscribe};

const AUTHORITY: &[u8] = include_bytes!("../fixtures/tls/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../fixtures/tls/server.pem");
const KEY: &[u8] = include_bytes!("../fixtures/tls/server.key");

/// A server of `localhost` that the fixture's authority vouches for.
struct Server {
    port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: Mutex<usize>,
    requests: watch::Sender<Vec<Version>>,
}

fn acceptor(protocols: &[&[u8]]) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_protocol_versions(&[&version::TLS13]).unwrap();
    let mut config =
        builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

impl Server {
    async fn start(protocols: &[&[u8]]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, acceptor) = (Arc::<Seen>::default(), acceptor(protocols));
        let told = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *told.connections.lock().unwrap() += 1;
                tokio::spawn(serve(acceptor.clone(), stream, told.clone()));
            }
        });
        Self { port, seen }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/hook", self.port)
    }

    /// By which version of HTTP each of so many came.
    async fn expect(&self, count: usize) -> Vec<Version> {
        let mut requests = self.seen.requests.subscribe();
        let enough = requests.wait_for(|requests| requests.len() >= count);
        timeout(DEADLINE, enough).await.expect("they come").unwrap().clone()
    }

    fn connections(&self) -> usize {
        *self.seen.connections.lock().unwrap()
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, seen: Arc<Seen>) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let take = |request: Request<Incoming>| {
        let seen = seen.clone();
        async move {
            let version = request.version();
            request.into_body().collect().await.unwrap();
            seen.requests.send_modify(|requests| requests.push(version));
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
        }
    };
    let builder = Builder::new(TokioExecutor::new());
    builder.serve_connection(TokioIo::new(stream), service_fn(take)).await.ok();
}

/// Trusts the fixture's authority as it trusts those of the machine.
fn place() -> Place {
    let place = Place::new();
    let authority = place.file("ca.pem", AUTHORITY);
    place.set("SSL_CERT_FILE", authority.to_str().unwrap())
}

#[tokio::test]
async fn deliveries_go_over_http_2_on_one_connection_where_it_is_offered() {
    let place = place();
    let (relink, server) = (place.serve().await, Server::start(&[b"h2", b"http/1.1"]).await);
    let api = relink.api();
    register_account(&api).await;
    subscribe(&api, &server.url(), &["message_created"]).await;
    // Only now is it known that one connection is enough.
    message(&api, "the first").await;
    server.expect(1).await;
    for _ in 0..40 {
        message(&api, "another").await;
    }
    assert_eq!(server.expect(41).await, [Version::HTTP_2; 41]);
    assert_eq!(server.connections(), 1);
    place.written("delivery.delivered", 41).await;
}

#[tokio::test]
async fn connections_are_used_again_where_only_http_1_1_is_offered() {
    let place = place();
    let (relink, server) = (place.serve().await, Server::start(&[b"http/1.1"]).await);
    let api = relink.api();
    register_account(&api).await;
    subscribe(&api, &server.url(), &["message_created"]).await;
    for count in 1..=20 {
        message(&api, "one by one").await;
        place.written("delivery.delivered", count).await;
    }
    assert_eq!(server.expect(20).await, [Version::HTTP_11; 20]);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_name_is_checked_against_the_address_rules_when_it_is_connected_to() {
    let place = place().unset("RELINK_ALLOW_PRIVATE");
    let (relink, server) = (place.serve().await, Server::start(&[b"h2"]).await);
    let api = relink.api();
    register_account(&api).await;
    let webhook = subscribe(&api, &server.url(), &["message_created"]).await;
    message(&api, "hello").await;
    let seen = place.written("delivery.abandoned", 1).await;
    let path = format!("/webhooks/{}/deliveries?consistent_to={seen}", webhook["id"]);
    let listed = api.get(&path).await.json(200);
    assert_eq!(listed["deliveries"][0]["last_class"], json!("blocked"), "{listed}");
    assert_eq!(server.connections(), 0);
}
