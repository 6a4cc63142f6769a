//! One answer a line, while the lines still come.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Waiting, Poll};

use actors::Context;
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_core::Stream;
use hyper::body::Frame;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use uuid::Uuid;

use super::lines::{Line, Lines};
use crate::app::App;
use crate::http::auth::Caller;
use crate::http::body::{BYTES_MAX, WITHIN};
use crate::http::problem::Problem;

/// As many events as are under way at once.
const UNDER_WAY_MAX: usize = 256;

/// As many bytes of answers as wait for a reader. Many clients read nothing before they have sent
/// everything: this is about a million lines of theirs.
const UNREAD_MAX: usize = 64 << 20;

type Answering = Pin<Box<dyn Future<Output = Bytes> + Send>>;

/// The body of the answer.
pub(super) struct Answers(mpsc::UnboundedReceiver<(Bytes, OwnedSemaphorePermit)>);

impl hyper::body::Body for Answers {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Waiting<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let next = self.0.poll_recv(cx);
        next.map(|answer| answer.map(|(bytes, _)| Ok(Frame::data(bytes))))
    }
}

/// The answers to all lines of `body`, in their order. It ends when the body ends or breaks off,
/// when no part of it comes in time, or when nobody reads any more.
pub(super) fn answer(app: Arc<App>, caller: Caller, context: Context, body: Body) -> Answers {
    let (sender, receiver) = mpsc::unbounded_channel();
    let out = Out { sender, room: Arc::new(Semaphore::new(UNREAD_MAX)) };
    let taker = Taker { app, caller, context, number: 0, under_way: VecDeque::new() };
    tokio::spawn(taker.run(body.into_data_stream(), out));
    Answers(receiver)
}

struct Out {
    sender: mpsc::UnboundedSender<(Bytes, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

impl Out {
    /// False when nobody reads any more.
    async fn send(&self, bytes: Bytes) -> bool {
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX).min(UNREAD_MAX as u32);
        let room = tokio::select! {
            biased;
            () = self.sender.closed() => return false,
            room = self.room.clone().acquire_many_owned(size) => room,
        };
        room.is_ok_and(|room| self.sender.send((bytes, room)).is_ok())
    }
}

struct Taker {
    app: Arc<App>,
    caller: Caller,
    context: Context,
    /// Of the line that was read last; the first is 1.
    number: usize,
    under_way: VecDeque<Answering>,
}

impl Taker {
    async fn run(mut self, mut body: BodyDataStream, out: Out) {
        let mut lines = Lines::default();
        let mut open = true;
        loop {
            while self.under_way.len() < UNDER_WAY_MAX
                && let Some(line) = lines.next()
            {
                self.take(line);
            }
            let full = self.under_way.len() >= UNDER_WAY_MAX;
            tokio::select! {
                biased;
                answer = first(&mut self.under_way), if !self.under_way.is_empty() => {
                    self.under_way.pop_front();
                    if !out.send(answer).await {
                        return;
                    }
                }
                part = timeout(WITHIN, next(&mut body)), if open && !full => match part {
                    Ok(Some(Ok(part))) => lines.push(&part),
                    // What came whole is taken; half a line is not.
                    Ok(Some(Err(_))) | Err(_) => open = false,
                    Ok(None) => {
                        open = false;
                        lines.end();
                    }
                },
                else => return,
            }
        }
    }

    fn take(&mut self, line: Line) {
        self.number += 1;
        let number = self.number;
        let event = match line {
            Line::TooLong => Err(Problem::TooLarge { what: "the line", limit: BYTES_MAX }),
            Line::Whole(line) if line.trim_ascii().is_empty() => return,
            Line::Whole(line) => super::read(&self.caller, &line),
        };
        let answering: Answering = match event {
            Ok(event) => {
                let context = self.context(number);
                let taken = super::receive(&self.app, &self.caller, context, event);
                let app = self.app.clone();
                Box::pin(async move {
                    match taken.await {
                        Ok(taken) => {
                            app.acknowledge(taken.position);
                            json(&taken)
                        }
                        Err(refused) => refusal(number, &refused.into()),
                    }
                })
            }
            Err(problem) => Box::pin(std::future::ready(refusal(number, &problem))),
        };
        self.under_way.push_back(answering);
    }

    fn context(&self, number: usize) -> Context {
        let Context { correlation, actor, account, .. } = self.context.clone();
        let id = match self.context.id.get_version_num() {
            5 => Uuid::new_v5(&self.context.id, &number.to_be_bytes()),
            _ => Uuid::new_v4(),
        };
        Context { id, correlation, actor, account, now: self.app.clock.now() }
    }
}

/// The answer that is due first; ready answers behind it wait.
async fn first(under_way: &mut VecDeque<Answering>) -> Bytes {
    match under_way.front_mut() {
        Some(answering) => answering.await,
        None => std::future::pending().await,
    }
}

async fn next(body: &mut BodyDataStream) -> Option<Result<Bytes, axum::Error>> {
    std::future::poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await
}

fn refusal(line: usize, problem: &Problem) -> Bytes {
    let mut refusal = problem.native_body();
    refusal["line"] = line.into();
    json(&refusal)
}

fn json(answer: &impl serde::Serialize) -> Bytes {
    let mut line = serde_json::to_vec(answer).expect("ids, numbers and texts are JSON");
    line.push(b'\n');
    line.into()
}
