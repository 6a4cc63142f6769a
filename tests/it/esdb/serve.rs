//! The service on EventStoreDB, as a user meets it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{Namespace, in_namespace};
use crate::double::Double;
use crate::receiver::Receiver;
use crate::relink::{DEADLINE, Place};
use crate::steps::{self, INBOX, changed, fail, reauthorize, register, secret, subscribe};

fn place_on(url: &str) -> Place {
    Place::new().set("ENABLE_INBOX_EVENTS", "true").set("RELINK_STORE", url)
}

#[tokio::test]
async fn evidence_becomes_a_signed_webhook_and_everything_survives_a_kill() {
    let namespace = Namespace::new();
    let place = place_on(namespace.url());
    let receiver = Receiver::start().await;
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let webhook = subscribe(&api, &receiver.url("/hook"), &["inbox_updated"]).await;
    let before = receiver.arrivals().len();
    fail(&api).await.json(200);
    let second = fail(&api).await;
    let position = second.position();
    assert_eq!(second.json(200)["reauthorization_required"], true);
    let arrivals = receiver.expect(before + 1).await;
    let arrival = arrivals.last().unwrap();
    assert_eq!(arrival.json()["changed_attributes"], changed(false, true));
    arrival.check_signatures(secret(&webhook));
    place.written("delivery.delivered", before + 1).await;
    let log = place.log().await;
    relink.kill().await;

    let relink = place.serve().await;
    let api = relink.api();
    let inbox = api.get(&format!("{INBOX}?consistent_to={position}")).await.json(200);
    assert_eq!(inbox["reauthorization_required"], true);
    assert_eq!(inbox["authorization_error_count"], 2);
    assert_eq!(place.log().await[..log.len()], log[..], "nothing is lost or changed");
    reauthorize(&api).await.json(200);
    let arrivals = receiver.expect(before + 2).await;
    let arrival = arrivals.last().unwrap();
    assert_eq!(arrival.json()["changed_attributes"], changed(true, false));
    place.written("delivery.delivered", before + 2).await;
    assert!(relink.terminate().await.success());
}

#[tokio::test]
async fn a_namespace_that_nothing_was_written_to_is_no_log() {
    let namespace = Namespace::new();
    let place = place_on(namespace.url());
    for command in [
        &["verify"][..],
        &["log"],
        &["stats"],
        &["rebuild"],
        &["at", "inbox/42", "1"],
        &["token", "list"],
        &["token", "revoke", "1"],
        &["copy", "--to", "embedded:copy"],
    ] {
        let done = place.run(command).await;
        assert_eq!(done.code, Some(3), "{command:?}: {done:?}");
        assert!(done.stderr.contains("there is no log in the namespace"), "{done:?}");
    }
    let copy = place.run(&["verify", "--data", "copy"]).await;
    assert_eq!(copy.code, Some(3), "{copy:?}");

    let created = place.run(&["token", "create", "--account", "1", "--role", "ingest"]).await;
    assert_eq!(created.code, Some(0), "{created:?}");
    assert!(created.stderr.contains("and a new one is begun"), "{created:?}");
    place.run_well(&["verify"]).await;
}

#[tokio::test]
async fn a_log_that_ends_before_what_was_made_of_it_is_not_served() {
    let (short, long) = (Namespace::new(), Namespace::new());
    let place = place_on(short.url());
    let created = place.run(&["token", "create", "--account", "1", "--role", "ingest"]).await;
    assert_eq!(created.code, Some(0), "{created:?}");
    let place = place.set("RELINK_STORE", long.url());
    let relink = place.serve().await;
    register(&relink.api()).await;
    fail(&relink.api()).await.json(200);
    // Stopping saves the views.
    assert!(relink.terminate().await.success());

    // As it is behind a server that was emptied, or put back to what it was before.
    let place = place.set("RELINK_STORE", short.url());
    for command in [&["serve"][..], &["rebuild"]] {
        let done = place.run(command).await;
        assert_eq!(done.code, Some(3), "{command:?}: {done:?}");
        assert!(done.stderr.contains("was emptied, or is older"), "{done:?}");
    }
    let place = place.set("RELINK_STORE", long.url());
    assert!(place.serve().await.terminate().await.success());
}

#[tokio::test]
async fn the_commands_work_on_it() {
    let namespace = Namespace::new();
    let place = place_on(namespace.url());
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    fail(&api).await.json(200);
    let first = fail(&api).await.position();
    reauthorize(&api).await.json(200);
    let then = place.run_well(&["at", "inbox/42", &first.to_string()]).await;
    assert!(then.contains("action_needed"), "{then}");
    let token = place.token(1, "ingest").await;
    steps::message(&api.by(&token), "by a token of the command line").await;
    assert!(relink.terminate().await.success());

    let said = place.run_well(&["verify"]).await;
    assert!(said.contains("the log is good"), "{said}");
    let stats = place.run_well(&["stats"]).await;
    assert!(stats.contains("inbox.reauthorized") && !stats.contains("on disk"), "{stats}");
    let stats: Value = serde_json::from_str(&place.run_well(&["stats", "--json"]).await).unwrap();
    assert_eq!(stats["disk_bytes"], Value::Null);
    place.run_well(&["rebuild"]).await;
    let all = place.log().await;
    let from = all[2]["position"].as_u64().unwrap();
    for from in [from, from - 1] {
        let printed = place.run_well(&["log", "--json", "--from", &from.to_string()]).await;
        assert_eq!(printed.lines().count(), all.len() - 2);
    }
    let last = place.run_well(&["log", "--json", "--last", "2"]).await;
    let positions = last.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let positions: Vec<_> = positions.map(|event| event["position"].clone()).collect();
    let expected: Vec<_> = all[all.len() - 2..].iter().map(|it| it["position"].clone()).collect();
    assert_eq!(positions, expected);
    let stream = place.run_well(&["log", "--stream", "inbox-42"]).await;
    assert!(stream.contains("inbox.reauthorized"), "{stream}");
}

#[tokio::test]
async fn a_log_moves_into_it_and_back() {
    let namespace = Namespace::new();
    let receiver = Receiver::start().await;
    let place = Place::new().set("ENABLE_INBOX_EVENTS", "true");
    let relink = place.serve().await;
    register(&relink.api()).await;
    let webhook = subscribe(&relink.api(), &receiver.url("/hook"), &["inbox_updated"]).await;
    fail(&relink.api()).await.json(200);
    fail(&relink.api()).await.json(200);
    place.written("delivery.delivered", receiver.expect(1).await.len()).await;
    assert!(relink.terminate().await.success());

    let copy = ["copy", "--from", "embedded", "--to", namespace.url()];
    let said = place.run_well(&copy).await;
    assert!(said.contains("of which 0 were there before"), "{said}");
    let again = place.run_well(&copy).await;
    let hash = said.rsplit_once(' ').unwrap().1;
    assert!(again.ends_with(hash) && !again.contains("of which 0 were"), "{again}");

    let place = place.set("RELINK_STORE", namespace.url());
    place.run_well(&["verify"]).await;
    let (before, count) = (place.log_of("delivery.queued").await.len(), receiver.arrivals().len());
    let relink = place.serve().await;
    reauthorize(&relink.api()).await.json(200);
    let arrivals = receiver.expect(count + 1).await;
    let arrival = arrivals.last().unwrap();
    assert_eq!(arrival.json()["changed_attributes"], changed(true, false));
    arrival.check_signatures(secret(&webhook));
    place.written("delivery.delivered", before + 1).await;
    assert_eq!(place.log_of("delivery.queued").await.len(), before + 1, "nothing is owed twice");
    assert!(relink.terminate().await.success());

    let folder = place.data().join("back");
    let back = format!("embedded:{}", folder.display());
    let said = place.run_well(&["copy", "--to", &back]).await;
    let records: usize = place.log().await.len();
    assert!(said.contains(&format!(" {records} records")), "{said}");
    let place = place.set("RELINK_STORE", "embedded").set("RELINK_DATA", folder.to_str().unwrap());
    assert_eq!(place.log().await.len(), records);
    place.run_well(&["verify"]).await;
}

#[tokio::test]
async fn a_copy_into_another_log_is_refused() {
    let namespace = Namespace::new();
    let place = place_on(namespace.url());
    place.token(1, "ingest").await;
    let place = place.set("RELINK_STORE", "embedded");
    place.token(1, "ingest").await;
    let done = place.run(&["copy", "--to", namespace.url()]).await;
    let said = done.refused(1).said();
    assert!(said.contains("is no copy of the log"), "{said}");
}

#[tokio::test]
async fn an_event_is_taken_only_where_its_delivery_fits_the_log_too() {
    let namespace = Namespace::new();
    let place = place_on(&format!("{}&maxAppendSize=1048576", namespace.url()));
    let relink = place.serve().await;
    let api = relink.api();
    steps::register_account(&api).await;
    let receiver = Receiver::start().await;
    subscribe(&api, &receiver.url("/hook"), &["message_created"]).await;
    let event = |size: usize| {
        let data = json!({ "id": 1, "content": "x".repeat(size) });
        json!({ "event": "message_created", "data": data })
    };
    let refused = api.post("/events", event((1 << 20) - 1000)).await;
    let said = refused.problem(413);
    assert!(said["detail"].as_str().unwrap().contains("the event's data"), "{said}");
    let largest = (1 << 20) - (64 << 10) - (16 << 10) - 100;
    assert_eq!(api.post("/events", event(largest)).await.status, 202);
    receiver.expect(1).await;
    place.written("delivery.delivered", 1).await;
}

#[tokio::test]
async fn while_the_server_is_gone_nothing_is_acknowledged_and_all_resumes_when_it_is_back() {
    let mut double = Double::start();
    let url = in_namespace(&double.url());
    let place = place_on(&url);
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    fail(&api).await.json(200);
    double.kill(0);
    let begun = Instant::now();
    fail(&api).await.problem(503);
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    let ready = api.get("//readyz").await.json(503);
    let failing = ready["log"]["failing"].as_str().unwrap();
    assert!(failing.contains("the log"), "{ready}");
    assert!(!ready.to_string().contains("EventStoreDB"), "no reason of the engine: {ready}");
    assert_eq!(api.get("//healthz").await.status, 200);
    // Another node may have made it meanwhile.
    let unknown = api.by("rl_made_elsewhere");
    assert_eq!(unknown.get(INBOX).await.status, 503);

    double.raise(0);
    let begun = Instant::now();
    let resumed = async { while api.get("//readyz").await.status != 200 {} };
    timeout(DEADLINE, resumed).await.expect("it is ready again");
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
    assert_eq!(unknown.get(INBOX).await.status, 401);
    let count = fail(&api).await.json(200)["authorization_error_count"].clone();
    let recorded = place.log_of("inbox.authorization_error_recorded").await.len();
    assert_eq!(json!(recorded), count, "what is counted is what is in the log");
    assert!(relink.terminate().await.success());
}

#[tokio::test]
async fn a_server_that_is_not_there_ends_commands_with_status_3() {
    let mut double = Double::start();
    double.kill(0);
    let place = place_on(&double.url());
    for command in [&["serve"][..], &["verify"], &["log"], &["bench", "cluster"]] {
        let done = place.run(command).await;
        let said = done.refused(3).said();
        assert!(
            said.contains("EventStoreDB cannot be reached at 127.0.0.1:"),
            "{command:?}: {said}"
        );
    }
    let place = place.set("RELINK_STORE", "esdb://admin:hunter2@localhost?namespace=A-b");
    let said = place.run(&["verify"]).await.refused(2).said();
    assert!(said.contains("namespace") && !said.contains("hunter2"), "{said}");
    let place = place.set("RELINK_STORE", "esdb://admin:hunter2@localhost?tlss=false");
    let said = place.run(&["verify"]).await.refused(2).said();
    assert!(said.contains("tlss is no parameter of a connection string; tls is"), "{said}");
}
