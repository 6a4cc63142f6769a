use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::http::testing::furnished;

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
