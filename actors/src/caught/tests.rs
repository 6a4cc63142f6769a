use super::*;

async fn said(trap: impl Future<Output = ()>) -> Option<String> {
    caught(trap).await.err().map(|panic| panic.to_string())
}

#[tokio::test]
async fn what_a_panic_said_is_told_where_it_said_anything() {
    assert_eq!(said(async { panic!("a trap") }).await.as_deref(), Some("a trap"));
    let behind_a_wait = said(async {
        tokio::task::yield_now().await;
        panic!("trap {}", 2)
    });
    assert_eq!(behind_a_wait.await.as_deref(), Some("trap 2"));
    assert_eq!(said(async { std::panic::panic_any(7) }).await.as_deref(), Some(""));
    assert_eq!(said(async {}).await, None);
}

#[tokio::test]
async fn who_goes_on_falling_is_caught_once_more() {
    let falling = async { caught(async { panic!("far") }).await.unwrap_or_else(|it| it.go_on()) };
    assert_eq!(said(falling).await.as_deref(), Some("far"));
}
