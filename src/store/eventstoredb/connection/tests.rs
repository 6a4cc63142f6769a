use super::*;

#[tokio::test]
async fn a_client_that_falls_over_leaves_nobody_waiting() {
    let settings: ClientSettings = "esdb://127.0.0.1:1?tls=false".parse().unwrap();
    let connection = Connection::new(settings, Arc::new(SizeLimit::new(None)));
    connection.shared.status.send_replace(Status::Connecting);
    let waiting = connection.session();
    let falling = Arc::clone(&connection.shared).attempt(async { panic!("as if by its client") });
    let (session, ()) = tokio::join!(waiting, falling);
    let Err(Failure::Unavailable { reason }) = session else { panic!("there is no session") };
    assert!(reason.contains("fell over"), "{reason}");
}
