use super::*;

fn connection() -> Connection {
    let settings: ClientSettings = "esdb://127.0.0.1:1?tls=false".parse().unwrap();
    Connection::new(settings, Arc::new(SizeLimit::new(None)))
}

/// As if the server had been found, which is not there.
fn connected(connection: &Connection) -> Arc<Session> {
    let client = || Client::new(connection.shared.settings.clone()).unwrap();
    let session = Arc::new(Session {
        client: client(),
        lanes: Lanes::new(client()),
        node: AtomicU64::new(connection.shared.next_node().0),
        strikes: AtomicU32::new(0),
        has_answered: AtomicBool::new(false),
        version: String::new(),
        failed: Arc::clone(&connection.shared.failed),
    });
    connection.shared.status.send_replace(Status::Ready(Arc::clone(&session)));
    session
}

#[tokio::test(start_paused = true)]
async fn what_is_connected_and_answers_nothing_is_connected_to_with_pauses() {
    let connection = connection();
    let mut pauses = vec![];
    for _ in 0..6 {
        let session = connected(&connection);
        for _ in 0..STRIKES_MAX {
            connection.failed(&session, &Meaning::Unknown, "nothing is found there");
        }
        let Status::Down { reason, until } = &*connection.shared.status.borrow() else {
            panic!("the next attempt begins at once");
        };
        assert_eq!(reason, "nothing is found there");
        pauses.push(until.duration_since(Instant::now()).as_millis());
    }
    assert_eq!(pauses, [100, 200, 400, 800, 1000, 1000]);

    let session = connected(&connection);
    session.answered();
    connection.failed(&session, &Meaning::Dead, "it was there");
    assert!(matches!(*connection.shared.status.borrow(), Status::Idle));
    assert_eq!(connection.shared.failed.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn who_is_sent_to_another_leader_is_answered_by_another_node() {
    let connection = connection();
    let session = connected(&connection);
    let first = session.node();
    connection.failed(&session, &Meaning::Unknown, "late");
    assert_eq!(session.node(), first);
    connection.failed(&session, &Meaning::Elsewhere, "another leads");
    assert_ne!(session.node(), first);
    assert!(connection.is_current(&session));
}

#[tokio::test]
async fn a_client_that_falls_over_leaves_nobody_waiting() {
    let connection = connection();
    connection.shared.status.send_replace(Status::Connecting);
    let waiting = connection.session();
    let falling = Arc::clone(&connection.shared).attempt(async { panic!("as if by its client") });
    let (session, ()) = tokio::join!(waiting, falling);
    let Err(Failure::Unavailable { reason }) = session else { panic!("there is no session") };
    assert!(reason.contains("fell over"), "{reason}");
}
