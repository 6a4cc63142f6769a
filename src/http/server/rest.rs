//! What nobody reads of a request's body. Were the connection closed while the client still sends,
//! the client would lose the answer: so the rest is read away, within limits.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::EXPECT;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// As many bytes as are read away.
const BYTES_MAX: usize = 32 << 20;

/// As long as that may take.
const WITHIN: Duration = Duration::from_secs(10);

/// A body that is read to its end, by whoever answers or afterwards.
pub(super) struct ReadToItsEnd {
    body: Option<Incoming>,
    /// The client sends nothing before somebody wants it (`Expect: 100-continue`).
    held_back: bool,
}

/// The request with such a body.
pub(super) fn with_rest(request: Request<Incoming>) -> Request<ReadToItsEnd> {
    let held_back = request.headers().contains_key(EXPECT);
    request.map(|body| ReadToItsEnd { body: Some(body), held_back })
}

impl Body for ReadToItsEnd {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.held_back = false;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let part = Pin::new(body).poll_frame(cx);
        if let Poll::Ready(None) = part {
            // One that comes in chunks does not know by itself that it is at its end.
            self.body = None;
        }
        part
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for ReadToItsEnd {
    fn drop(&mut self) {
        if self.held_back || self.is_end_stream() {
            return;
        }
        // There is none any more when the process ends.
        if let (Some(rest), Ok(runtime)) = (self.body.take(), Handle::try_current()) {
            runtime.spawn(timeout(WITHIN, read_away(rest)));
        }
    }
}

async fn read_away(mut rest: Incoming) {
    let mut bytes = 0;
    while bytes < BYTES_MAX
        && let Some(Ok(frame)) = rest.frame().await
    {
        bytes += frame.data_ref().map_or(0, Bytes::len);
    }
}
