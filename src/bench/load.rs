//! Many connections, each with one request under way at a time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Builds the nth request of a connection.
pub(super) type Make = Arc<dyn Fn(usize, u64) -> Request<Full<Bytes>> + Send + Sync>;

/// When a connection stops.
#[derive(Debug, Clone, Copy)]
pub(super) enum For {
    /// After this time.
    Time(Duration),
    /// After so many requests.
    Requests(u64),
}

/// Answered requests per second over all connections.
pub(super) async fn drive(
    address: &str,
    connections: usize,
    until: For,
    make: &Make,
) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|index| tokio::spawn(one(address.to_owned(), index, begin, until, make.clone())))
        .collect();
    let mut answered = 0;
    for task in tasks {
        answered += task.await.context("a connection fell over")??;
    }
    Ok(answered as f64 / begin.elapsed().as_secs_f64())
}

async fn one(
    address: String,
    index: usize,
    begin: Instant,
    until: For,
    make: Make,
) -> anyhow::Result<u64> {
    let stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut answered = 0;
    loop {
        match until {
            For::Time(time) if begin.elapsed() >= time => break,
            For::Requests(count) if answered >= count => break,
            For::Time(_) | For::Requests(_) => {}
        }
        sender.ready().await?;
        let response = sender.send_request(make(index, answered)).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
        answered += 1;
    }
    drop(sender);
    connection.await??;
    Ok(answered)
}
