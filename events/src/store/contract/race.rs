//! What holds when several write at once.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::Writer;
use super::writer::ids;
use crate::{EventStore, Expected, Position};

/// Of two who believe the same, exactly one writes; the other is told what became of it.
pub async fn of_two_racers_one_wins(store: Arc<dyn EventStore>) {
    let writer = Writer::new(&store);
    let (one, _) = writer.draft(&["one"]);
    let (other, _) = writer.draft(&["other"]);
    let candidates = [one[0].id, other[0].id];
    let (first, second) = tokio::join!(
        writer.append(Expected::NoStream, one),
        writer.append(Expected::NoStream, other),
    );
    let winner = match (first, second) {
        (Ok(_), lost) => {
            assert_eq!(lost, writer.conflict(Some(0)));
            candidates[0]
        }
        (lost, won) => {
            assert_eq!(lost, writer.conflict(Some(0)));
            assert!(won.is_ok(), "one of two must win, but the other got {won:?}");
            candidates[1]
        }
    };
    assert_eq!(ids(&writer.history().await), [winner]);
}

/// However many race, each round has one winner and the stream has no gap.
pub async fn of_many_racers_one_wins_each_round(store: Arc<dyn EventStore>) {
    const RACERS: usize = 8;
    const ROUNDS: usize = 5;
    let mut writer = Writer::new(&store);
    for round in 0..ROUNDS {
        let mut racers = JoinSet::new();
        for _ in 0..RACERS {
            let (records, tail) = writer.draft(&["race"]);
            let racer = Writer { store: Arc::clone(&store), stream: writer.stream.clone(), tail };
            let expected = writer.tail.expected();
            racers.spawn(async move { (racer.append(expected, records).await, racer.tail) });
        }
        let mut winners = Vec::new();
        for (answer, tail) in racers.join_all().await {
            match answer {
                Ok(appended) => winners.push((appended, tail)),
                lost => assert_eq!(lost, writer.conflict(Some(round as u64))),
            }
        }
        let [(appended, tail)] = winners[..] else {
            panic!("one of {RACERS} must win, but {} did", winners.len());
        };
        assert_eq!(appended.revision.0, round as u64);
        writer.tail = tail;
    }
    assert_eq!(writer.history().await.len(), ROUNDS);
}

/// Who writes elsewhere is not in the way.
pub async fn appends_to_different_streams_all_land(store: Arc<dyn EventStore>) {
    const STREAMS: usize = 64;
    const APPENDS: u64 = 5;
    let behind = store.head().await.expect("the log has a head");
    let mut tasks = JoinSet::new();
    for _ in 0..STREAMS {
        let mut writer = Writer::new(&store);
        tasks.spawn(async move {
            let mut positions: Vec<Position> = Vec::new();
            for revision in 0..APPENDS {
                let (_, appended) = writer.write(&["one of many"]).await;
                assert_eq!(appended.revision.0, revision);
                positions.push(appended.position);
            }
            let written: Vec<_> =
                writer.in_log(behind).await.iter().map(|record| record.position).collect();
            assert_eq!(written, positions);
            positions
        });
    }
    let mut positions: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    positions.sort();
    positions.dedup();
    assert_eq!(positions.len(), STREAMS * APPENDS as usize, "a position was given twice");
    assert!(positions[0] > behind);
}
