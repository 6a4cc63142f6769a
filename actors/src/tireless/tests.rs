use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::Instant;

use super::*;

const AFTER: Duration = Duration::from_secs(7);

#[tokio::test(start_paused = true)]
async fn what_falls_over_is_begun_anew_until_it_ends_by_itself() {
    let begun = Arc::new(AtomicUsize::new(0));
    let (mut falls, at_first) = (0, Instant::now());
    let begin = || {
        let begun = begun.clone();
        async move { assert!(begun.fetch_add(1, Ordering::SeqCst) == 2, "the test says so") }
    };
    tireless("the test", AFTER, begin, || falls += 1).await;
    assert_eq!((begun.load(Ordering::SeqCst), falls), (3, 2));
    assert_eq!(at_first.elapsed().as_secs(), 2 * AFTER.as_secs());
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_whoever_waits_for_it() {
    let (alive, held) = tokio::sync::oneshot::channel::<()>();
    let mut alive = Some(alive);
    let begin = move || {
        let alive = alive.take();
        async move {
            let _alive = alive;
            std::future::pending().await
        }
    };
    let task = tokio::spawn(tireless("the test", AFTER, begin, || ()));
    tokio::task::yield_now().await;
    task.abort();
    assert!(held.await.is_err(), "it lives on");
}
