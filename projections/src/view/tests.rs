use super::*;
use crate::accounts::Accounts;

fn mark(position: u64, micros: i64) -> Mark {
    let at = Timestamp::from_micros(micros);
    Mark { position: Position(position), at, hash: Hash::ROOT }
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_when_the_view_has_come_that_far() {
    let view = View::<Accounts>::default();
    let waiting = tokio::spawn({
        let view = view.clone();
        async move { view.wait_for(Position(7), Duration::from_secs(5)).await }
    });
    tokio::task::yield_now().await;
    view.fold(&[], mark(6, 0));
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    view.fold(&[], mark(9, 0));
    assert_eq!(waiting.await.unwrap(), Ok(()));
    assert_eq!(view.wait_for(Position(9), Duration::ZERO).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn waiting_too_long_says_how_far_the_view_came() {
    let view = View::<Accounts>::default();
    view.fold(&[], mark(3, 0));
    let late = view.wait_for(Position(4), Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(late, Late { view: "accounts", wanted: Position(4), seen: Position(3) });
    assert_eq!(late.to_string(), "the view accounts stands at position 3 and has not reached 4");
}

#[test]
fn time_and_position_never_run_backwards() {
    let view = View::<Accounts>::default();
    assert_eq!((view.position(), view.reading().as_of()), (Position::START, None));
    view.fold(&[], mark(5, 50));
    view.fold(&[], mark(6, 40));
    view.fold(&[], mark(4, 90));
    let reading = view.reading();
    assert_eq!(
        (reading.position(), reading.as_of()),
        (Position(6), Some(Timestamp::from_micros(50)))
    );
}
