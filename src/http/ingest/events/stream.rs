//! One answer a line, while the lines still come.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actors::Context;
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use events::platform::EventReceived;
use futures_core::Stream;
use tokio::time::timeout;
use uuid::Uuid;

use super::earlier::Earlier;
use super::lines::{Line, Lines};
use super::unread::{Answers, Out, Room};
use crate::app::App;
use crate::http::auth::Caller;
use crate::http::body::{self, BYTES_MAX, WITHIN};
use crate::http::idempotency::Unsettled;
use crate::http::problem::Problem;

/// As many events as are under way at once.
const UNDER_WAY_MAX: usize = 256;

type Answering = Pin<Box<dyn Future<Output = Bytes> + Send>>;

/// On whose behalf lines are taken, and what is known of them.
pub(super) struct Desk {
    pub(super) app: Arc<App>,
    pub(super) caller: Caller,
    pub(super) context: Context,
    pub(super) earlier: Earlier,
    /// Told of refusals that may pass.
    pub(super) unsettled: Unsettled,
}

/// The answers to all lines of `body`, in their order. It ends when the body ends, or when nobody
/// reads any more. When the body breaks off, or no part of it comes in time, that is the answer to
/// the line which did not come.
pub(super) fn answer(desk: Desk, room: Room, body: Body) -> Answers {
    let (out, answers) = room.open();
    let taker = Taker { desk, number: 0, under_way: VecDeque::new() };
    tokio::spawn(taker.run(body.into_data_stream(), out));
    answers
}

struct Taker {
    desk: Desk,
    /// Of the line that was read last; the first is 1.
    number: usize,
    under_way: VecDeque<Answering>,
}

impl Taker {
    async fn run(mut self, mut parts: BodyDataStream, out: Out) {
        let mut lines = Lines::default();
        let mut open = true;
        let mut broken = None;
        loop {
            while self.under_way.len() < UNDER_WAY_MAX
                && let Some(line) = lines.next()
            {
                self.take(line);
            }
            if self.under_way.len() < UNDER_WAY_MAX
                && let Some(problem) = broken.take()
            {
                self.refuse(problem);
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
                part = timeout(WITHIN, next(&mut parts)), if open && !full => match part {
                    Ok(Some(Ok(part))) => lines.push(&part),
                    // What came whole is taken; half a line is not.
                    Ok(Some(Err(_))) => (open, broken) = (false, Some(body::broken_off())),
                    Err(_) => (open, broken) = (false, Some(Problem::Slow)),
                    Ok(None) => {
                        open = false;
                        lines.end();
                    }
                },
                else => return out.end().await,
            }
        }
    }

    fn take(&mut self, line: Line) {
        self.number += 1;
        let number = self.number;
        let event = match line {
            Line::TooLong => Err(Problem::TooLarge { what: "the line", limit: BYTES_MAX }),
            Line::Whole(line) if line.trim_ascii().is_empty() => return,
            Line::Whole(_) if !self.desk.caller.is_still_known(&self.desk.app) => {
                Err(Problem::BadToken)
            }
            Line::Whole(line) => super::read(&self.desk.app, &self.desk.caller, &line),
        };
        let answering = match event {
            Ok(event) => self.receive(event),
            Err(problem) => Box::pin(std::future::ready(refusal(number, &problem))),
        };
        self.under_way.push_back(answering);
    }

    fn refuse(&mut self, problem: Problem) {
        self.number += 1;
        self.under_way.push_back(Box::pin(std::future::ready(refusal(self.number, &problem))));
    }

    fn receive(&self, event: EventReceived) -> Answering {
        let Desk { app, caller, earlier, unsettled, .. } = &self.desk;
        let (number, context) = (self.number, self.context());
        if let Some(taken) = earlier.of(context.id) {
            return Box::pin(std::future::ready(json(&taken)));
        }
        let taken = super::receive(app, caller, context, event);
        let (app, unsettled) = (app.clone(), unsettled.clone());
        Box::pin(async move {
            match taken.await.map_err(Problem::from) {
                Ok(taken) => {
                    app.acknowledge(taken.position);
                    json(&taken)
                }
                Err(problem) => {
                    if problem.may_pass() {
                        unsettled.tell();
                    }
                    refusal(number, &problem)
                }
            }
        })
    }

    fn context(&self) -> Context {
        let Desk { app, context, .. } = &self.desk;
        let id = match context.id.get_version_num() {
            5 => Uuid::new_v5(&context.id, &self.number.to_be_bytes()),
            _ => Uuid::new_v4(),
        };
        Context { id, now: app.clock.now(), ..context.clone() }
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
