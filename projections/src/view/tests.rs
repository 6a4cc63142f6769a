use super::*;
use crate::accounts::Accounts;

#[tokio::test(start_paused = true)]
async fn waiting_ends_when_the_view_has_come_that_far() {
    let view = View::<Accounts>::default();
    let waiting = tokio::spawn({
        let view = view.clone();
        async move { view.wait_for(Position(7), Duration::from_secs(5)).await }
    });
    tokio::task::yield_now().await;
    view.fold(&[], Position(6), Timestamp::default());
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    view.fold(&[], Position(9), Timestamp::default());
    assert_eq!(waiting.await.unwrap(), Ok(()));
    assert_eq!(view.wait_for(Position(9), Duration::ZERO).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn waiting_too_long_says_how_far_the_view_came() {
    let view = View::<Accounts>::default();
    view.fold(&[], Position(3), Timestamp::default());
    let late = view.wait_for(Position(4), Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(late, Late { view: "accounts", wanted: Position(4), seen: Position(3) });
    assert_eq!(late.to_string(), "the view accounts stands at position 3 and has not reached 4");
}

#[test]
fn time_and_position_never_run_backwards() {
    let view = View::<Accounts>::default();
    assert_eq!((view.position(), view.reading().as_of()), (Position::START, None));
    view.fold(&[], Position(5), Timestamp::from_micros(50));
    view.fold(&[], Position(6), Timestamp::from_micros(40));
    view.fold(&[], Position(4), Timestamp::from_micros(90));
    let reading = view.reading();
    assert_eq!(
        (reading.position(), reading.as_of()),
        (Position(6), Some(Timestamp::from_micros(50)))
    );
}
