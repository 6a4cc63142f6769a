use http_body_util::BodyExt;

use super::*;

fn answer(size: usize) -> Bytes {
    Bytes::from(vec![b'x'; size])
}

#[tokio::test(start_paused = true)]
async fn who_reads_nothing_loses_the_answers_and_gives_their_room_back() {
    let room = Room::default();
    let (out, mut answers) = room.clone().open();
    assert!(out.send(answer(EACH_MAX)).await, "there is room for so much");
    assert_eq!(room.0.available_permits(), ALL_MAX - EACH_MAX);
    assert!(!out.send(answer(1)).await);
    assert_eq!(room.0.available_permits(), ALL_MAX);
    assert!(answers.frame().await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_read_at_the_end_is_not_kept_for_ever() {
    let room = Room::default();
    let (out, mut answers) = room.clone().open();
    assert!(out.send(answer(10)).await);
    out.end().await;
    assert_eq!(room.0.available_permits(), ALL_MAX);
    assert!(answers.frame().await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn who_reads_slowly_gets_everything() {
    let (out, mut answers) = Room::default().open();
    let writing = async {
        for _ in 0..3 {
            assert!(out.send(answer(EACH_MAX)).await);
        }
        out.end().await;
    };
    let reading = async {
        for _ in 0..3 {
            tokio::time::advance(SLOW_MAX / 2).await;
            assert_eq!(
                answers.frame().await.unwrap().unwrap().into_data().unwrap().len(),
                EACH_MAX
            );
        }
        assert!(answers.frame().await.is_none());
    };
    tokio::join!(writing, reading);
}
