//! A server of one answer, as rude as a test needs it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What follows the answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Then {
    Close,
    Hang,
    /// A byte now and then, for ever.
    Drip,
    /// The same answer to the next request on this connection.
    Again,
}

pub(super) struct Receiver {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    requests: mpsc::UnboundedReceiver<String>,
    left: mpsc::UnboundedReceiver<bool>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub(super) async fn answering(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        );
        Self::raw(&answer, Then::Close).await
    }

    pub(super) async fn raw(answer: &str, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let (request, requests) = mpsc::unbounded_channel();
        let (leave, left) = mpsc::unbounded_channel();
        let answer = Arc::new(answer.to_owned());
        let count = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (request, leave) = (request.clone(), leave.clone());
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let left = serve(stream, &answer, then, &request).await.is_err();
                    leave.send(left).ok();
                });
            }
        });
        Self { address, accepted, requests, left, task }
    }

    pub(super) fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{}{path}", self.address)
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// The next request, with its body.
    pub(super) async fn request(mut self) -> String {
        self.requests.recv().await.unwrap()
    }

    /// Whether the other side left before it had the whole answer.
    pub(super) async fn was_left(mut self) -> bool {
        self.left.recv().await.unwrap()
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: &str,
    then: Then,
    request: &mpsc::UnboundedSender<String>,
) -> std::io::Result<()> {
    loop {
        let Some(read) = read(&mut stream).await? else { return Ok(()) };
        request.send(read).ok();
        stream.write_all(answer.as_bytes()).await?;
        match then {
            Then::Close => return stream.shutdown().await,
            Then::Hang => std::future::pending().await,
            Then::Drip => {
                // Sockets know no paused time: this is the pace of the bytes, nobody waits for it.
                let mut pace = tokio::time::interval(Duration::from_millis(5));
                loop {
                    pace.tick().await;
                    stream.write_all(b".").await?;
                }
            }
            Then::Again => {}
        }
    }
}

/// One request; none when the other side has no more, or speaks something else.
async fn read(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut request = Vec::new();
    loop {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(None);
        }
        // The first byte of a TLS handshake.
        if request[0] == 0x16 {
            return Ok(Some(String::new()));
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            return Ok(Some(text));
        }
    }
}
