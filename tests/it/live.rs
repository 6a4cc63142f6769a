//! `GET /live`: an account's events as they happen, resumed where a reader left.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::api::Api;
use crate::relink::{DEADLINE, Place};
use crate::steps::{INBOX, fail, reauthorize, register, subscribe};

/// One event of the stream.
#[derive(Debug)]
struct Event {
    id: u64,
    name: String,
    data: Value,
}

/// A reader as a browser has it, without coming again by itself.
struct Reader {
    response: Response,
    unread: String,
}

impl Reader {
    async fn behind(api: &Api, position: Option<u64>) -> Self {
        let mut call = api.call(Method::GET, "/live");
        if let Some(position) = position {
            call = call.header("last-event-id", position.to_string());
        }
        let response = call.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut reader = Self { response, unread: String::new() };
        assert_eq!(reader.block().await.as_deref(), Some("retry: 2000"));
        reader
    }

    /// What stands before the next blank line; none at the end of the stream.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let block = block.to_owned();
                self.unread = rest.to_owned();
                return Some(block);
            }
            let chunk = timeout(DEADLINE, self.response.chunk()).await.expect("something comes");
            let chunk = chunk.ok().flatten()?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event; heartbeats are passed over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                let mut lines = block.lines();
                lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            };
            let Some(data) = field("data") else { continue };
            return Some(Event {
                id: field("id").unwrap().parse().unwrap(),
                name: field("event").unwrap().to_owned(),
                data: serde_json::from_str(data).unwrap(),
            });
        }
    }

    async fn names(&mut self, count: usize) -> Vec<String> {
        let mut names = vec![];
        while names.len() < count {
            names.push(self.next().await.expect("the stream goes on").name);
        }
        names
    }
}

#[tokio::test]
async fn what_happens_is_told_by_name_with_its_position() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let mut reader = Reader::behind(&api, None).await;
    fail(&api).await.json(200);
    let second = fail(&api).await.json(200)["position"].as_u64().unwrap();
    reauthorize(&api).await.json(200);
    let error = "inbox.authorization_error_recorded";
    assert_eq!(reader.names(2).await, [error, error]);
    let required = reader.next().await.unwrap();
    assert_eq!(required.name, "inbox.reauthorization_required");
    assert_eq!((required.id, &required.data["position"]), (second, &json!(second)));
    assert_eq!(required.data["stream"], "inbox-42");
    assert_eq!(reader.names(1).await, ["inbox.reauthorized"]);
}

#[tokio::test]
async fn a_reader_that_comes_again_misses_nothing() {
    let place = Place::new();
    let relink = place.serve().await;
    register(&relink.api()).await;
    let mut reader = Reader::behind(&relink.api(), None).await;
    fail(&relink.api()).await.json(200);
    let seen = reader.next().await.unwrap().id;
    drop(reader);
    fail(&relink.api()).await.json(200);
    relink.kill().await;

    let relink = place.serve().await;
    let mut reader = Reader::behind(&relink.api(), Some(seen)).await;
    let names = ["inbox.authorization_error_recorded", "inbox.reauthorization_required"];
    assert_eq!(reader.names(2).await, names);
    let mut far = Reader::behind(&relink.api(), Some(u64::MAX)).await;
    reauthorize(&relink.api()).await.json(200);
    assert_eq!(far.names(1).await, ["inbox.reauthorized"]);
    assert_eq!(reader.names(1).await, ["inbox.reauthorized"]);
}

#[tokio::test]
async fn nobody_sees_what_is_anothers_or_an_administrators() {
    let place = Place::new();
    let relink = place.serve().await;
    let api = relink.api();
    register(&api).await;
    let account = |name: &str| json!({ "name": name });
    api.of_account(2).get("/live").await.problem(404);
    api.of_account(2).put("", account("Other")).await.json(201);
    let agent = api.by(&place.token(1, "agent").await);
    assert_eq!(agent.of_account(2).get("/live").await.status, 401);
    let mut agent = Reader::behind(&agent, None).await;
    let mut other = Reader::behind(&api.of_account(2), None).await;
    let mut administrator = Reader::behind(&api, None).await;
    subscribe(&api, "https://example.com/hook", &["*"]).await;
    fail(&api).await.json(200);
    api.of_account(2).put("", account("Another")).await.json(200);
    assert_eq!(agent.names(1).await, ["inbox.authorization_error_recorded"]);
    assert_eq!(other.names(1).await, ["account.renamed"]);
    let names = ["account.webhook_url_claimed", "inbox.authorization_error_recorded"];
    let seen = administrator.names(3).await;
    assert!(names.iter().all(|name| seen.iter().any(|it| it == name)), "{seen:?}");
    assert!(seen.contains(&"webhook.created".to_owned()), "{seen:?}");
}

#[tokio::test]
async fn the_stream_ends_when_the_service_stops() {
    let place = Place::new();
    let relink = place.serve().await;
    register(&relink.api()).await;
    let mut reader = Reader::behind(&relink.api(), None).await;
    let renamed = json!({ "name": "Renamed" });
    relink.api().put(INBOX, renamed).await.json(200);
    assert_eq!(reader.names(1).await, ["inbox.renamed"]);
    let end = tokio::spawn(async move { reader.next().await });
    assert!(relink.terminate().await.success());
    assert!(end.await.unwrap().is_none());
}
