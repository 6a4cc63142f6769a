//! A whole service in memory, asked without a socket.

use std::sync::Arc;

use actors::Context;
use actors::installation::{Command, TheOne};
use actors::ports::{Attempt, Made, Outbound};
use axum::body::Body;
use axum::http::{Request, Response};
use events::installation::Role;
use events::store::memory::MemoryStore;
use events::{AccountId, Actor, EventStore, TokenId};
use futures_core::future::BoxFuture;
use projections::{SnapshotFailure, Snapshots};
use serde_json::Value;
use uuid::Uuid;

use crate::app::{App, Parts, Running};
use crate::clock::SystemClock;
use crate::config::{Args, resolve};
use crate::node::Identity;
use crate::tokens;
use crate::vault::Vault;

pub(super) const ADMIN: &str = "rl_administrator";

/// Keeps nothing.
struct NoSnapshots;

impl Snapshots for NoSnapshots {
    fn load(&self, _: &str) -> Result<Option<Vec<u8>>, SnapshotFailure> {
        Ok(None)
    }

    fn save(&self, _: &str, _: &[u8]) -> Result<(), SnapshotFailure> {
        Ok(())
    }
}

/// Reaches nobody.
struct Nowhere;

impl Outbound for Nowhere {
    fn attempt(&self, _: Attempt) -> BoxFuture<'_, Made> {
        Box::pin(std::future::pending())
    }
}

/// The service under test.
pub(crate) struct Service {
    pub(crate) app: Arc<App>,
    front: super::Front,
    running: Running,
}

/// An answer with its body read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(super) head: axum::http::response::Parts,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(super) async fn of(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Self { status: head.status.as_u16(), head, text }
    }
}

impl Service {
    pub(super) async fn start() -> Self {
        let service = Self::start_unread().await;
        assert!(service.running.caught_up().await);
        service
    }

    /// The views have not read the log yet.
    pub(super) async fn start_unread() -> Self {
        Self::over(Arc::new(MemoryStore::default())).await
    }

    /// As it starts with this log.
    pub(crate) async fn over(store: Arc<dyn EventStore>) -> Self {
        let parts = Parts {
            store,
            snapshots: Arc::new(NoSnapshots),
            clock: Arc::new(SystemClock),
            vault: Arc::new(Vault::from_key([7; 32])),
            outbound: Arc::new(Nowhere),
            identity: Identity::passing(Some("one")),
            roster: None,
        };
        let admin = |name: &str| (name == "RELINK_ADMIN_TOKEN").then(|| ADMIN.to_owned());
        let settings = resolve(&Args::default(), admin, None).unwrap();
        let (app, running) = App::start(parts, &settings).await.unwrap();
        Self { front: super::Front::new(app.clone()), app, running }
    }

    /// Returns once views and fan-out have been at the end of the log.
    pub(crate) async fn caught_up(&self) {
        let mut views = self.app.view_status.clone();
        views.wait_for(|status| status.caught_up).await.unwrap();
        let mut fanout = self.app.fanout.clone();
        fanout.wait_for(|progress| progress.caught_up).await.unwrap();
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.front.answer(request).await).await
    }

    /// A new token of account 1.
    pub(super) async fn token(&self, role: Role) -> String {
        let token = tokens::generate();
        let id = Uuid::new_v4();
        let (hash, account) = (tokens::hash(&token), Some(AccountId(1)));
        let command = Command::CreateToken { hash, account, role };
        let now = self.app.clock.now();
        let context = Context { id, correlation: id, actor: Actor::COMMAND_LINE, account, now };
        let done = self.app.actors.installation.ask(TheOne, context, command).await.unwrap();
        self.app.acknowledge(done.position);
        token
    }

    /// As the installation's administrator, below `/api/v1/accounts/`.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let request = request(method, path).header("api_access_token", ADMIN);
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }
}

/// A service with account 1, its inbox 42 of WhatsApp, and account 2.
pub(super) async fn furnished() -> Service {
    let service = Service::start().await;
    for account in ["1", "2"] {
        assert_eq!(service.call("PUT", account, r#"{"name":"Acme"}"#).await.status, 201);
    }
    let inbox = r#"{"name":"Support","channel_type":"Channel::Whatsapp"}"#;
    assert_eq!(service.call("PUT", "1/inboxes/42", inbox).await.status, 201);
    service
}

pub(super) fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(format!("/api/v1/accounts/{path}"))
}

/// Lets a token be good for nothing, as the command line does, and waits until the views know.
pub(super) async fn revoke(app: &App, token: TokenId) {
    let (id, actor, now) = (Uuid::new_v4(), Actor::COMMAND_LINE, app.clock.now());
    let context = Context { id, correlation: id, actor, account: Some(AccountId(1)), now };
    let command = Command::RevokeToken(token);
    let done = app.actors.installation.ask(TheOne, context, command).await.unwrap();
    app.acknowledge(done.position);
    app.all_writes().await;
}
