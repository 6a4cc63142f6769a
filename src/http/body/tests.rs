use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::Frame;

use super::*;

/// A body of which nothing comes.
struct Silence;

impl hyper::body::Body for Silence {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_waited_for_for_30_seconds() {
    let began = tokio::time::Instant::now();
    assert_eq!(read(Body::new(Silence)).await, Err(Problem::Slow));
    assert_eq!(began.elapsed().as_secs(), 30);
    assert_eq!(Problem::Slow.status(), 408);
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    let whole = vec![b' '; BYTES_MAX];
    assert_eq!(read(Body::from(whole.clone())).await.unwrap().len(), BYTES_MAX);
    let more = [whole, vec![b' ']].concat();
    assert_eq!(read(Body::from(more)).await, Err(too_large()));
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Named {
    name: String,
}

#[test]
fn only_an_object_is_one() {
    let named = Named { name: "a".to_owned() };
    assert_eq!(parse::<Named>(br#"  {"name":"a"}"#), Ok(named));
    for list in [&b"[\"a\"]"[..], b"\"a\"", b"1", b"null"] {
        let refused = parse::<Named>(list).unwrap_err();
        assert_eq!(refused.status(), 422);
        assert_eq!(refused.to_string(), "the body must be a JSON object");
    }
    for text in [&b""[..], b"[", b"a", b"{", b"[1] 2"] {
        assert_eq!(parse::<Named>(text).unwrap_err().status(), 400);
    }
}

#[tokio::test]
async fn who_says_that_it_is_too_much_is_refused_before_it_comes() {
    struct Announced;
    impl hyper::body::Body for Announced {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            panic!("nobody wants it")
        }

        fn size_hint(&self) -> hyper::body::SizeHint {
            hyper::body::SizeHint::with_exact(BYTES_MAX as u64 + 1)
        }
    }
    assert_eq!(read(Body::new(Announced)).await, Err(too_large()));
}

#[test]
fn whoever_sends_a_form_is_told_what_is_read() {
    let refused = |body: &str| parse::<serde_json::Value>(body.as_bytes()).unwrap_err().to_string();
    for form in ["url=https%3A%2F%2Fe.com", "webhook%5Burl%5D=x&name=y", "webhook[url]=x"] {
        let text = refused(form);
        assert!(text.starts_with("the body is no JSON: "), "{text}");
        assert!(text.ends_with("; a form is not read, send application/json"), "{text}");
    }
    for other in ["", "{\"a\"=1}", "=", "[1, 2"] {
        assert!(!refused(other).contains("form"), "{other}");
    }
}
