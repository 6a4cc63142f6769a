use super::*;

/// Whether it is done at once.
async fn is_done<T>(waiting: impl Future<Output = T>) -> bool {
    tokio::select! {
        biased;
        _ = waiting => true,
        () = std::future::ready(()) => false,
    }
}

#[tokio::test(start_paused = true)]
async fn each_has_its_turn_and_nothing_is_left_behind() {
    let turns = Turns::default();
    let first = turns.wait(1).await.unwrap();
    assert!(is_done(turns.wait(2)).await, "another key is another turn");
    assert!(!is_done(turns.wait(1)).await);
    assert!(turns.wait(1).await.is_none(), "nobody waits for ever");
    let mut second = Box::pin(turns.wait(1));
    assert!(!is_done(second.as_mut()).await);
    drop(first);
    assert!(!is_done(turns.wait(1)).await, "it is that of who came before");
    drop(second.await);
    assert!(turns.0.is_empty(), "{turns:?}");
}
