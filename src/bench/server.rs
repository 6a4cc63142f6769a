//! The service under measurement: this very binary, as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};

/// The token that every measured server knows.
pub(super) const TOKEN: &str = "bench-administrator";

/// A key that seals nothing worth keeping.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

pub(super) struct Server {
    child: Child,
    pub(super) url: String,
    client: reqwest::Client,
}

impl Server {
    /// Starts it on a free port; returns once it listens.
    pub(super) async fn start(data: &Path, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env("RELINK_ADMIN_TOKEN", TOKEN)
            .env("RELINK_SECRET_KEY", KEY)
            .env("RELINK_ALLOW_PRIVATE", "127.0.0.0/8")
            .env("RELINK_LOG", "warn")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the server")?;
        let stdout = child.stdout.take().context("the server has no output")?;
        let url = tokio::task::spawn_blocking(move || {
            BufReader::new(stdout)
                .lines()
                .map_while(Result::ok)
                .find_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
        });
        let Some(url) = url.await? else { bail!("the server ended before it listened") };
        Ok(Self { child, url, client: reqwest::Client::new() })
    }

    /// The address without its scheme.
    pub(super) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap_or(&self.url)
    }

    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// One call that has to succeed; the answer's body.
    pub(super) async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> anyhow::Result<serde_json::Value> {
        self.call_as(method, path, "application/json", body).await
    }

    pub(super) async fn call_as(
        &self,
        method: reqwest::Method,
        path: &str,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> anyhow::Result<serde_json::Value> {
        let request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .header("api_access_token", TOKEN)
            .header("content-type", content_type)
            .body(body);
        let response = request.send().await?;
        let (status, text) = (response.status(), response.text().await?);
        if !status.is_success() {
            bail!("{path} answered {status}: {text}");
        }
        Ok(serde_json::from_str(&text).unwrap_or(serde_json::Value::Null))
    }

    /// The account that everything is measured in.
    pub(super) async fn register_account(&self) -> anyhow::Result<()> {
        self.call(reqwest::Method::PUT, "/api/v1/accounts/1", r#"{"name":"Bench"}"#).await?;
        Ok(())
    }

    /// Subscribes a url to `message_created`.
    pub(super) async fn subscribe(&self, url: &str) -> anyhow::Result<()> {
        let body = format!(r#"{{"url":"{url}","subscriptions":["message_created"]}}"#);
        self.call(reqwest::Method::POST, "/api/v1/accounts/1/webhooks", body).await?;
        Ok(())
    }

    /// Resident memory in bytes.
    pub(super) fn memory(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process()))
            .context("memory is read from /proc, which this system has not")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        Ok(kilobytes.context("no VmRSS in /proc")? * 1024)
    }

    /// What `/metrics` says of one gauge, all labels together.
    pub(super) async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let response = self.client.get(format!("{}/metrics", self.url)).send().await?;
        let text = response.text().await?;
        let values = text.lines().filter(|line| line.starts_with(name));
        Ok(values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
