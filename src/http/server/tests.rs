use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::http::testing::furnished;

/// What the service answers at once to a POST of events with these headers and this body; the
/// client reads nothing before it has sent everything.
async fn posted(headers: &str, body: &[u8]) -> String {
    let service = furnished().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Arc::clone(&service.app);
    let serving = tokio::spawn(super::serve(listener, app, std::future::pending()));
    let mut client = TcpStream::connect(address).await.unwrap();
    let head = format!("POST /api/v1/accounts/1/events HTTP/1.1\r\nHost: relink\r\n{headers}\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(body).await.unwrap();
    let mut first = [0; 12];
    client.read_exact(&mut first).await.unwrap();
    serving.abort();
    String::from_utf8(first.to_vec()).unwrap()
}

#[tokio::test]
async fn whoever_sends_too_much_has_an_answer_all_the_same() {
    let body = vec![b' '; 16 << 20];
    let length = format!("Content-Length: {}\r\n", body.len());
    let token = "api_access_token: rl_administrator\r\n";
    assert_eq!(posted(&format!("{length}{token}"), &body).await, "HTTP/1.1 413");
    assert_eq!(posted(&length, &body).await, "HTTP/1.1 401");
    let chunk = [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    let chunked = format!("Transfer-Encoding: chunked\r\n{token}");
    assert_eq!(posted(&chunked, &chunk).await, "HTTP/1.1 413");
}

#[tokio::test]
async fn what_is_too_much_is_refused_before_it_is_sent() {
    let headers = "Content-Length: 5000000\r\nExpect: 100-continue\r\n\
        api_access_token: rl_administrator\r\n";
    assert_eq!(posted(headers, b"").await, "HTTP/1.1 413");
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_service_stops() {
    let service = furnished().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let app = Arc::clone(&service.app);
    let serving = tokio::spawn(super::serve(listener, app, async {
        let _ = stopped.await;
    }));
    let mut client = TcpStream::connect(address).await.unwrap();
    let head = "GET /api/v1/accounts/1/inboxes HTTP/1.1\r\nHost: relink\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(b"api_access_token: rl_administrator\r\n\r\n").await.unwrap();
    let mut first = [0; 15];
    client.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    stop.send(()).unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains(r#""id":42"#), "{rest}");
    serving.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
