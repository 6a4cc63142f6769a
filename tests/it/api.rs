//! Calls the HTTP API as a user does.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::relink::DEADLINE;

/// One account, seen by the holder of one token.
#[derive(Clone)]
pub(crate) struct Api {
    http: reqwest::Client,
    address: String,
    account: u64,
    token: Option<String>,
}

impl Api {
    pub(crate) fn new(address: &str, token: &str) -> Self {
        let http = reqwest::Client::builder().timeout(DEADLINE).no_proxy().build().unwrap();
        let token = Some(token.to_owned());
        Self { http, address: address.to_owned(), account: 1, token }
    }

    /// The same, for another account.
    pub(crate) fn of_account(&self, account: u64) -> Self {
        Self { account, ..self.clone() }
    }

    /// The same, by another token.
    pub(crate) fn by(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same, by nobody.
    pub(crate) fn by_nobody(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// A call whose every part can still be changed. A path that begins with `//` is the server's,
    /// any other is the account's.
    pub(crate) fn call(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let path = match path.strip_prefix("//") {
            Some(path) => format!("/{path}"),
            None => format!("/api/v1/accounts/{}{path}", self.account),
        };
        let call = self.http.request(method, format!("http://{}{path}", self.address));
        match &self.token {
            Some(token) => call.header("api_access_token", token),
            None => call,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::to(self.call(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.call(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.call(Method::PUT, path).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.call(Method::PATCH, path).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::to(self.call(Method::DELETE, path)).await
    }

    /// A POST of bytes that need not be JSON.
    pub(crate) async fn post_raw(&self, path: &str, kind: &str, body: impl Into<String>) -> Answer {
        let call = self.call(Method::POST, path).header(CONTENT_TYPE, kind).body(body.into());
        Answer::to(call).await
    }
}

/// What the service answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The answer to a call that must be answered.
    pub(crate) async fn to(call: reqwest::RequestBuilder) -> Self {
        Self::perhaps(call).await.unwrap()
    }

    /// The answer, if the service lives to give one.
    pub(crate) async fn perhaps(call: reqwest::RequestBuilder) -> reqwest::Result<Self> {
        let answer = call.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        Ok(Self { status, headers, body: answer.text().await? })
    }

    /// Its JSON, after a status that must be this one.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }

    /// The position in a 200, 201 or 202.
    #[track_caller]
    pub(crate) fn position(&self) -> u64 {
        assert!(self.status.is_success(), "{}: {}", self.status, self.body);
        let body: Value = serde_json::from_str(&self.body).unwrap();
        body["position"].as_u64().unwrap_or_else(|| panic!("no position: {body}"))
    }

    /// Fails unless it is a problem of RFC 9457 with this status; the problem.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> Value {
        let problem = self.json(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["title"].is_string(), "{problem}");
        problem
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
