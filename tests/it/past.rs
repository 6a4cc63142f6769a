//! No question about the past goes unanswered: health at any moment, timelines, `at`, `log`.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::api::Api;
use crate::relink::Place;
use crate::steps::{INBOX, fail, reauthorize, register};

/// A moment of the story: where the log ended, what time it was, and what state the inbox had.
struct Moment {
    position: u64,
    time: String,
    state: &'static str,
}

/// One error, a second, and the way back; with the moment behind each.
async fn story(api: &Api) -> Vec<Moment> {
    register(api).await;
    let mut moments = Vec::new();
    for (state, answer) in [
        ("degraded", fail(api).await),
        ("action_needed", fail(api).await),
        ("healthy", reauthorize(api).await),
    ] {
        let position = answer.position();
        moments.push(Moment { position, time: String::new(), state });
    }
    moments
}

/// The same, told slowly: the view is asked for its time behind each step.
async fn timed_story(api: &Api) -> Vec<Moment> {
    register(api).await;
    let mut moments = Vec::new();
    for state in ["degraded", "action_needed", "healthy"] {
        let answer = if state == "healthy" { reauthorize(api).await } else { fail(api).await };
        let position = answer.position();
        let health = api.get(&format!("/health?consistent_to={position}")).await.json(200);
        let time = health["as_of"].as_str().unwrap().to_owned();
        moments.push(Moment { position, time, state });
    }
    moments
}

fn state_of_the_inbox(health: &Value) -> Value {
    let inboxes = health["inboxes"].as_array().unwrap();
    let inbox = inboxes.iter().find(|inbox| inbox["id"] == 42);
    inbox.map_or(Value::Null, |inbox| inbox["state"].clone())
}

#[tokio::test]
async fn health_at_a_position_is_as_it_was_there() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    for moment in story(&api).await {
        let health = api.get(&format!("/health?at={}", moment.position)).await.json(200);
        assert_eq!(state_of_the_inbox(&health), moment.state, "{health}");
        assert_eq!(health["position"], moment.position, "{health}");
    }
}

#[tokio::test]
async fn health_at_a_time_is_as_it_was_then() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    let moments = timed_story(&api).await;
    for moment in &moments {
        let health = api.get(&format!("/health?at={}", moment.time)).await.json(200);
        assert_eq!(state_of_the_inbox(&health), moment.state, "at {}: {health}", moment.time);
    }
    let before = api.get("/health?at=2001-01-01T00:00:00Z").await.json(200);
    assert_eq!(state_of_the_inbox(&before), Value::Null, "nobody knew of the inbox: {before}");
    api.get("/health?at=yesterday").await.problem(400);
}

#[tokio::test]
async fn the_past_is_the_same_behind_a_restart() {
    let place = Place::new();
    let relink = place.serve().await;
    let moments = story(&relink.api()).await;
    relink.kill().await;
    let relink = place.serve().await;
    for moment in moments {
        let health = relink.api().get(&format!("/health?at={}", moment.position)).await.json(200);
        assert_eq!(state_of_the_inbox(&health), moment.state, "{health}");
    }
}

#[tokio::test]
async fn health_is_filtered_by_state() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let other = json!({ "name": "Another", "channel_type": "Channel::Whatsapp" });
    assert_eq!(api.put("/inboxes/43", other).await.status, 201);
    fail(&api).await.position();
    let position = fail(&api).await.position();
    let path = format!("/health?state=action_needed&consistent_to={position}");
    let health = api.get(&path).await.json(200);
    assert_eq!(health["inboxes"].as_array().unwrap().len(), 1, "{health}");
    assert_eq!(state_of_the_inbox(&health), "action_needed");
}

#[tokio::test]
async fn a_timeline_is_newest_first_with_cause_and_correlation() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    let moments = story(&api).await;
    let position = moments[2].position;

    let path = format!("{INBOX}/timeline?consistent_to={position}");
    let timeline = api.get(&path).await.json(200);
    let events = timeline["events"].as_array().unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "inbox.reauthorized",
            "inbox.reauthorization_required",
            "inbox.authorization_error_recorded",
            "inbox.authorization_error_recorded",
            "inbox.registered",
        ]
    );
    for event in events {
        assert!(event["correlation_id"].is_string(), "{event}");
        assert!(event["causation_id"].is_string(), "{event}");
        assert!(event["at"].is_string(), "{event}");
        assert_eq!(event["actor"], "admin", "{event}");
    }
    assert_eq!(
        events[1]["correlation_id"], events[2]["correlation_id"],
        "one request brought both"
    );
    assert_ne!(events[0]["correlation_id"], events[1]["correlation_id"]);

    let page = api.get(&format!("{INBOX}/timeline?limit=2")).await.json(200);
    assert_eq!(page["events"].as_array().unwrap().len(), 2);
    let before = page["events"][1]["position"].as_u64().unwrap();
    let page = api.get(&format!("{INBOX}/timeline?limit=2&before={before}")).await.json(200);
    assert_eq!(page["events"][0], events[2]);
}

#[tokio::test]
async fn at_tells_a_subject_as_it_was_while_the_service_runs() {
    let place = Place::new();
    let relink = place.serve().await;
    let moments = timed_story(&relink.api()).await;
    for moment in &moments {
        for when in [moment.position.to_string(), moment.time.clone()] {
            let said = place.run_well(&["at", "inbox/42", &when]).await;
            assert!(said.contains(moment.state), "inbox/42 at {when}:\n{said}");
        }
    }
    place.run(&["at", "inbox/42", "yesterday"]).await.refused(2);
    place.run(&["at", "parrot/42", "1"]).await.refused(2);
    place.run(&["at", "inbox/77", "1000000"]).await.refused(1);
    drop(relink);
}

#[tokio::test]
async fn the_log_is_printed_while_the_service_runs() {
    let place = Place::new();
    let relink = place.serve().await;
    let moments = story(&relink.api()).await;

    let log = place.log().await;
    let positions: Vec<_> = log.iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
    assert!(positions.contains(&moments[2].position));
    let error = log.iter().find(|event| event["type"] == "inbox.authorization_error_recorded");
    let error = error.unwrap();
    assert_eq!(error["stream"], "inbox-42");
    assert_eq!(error["data"]["evidence"]["code"], "190", "{error}");

    let one = place.run_well(&["log", "--json", "--stream", "inbox-42"]).await;
    assert!(one.lines().all(|line| line.contains("inbox-42")), "{one}");
    assert_eq!(one.lines().count(), 5, "{one}");

    let from = moments[2].position.to_string();
    let tail = place.run_well(&["log", "--json", "--from", &from]).await;
    assert!(tail.lines().next().unwrap().contains("inbox.reauthorized"), "{tail}");

    let text = place.run_well(&["log"]).await;
    assert!(text.contains("inbox.reauthorized"), "{text}");
    drop(relink);
}

#[tokio::test]
async fn of_the_log_only_the_end_is_shown_where_that_is_asked_for() {
    let place = Place::new();
    let relink = place.serve().await;
    story(&relink.api()).await;
    assert!(relink.terminate().await.success());
    let lines = async |arguments: &[&str]| {
        let printed = place.run_well(&[&["log", "--json"], arguments].concat()).await;
        printed.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = lines(&[]).await;
    assert_eq!(lines(&["--last", "2"]).await, all[all.len() - 2..]);
    assert_eq!(lines(&["--last", "10000"]).await, all);
    let of_inbox = lines(&["--stream", "inbox-42"]).await;
    assert_eq!(lines(&["--stream", "inbox-42", "--last", "2"]).await, of_inbox[3..]);
    assert_eq!(lines(&["--stream", "inbox-42", "--last", "9"]).await, of_inbox);
    let short = place.run_well(&["log", "--short"]).await;
    let longest = short.lines().map(|line| line.chars().count()).max();
    assert!(longest < Some(260) && short.contains("..."), "{short}");
    place.run(&["log", "--stream", "inbox-9", "--last", "1"]).await.refused(1);
    for wrong in [&["--last", "0"][..], &["--last", "1", "--from", "1"], &["--short", "--json"]] {
        place.run(&[&["log"], wrong].concat()).await.refused(2);
    }
}

#[tokio::test]
async fn who_follows_the_log_begins_at_its_end() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    let end = story(&api).await.pop().unwrap().position;
    let last = ["log", "--follow", "--json", "--last", "1"];
    for (arguments, first) in [(&last[..3], end + 1), (&last, end)] {
        let mut child = place.command(arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reports = async {
            // Until one of them comes behind the beginning.
            loop {
                fail(&api).await.json(200);
            }
        };
        let line = tokio::select! {
            line = lines.next_line() => line.unwrap().unwrap(),
            () = reports => unreachable!("it never ends"),
        };
        let position = serde_json::from_str::<Value>(&line).unwrap()["position"].as_u64();
        assert!(position >= Some(first), "{arguments:?} begins with {line}, behind {end}");
        child.kill().await.unwrap();
    }
}
