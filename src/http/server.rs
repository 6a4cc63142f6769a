//! Serves the routes on a socket, and stops when told.

mod rest;

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::Front;
use crate::app::App;

/// As many connections as are open at once; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 8_192;

/// As long as the head of a request may take to come.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// As long as requests under way may take when the service stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(3);

/// As long as accepting rests after it failed, when there are no file descriptors left.
const ACCEPT_AFTER: Duration = Duration::from_millis(100);

/// Serves until `shutdown` ends, then finishes the requests under way.
pub async fn serve(listener: TcpListener, app: Arc<App>, shutdown: impl Future<Output = ()>) {
    let front = Arc::new(Front::new(app.clone()));
    let (stop, stopping) = watch::channel(false);
    let limit = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, permit) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener, &limit) => accepted,
        };
        connections.spawn(converse(stream, permit, front.clone(), stopping.clone()));
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    stop.send_replace(true);
    app.stopping.send_replace(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_WITHIN, drained).await.is_err() {
        tracing::warn!("requests are still under way and are broken off");
        connections.shutdown().await;
    }
}

async fn accept(
    listener: &TcpListener,
    limit: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let permit = limit.clone().acquire_owned().await.expect("nobody closes it");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) => {
                tracing::warn!("no connection can be accepted: {error}");
                tokio::time::sleep(ACCEPT_AFTER).await;
            }
        }
    }
}

async fn converse(
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
    front: Arc<Front>,
    mut stopping: watch::Receiver<bool>,
) {
    // Answers are small and complete: waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("a connection waits to fill packets: {error}");
    }
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let front = front.clone();
        let request = rest::with_rest(request).map(Body::new);
        async move { Ok::<_, Infallible>(front.answer(request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection broke off: {error}");
    }
}

async fn told(stopping: &mut watch::Receiver<bool>) {
    // It fails when the sender is gone, which means to stop as well.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

#[cfg(test)]
mod tests;
