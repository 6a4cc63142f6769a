//! A full disk: nothing is acknowledged that is not written, reading goes on, and writing
//! resumes by itself.

use super::*;

const SMALL: Options = Options { bytes_max: Some(256 << 10) };

/// Writes until there is no more room; how many were acknowledged.
async fn fill(store: &Embedded, stream: &mut Stream) -> (usize, Failure) {
    let word = "x".repeat(8 << 10);
    for count in 0.. {
        if let Err(failure) = stream.write(store, &[&word]).await {
            return (count, failure);
        }
    }
    unreachable!("the disk is never full")
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_allows_reads_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::serve(folder.path(), SMALL).unwrap();
    let mut stream = Stream::new(1);
    let (count, failure) = fill(&store, &mut stream).await;
    assert!(count > 10);
    let reason = "database or disk is full".to_owned();
    assert_eq!(failure, Failure::Unavailable { reason });
    assert_eq!(everything(&store).await.unwrap().len(), count);

    store.limit(None).await.unwrap();
    let appended = stream.write(&store, &["there is room again"]).await.unwrap();
    assert_eq!(appended.revision, Revision(count as u64));
    assert_eq!(everything(&store).await.unwrap().len(), count + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_commit_that_fails_is_told_and_can_repeat_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Embedded::serve(folder.path(), SMALL).unwrap());
    fill(&store, &mut Stream::new(0)).await;
    let before = everything(&store).await.unwrap().len();
    let large = "x".repeat(8 << 10);
    let mut callers = JoinSet::new();
    for id in 1..=32 {
        let (store, large) = (Arc::clone(&store), large.clone());
        callers.spawn(async move {
            let stream = Stream::new(id);
            let (records, _) = stream.draft(&[&large]);
            let full = store.append(&stream.name, Expected::NoStream, records.clone()).await;
            (stream, records, full)
        });
    }
    let told = callers.join_all().await;
    let written = told.iter().filter(|(_, _, full)| full.is_ok()).count();
    assert!(written < told.len(), "the disk is full");
    assert_eq!(everything(&store).await.unwrap().len(), before + written);

    store.limit(None).await.unwrap();
    for (stream, records, _) in told {
        let again = store.append(&stream.name, Expected::NoStream, records).await;
        assert_eq!(again.map(|appended| appended.revision), Ok(Revision::FIRST));
    }
    assert_eq!(everything(&store).await.unwrap().len(), before + 32);
}
