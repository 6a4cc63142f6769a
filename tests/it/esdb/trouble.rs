//! What goes wrong between the client and its server, and is contained. Only a double can be made
//! to do it.

use std::sync::Arc;
use std::time::Duration;

use events::store::{APPEND_BYTES_MAX, Slice};
use events::{EventStore, Expected, Failure, Position, Revision, StreamName};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::open;
use super::writer::{Writer, a_hidden_repetition_is_a_conflict, everything};
use crate::double::{Double, Trouble};
use crate::relink::DEADLINE;

/// No append may take longer, and a little for a busy machine.
const APPEND_WITHIN: Duration = Duration::from_secs(8);

/// What is refused without asking takes no time.
const NOTHING_SENT: Duration = Duration::from_secs(1);

/// Writes with these troubles in the way: it must be there, once.
async fn written_once_in_spite_of(troubles: &[Trouble]) {
    let double = Double::start();
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    double.next_appends(troubles);
    let appended = writer.write(&["two", "three"]).await;
    let history = writer.history().await;
    assert_eq!(history.len(), 3, "{troubles:?}");
    let last = &history[2];
    assert_eq!((appended.revision, appended.position), (last.revision, last.position));
    assert_eq!(double.count(writer.stream.as_str()), 3, "{troubles:?}");
    writer.write(&["four"]).await;
}

#[tokio::test]
async fn an_append_whose_connection_is_lost_behind_it_is_written_once() {
    written_once_in_spite_of(&[Trouble::Drop]).await;
    written_once_in_spite_of(&[Trouble::Drop, Trouble::Drop, Trouble::Drop]).await;
}

#[tokio::test]
async fn an_append_whose_answer_never_comes_is_written_once() {
    written_once_in_spite_of(&[Trouble::Silence]).await;
}

#[tokio::test]
async fn an_append_that_the_server_gave_up_is_tried_again() {
    written_once_in_spite_of(&[Trouble::TimedOut]).await;
    written_once_in_spite_of(&[Trouble::Busy, Trouble::Busy, Trouble::TimedOut]).await;
}

#[tokio::test]
async fn what_goes_wrong_with_the_mark_of_a_new_log_does_not_keep_it_from_beginning() {
    for trouble in [Trouble::Busy, Trouble::TimedOut, Trouble::Drop, Trouble::CleanEnd] {
        let double = Double::start();
        let store = open(&double.url());
        double.next_appends(&[trouble]);
        Writer::new(&store).write(&["one"]).await;
        assert_eq!(double.count("relink_begin"), 1, "{trouble:?}");
        assert_eq!(everything(&open(&double.url())).await.len(), 1, "{trouble:?}");
    }
}

#[tokio::test]
async fn a_batch_session_that_ends_as_if_all_were_well_loses_nothing() {
    written_once_in_spite_of(&[Trouble::CleanEnd]).await;
}

#[tokio::test]
async fn a_conflict_behind_a_lost_answer_is_a_conflict() {
    let double = Double::start();
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    double.next_appends(&[Trouble::Busy]);
    let (records, _) = writer.draft(&["two"]);
    let refused = store.append(&writer.stream, Expected::NoStream, records).await;
    let (stream, current) = (writer.stream.clone(), Some(Revision::FIRST));
    assert_eq!(refused, Err(Failure::Conflict { stream, current }));
}

#[tokio::test]
async fn a_repetition_of_what_is_hidden_by_now_is_a_conflict_for_who_tries_alone_too() {
    let double = Double::start();
    let store = open(&double.url());
    let busy = || double.next_appends(&[Trouble::Busy]);
    a_hidden_repetition_is_a_conflict(&store, busy).await;
}

#[tokio::test]
async fn what_a_server_does_not_take_in_one_append_is_told_as_too_large() {
    let double = Double::with_default_limit();
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    let large = "x".repeat(2 << 20);
    let refused = writer.try_write(&[&large]).await;
    assert!(matches!(refused, Err(Failure::Size { bytes, .. }) if bytes > 2 << 20), "{refused:?}");
    assert!(writer.history().await.is_empty());
    writer.write(&["small"]).await;
}

#[tokio::test]
async fn what_a_server_does_not_take_is_refused_before_it_is_sent() {
    let double = Double::with_default_limit();
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    writer.write(&["small"]).await;
    let limit = store.append_bytes_max();
    assert!(limit < 1 << 20, "{limit}");
    writer.write(&["small", &"x".repeat(limit - 4096)]).await;
    // The server would keep whoever sends it.
    double.next_appends(&[Trouble::Silence]);
    let large = "x".repeat(2 << 20);
    let refused = timeout(NOTHING_SENT, writer.try_write(&[&large])).await.unwrap();
    assert!(matches!(refused, Err(Failure::Size { limit: told, .. }) if told == limit));
}

#[tokio::test]
async fn what_a_server_takes_is_found_out_without_writing() {
    let double = Double::start();
    let store = open(&double.url());
    assert!(store.append_bytes_max() < APPEND_BYTES_MAX, "nobody knows it yet");
    assert_eq!(store.head().await, Ok(Position::START));
    assert_eq!(store.append_bytes_max(), APPEND_BYTES_MAX);
    assert_eq!(double.count("relink_size"), 0);
}

/// Appends again and again until one is acknowledged.
async fn written_at_last(writer: &mut Writer<'_>) {
    let writing = async {
        while let Err(failure) = writer.try_write(&["again"]).await {
            assert!(matches!(failure, Failure::Unavailable { .. }), "{failure:?}");
        }
    };
    timeout(DEADLINE, writing).await.expect("it is written at last");
}

#[tokio::test]
async fn a_server_that_comes_later_than_its_client_is_found() {
    let mut double = Double::start();
    double.kill(0);
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    let refused = store.head().await;
    assert!(matches!(refused, Err(Failure::Unavailable { .. })), "{refused:?}");
    double.raise(0);
    written_at_last(&mut writer).await;
    assert_eq!(writer.revisions().await, [0]);
}

#[tokio::test]
async fn while_the_server_is_gone_writes_are_refused_within_their_deadline() {
    let mut double = Double::start();
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    double.kill(0);
    let begun = Instant::now();
    let refused = writer.try_write(&["two"]).await;
    assert!(matches!(refused, Err(Failure::Unavailable { .. })), "{refused:?}");
    assert!(begun.elapsed() < APPEND_WITHIN, "it took {:?}", begun.elapsed());
    let slice = Slice::From(Revision::FIRST);
    let refused = store.read_stream(&writer.stream, slice, 10).await;
    assert!(matches!(refused, Err(Failure::Unavailable { .. })), "{refused:?}");
    double.raise(0);
    let begun = Instant::now();
    written_at_last(&mut writer).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    assert_eq!(writer.revisions().await, [0, 1]);
}

/// Appends one after the other until the kills are over; what it was told of each.
async fn written_until(
    over: watch::Receiver<bool>,
    store: Arc<impl EventStore>,
) -> Vec<(Position, StreamName, Revision)> {
    let mut writer = Writer::new(&*store);
    let mut told = Vec::new();
    while !*over.borrow() {
        let (records, tail) = writer.draft(&["one of many"]);
        let expected = writer.tail.expected();
        // Whoever is not answered asks again with the same ids.
        let appended = loop {
            match store.append(&writer.stream, expected, records.clone()).await {
                Ok(appended) => break appended,
                Err(Failure::Unavailable { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        };
        writer.tail = tail;
        told.push((appended.position, writer.stream.clone(), appended.revision));
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_server_is_killed_under_load() {
    const WRITERS: usize = 16;
    let mut double = Double::start();
    let store = Arc::new(open(&double.url()));
    let (over, is_over) = watch::channel(false);
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        writers.spawn(written_until(is_over.clone(), Arc::clone(&store)));
    }
    for _ in 0..3 {
        // As soon as anything more is written, the server dies.
        timeout(DEADLINE, one_more(&double)).await.expect("it is written to");
        double.kill(0);
        double.raise(0);
    }
    timeout(DEADLINE, one_more(&double)).await.expect("it is written to again");
    over.send_replace(true);
    let told = timeout(2 * DEADLINE, writers.join_all()).await.expect("all is written");
    let mut told: Vec<_> = told.into_iter().flatten().collect();
    told.sort_unstable();
    let there = everything(&*store).await.into_iter();
    let there: Vec<_> = there.map(|it| (it.position, it.stream, it.revision)).collect();
    assert_eq!(there, told);
}

/// Waits until the double has taken one more append.
async fn one_more(double: &Double) {
    let before = double.len();
    while double.len() == before {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn when_the_leader_of_a_cluster_dies_the_next_one_is_found() {
    let mut double = Double::cluster();
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    double.kill(0);
    double.elect(1);
    written_at_last(&mut writer).await;
    assert_eq!(writer.revisions().await, [0, 1]);
}

#[tokio::test]
async fn a_leader_that_resigned_sends_its_callers_to_the_next() {
    let double = Double::cluster();
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    double.elect(2);
    writer.write(&["two"]).await;
    assert_eq!(writer.revisions().await, [0, 1]);
    double.next_appends(&[Trouble::NotLeader { port: double.port(2) }]);
    writer.write(&["three"]).await;
}

#[tokio::test]
async fn behind_a_change_of_leaders_batch_sessions_are_with_the_new_one() {
    let double = Double::cluster();
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    // A refusal ends its session, so that the next one is opened at the node that led.
    let (records, _) = writer.draft(&["two"]);
    let refused = store.append(&writer.stream, Expected::NoStream, records).await;
    assert!(matches!(refused, Err(Failure::Conflict { .. })), "{refused:?}");
    double.elect(2);
    writer.write(&["two"]).await;
    let alone = double.appends_alone();
    writer.write(&["three"]).await;
    assert_eq!(double.appends_alone(), alone);
}

#[tokio::test]
async fn a_read_that_hangs_is_given_up_and_read_again() {
    let double = Double::start();
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    double.next_reads_hang(1);
    assert_eq!(writer.revisions().await, [0]);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up_within_the_deadline_of_reads() {
    let double = Double::start();
    let store = open(&double.url());
    let mut writer = Writer::new(&store);
    writer.write(&["one"]).await;
    double.next_reads_hang(usize::MAX);
    let begun = Instant::now();
    let refused = store.head().await;
    assert!(matches!(refused, Err(Failure::Unavailable { .. })), "{refused:?}");
    assert!(begun.elapsed() < APPEND_WITHIN, "it took {:?}", begun.elapsed());
    double.next_reads_hang(0);
    assert_eq!(writer.revisions().await, [0]);
}

#[tokio::test]
async fn somebody_in_between_who_finds_nothing_is_not_believed_that_there_is_nothing() {
    let double = Double::start();
    let writing = open(&double.url());
    let mut writer = Writer::new(&writing);
    let one = writer.write(&["one"]).await.position;
    let (first, elsewhere) = (Slice::From(Revision::FIRST), open(&double.url()));
    double.next_reads_find_nothing(usize::MAX);
    let answers = [
        writing.read_all(Position::START, 10).await.map(|_| "a page"),
        elsewhere.read_all(Position::START, 10).await.map(|_| "a page"),
        elsewhere.follow(Position::START).await.map(|_| "a page"),
        elsewhere.record_at(one).await.map(|_| "a record"),
        elsewhere.read_stream(&writer.stream, first, 10).await.map(|_| "a stream"),
        elsewhere.bound(&writer.stream).await.map(|_| "a bound"),
        elsewhere.head().await.map(|_| "an end"),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(Failure::Unavailable { .. })), "{answer:?}");
    }
    double.next_reads_find_nothing(0);
    for store in [&writing, &elsewhere] {
        assert_eq!(everything(store).await.len(), 1);
        // Whoever may be reached the next time is asked a second time.
        double.next_reads_find_nothing(1);
        assert_eq!(store.read_all(Position::START, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_user_who_may_not_read_the_whole_log_is_told_who_may() {
    let double = Double::start();
    let store = open(&double.url());
    double.next_reads_are_denied(usize::MAX);
    let Err(Failure::Unavailable { reason }) = store.head().await else { panic!("it is denied") };
    assert!(reason.contains("$all") && reason.contains("$admins"), "{reason}");
}
