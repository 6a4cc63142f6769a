//! Several handles on one folder, as several processes would have them.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_writes_beside_the_server_and_both_see_all() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let mut stream = Stream::new(1);
    stream.write(&server, &["by the server"]).await.unwrap();
    let command = Embedded::attach(folder.path()).unwrap();
    stream.write(&command, &["by the command"]).await.unwrap();
    drop(command);
    stream.write(&server, &["by the server again"]).await.unwrap();
    let there = everything(&server).await.unwrap();
    let revisions: Vec<_> = there.iter().map(|record| record.revision.0).collect();
    assert_eq!(revisions, [0, 1, 2]);
}

#[tokio::test]
async fn what_another_handle_wrote_is_a_conflict_and_not_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let command = Embedded::attach(folder.path()).unwrap();
    let mut stream = Stream::new(1);
    stream.write(&server, &["one"]).await.unwrap();
    let (stale, _) = stream.draft(&["stale"]);
    stream.write(&command, &["two"]).await.unwrap();
    // The server remembers revision 0.
    let refused = server.append(&stream.name, Expected::Revision(Revision(0)), stale).await;
    let current = Some(Revision(1));
    assert_eq!(refused, Err(Failure::Conflict { stream: stream.name.clone(), current }));
    // And the command remembers revision 1.
    stream.write(&server, &["three"]).await.unwrap();
    let (stale, _) = stream.draft(&["stale"]);
    let refused = command.append(&stream.name, Expected::Revision(Revision(1)), stale).await;
    let current = Some(Revision(2));
    assert_eq!(refused, Err(Failure::Conflict { stream: stream.name.clone(), current }));
}

#[tokio::test]
async fn a_repeat_is_recognised_by_another_handle() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let command = Embedded::attach(folder.path()).unwrap();
    let stream = Stream::new(1);
    let (records, _) = stream.draft(&["one", "two"]);
    let first = server.append(&stream.name, Expected::NoStream, records.clone()).await;
    let again = command.append(&stream.name, Expected::NoStream, records).await;
    assert_eq!(first, again);
    assert_eq!(first.unwrap().position, Position(2));
}

#[tokio::test]
async fn a_reader_sees_what_the_server_writes_and_is_woken_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let mut stream = Stream::new(1);
    stream.write(&server, &["one"]).await.unwrap();
    let reader = Embedded::read_only(folder.path()).unwrap();
    assert_eq!(reader.head().await, Ok(Position(1)));
    stream.write(&server, &["two"]).await.unwrap();
    reader.grown(Position(1)).await;
    assert_eq!(everything(&reader).await, everything(&server).await);
    let refused = stream.write(&reader, &["three"]).await;
    assert!(matches!(refused, Err(Failure::Unavailable { .. })), "{refused:?}");
}

#[tokio::test]
async fn the_server_is_woken_by_what_a_command_writes() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let command = Embedded::attach(folder.path()).unwrap();
    Stream::new(1).write(&command, &["one"]).await.unwrap();
    server.grown(Position::START).await;
    assert_eq!(everything(&server).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_reader_reads_whether_or_not_anybody_serves() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    Stream::new(1).write(&server, &["one"]).await.unwrap();
    let reader = Embedded::read_only(folder.path()).unwrap();
    assert_eq!(everything(&reader).await.unwrap().len(), 1);
    drop(reader);
    server.close().await;
    drop(server);
    let reader = Embedded::read_only(folder.path()).unwrap();
    assert_eq!(everything(&reader).await.unwrap().len(), 1);
    let server = serve(folder.path());
    Stream::new(2).write(&server, &["two"]).await.unwrap();
    assert_eq!(everything(&reader).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_log_that_was_never_closed_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let mut stream = Stream::new(1);
    for _ in 0..10 {
        stream.write(&server, &["one", "two"]).await.unwrap();
    }
    // The files as a crash leaves them: the write-ahead log is not copied back.
    let crashed = tempfile::tempdir().unwrap();
    for file in ["relink.db", "relink.db-wal"] {
        std::fs::copy(folder.path().join(file), crashed.path().join(file)).unwrap();
    }
    let restarted = serve(crashed.path());
    assert_eq!(everything(&restarted).await, everything(&server).await);
    stream.write(&restarted, &["after the crash"]).await.unwrap();
}

#[tokio::test]
async fn what_was_removed_gets_no_place_again_from_a_command_that_knew_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let command = Embedded::attach(folder.path()).unwrap();
    let (mut stream, mut other) = (Stream::new(1), Stream::new(2));
    stream.write(&server, &["of the server"; 20]).await.unwrap();
    other.write(&command, &["of the command"; 20]).await.unwrap();
    server.truncate(&stream.name, Revision(15)).await.unwrap();
    other.write(&command, &["of the command"; 40]).await.unwrap();
    drop(command);
    server.close().await;
    let reader = Embedded::read_only(folder.path()).unwrap();
    assert_eq!(reader.integrity().await, Ok(vec![]));
    assert_eq!(everything(&reader).await.unwrap().len(), 65);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_has_no_hole_where_the_stream_is_truncated_while_it_is_read() {
    const LAST: u64 = 3_999;
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let mut stream = Stream::new(1);
    for _ in 0..4 {
        stream.write(&server, &["x"; 1_000]).await.unwrap();
    }
    let (reader, name) = (Arc::clone(&server), stream.name.clone());
    let reading = tokio::spawn(async move {
        loop {
            let page = reader.read_stream(&name, Slice::From(Revision::FIRST), PAGE_MAX).await;
            let page = page.unwrap();
            let (first, last) = (page[0].revision.0, page.last().unwrap().revision.0);
            assert_eq!((last, last - first + 1), (LAST, page.len() as u64));
            if first == LAST {
                return;
            }
        }
    });
    for before in (100..=LAST).step_by(100).chain([LAST]) {
        server.truncate(&stream.name, Revision(before)).await.unwrap();
    }
    reading.await.unwrap();
}
