//! `relink serve`: from settings to a listening service, and back to rest on SIGTERM.

use std::sync::Arc;

use anyhow::Context as _;
use events::EventStore;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Stop;
use super::open::{self, For, Log};
use crate::app::{App, Parts, StartError};
use crate::clock::SystemClock;
use crate::config::{self, Settings};
use crate::http;
use crate::mail::{NO_MAIL, SmtpMail};
use crate::nearest::nearest;
use crate::outbound::{EveryWay, HttpOutbound, OutboundSettings};
use crate::telemetry;
use crate::vault::{self, Origin, Vault};

/// A shorter token of the administrator can be guessed.
const ADMIN_TOKEN_MIN: usize = 16;

/// The same flag as [`crate::config::Args`] has, which takes it everywhere and shows it nowhere:
/// nothing else listens.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to listen on, such as 127.0.0.1:4000 [env: RELINK_LISTEN] [default: 127.0.0.1:4000]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
}

pub(super) async fn run(settings: Settings) -> Result<(), Stop> {
    telemetry::start(settings.log_format, settings.log.as_deref())
        .map_err(|error| Stop::Usage(error.into()))?;
    warn(&settings);
    let listener = TcpListener::bind(settings.listen)
        .await
        .with_context(|| {
            format!("cannot listen on {} (--listen or RELINK_LISTEN)", settings.listen)
        })
        .map_err(Stop::Usage)?;
    let address = listener.local_addr().map_err(|error| Stop::Usage(error.into()))?;
    let log = open::log(&settings, For::Serving).await?;
    let vault = Arc::new(vault(&settings, &*log).await?);
    let stopping = stop_signal().map_err(|error| Stop::Usage(error.into()))?;

    let (app, running) = App::start(parts(&settings, &log, vault)?, &settings).await?;
    let url = format!("http://{address}");
    if let Some(token) = app.first_token().await? {
        println!("administrator token (shown only now): {token}");
    }
    if let Err(error) = log.announce(&url) {
        tracing::warn!("a second serve will not be told where this one listens: {error}");
    }
    println!("listening on {url}");
    if !app.mail {
        tracing::info!("{NO_MAIL}");
    }

    http::serve(listener, app, told(stopping)).await;
    running.stop().await;
    log.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Tells what can be used and is hardly meant.
fn warn(settings: &Settings) {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in config::unknown(names) {
        let meant = meant(&name);
        tracing::warn!("{name} is set, and there is no such setting: it does nothing; {meant}");
    }
    let token = settings.admin_token.as_ref().map(|token| token.expose());
    if token.is_some_and(|token| token.len() < ADMIN_TOKEN_MIN) {
        tracing::warn!(
            "RELINK_ADMIN_TOKEN has less than {ADMIN_TOKEN_MIN} characters and is easily guessed; \
             make one with `openssl rand -hex 32`"
        );
    }
}

/// Which setting was meant by a variable that is none.
fn meant(name: &str) -> String {
    match nearest(own(name), config::variables().map(own)) {
        Some(meant) => format!("RELINK_{meant} is one"),
        None => "`relink serve --help` tells which there are".to_owned(),
    }
}

/// Without what all begin with, which says nothing.
fn own(name: &str) -> &str {
    name.strip_prefix("RELINK_").unwrap_or(name)
}

fn parts(settings: &Settings, log: &Log, vault: Arc<Vault>) -> Result<Parts, Stop> {
    let clock = Arc::new(SystemClock);
    let outbound = OutboundSettings {
        default_timeout: settings.webhook_timeout,
        allow_private: settings.allow_private.clone(),
    };
    let http =
        HttpOutbound::new(outbound, vault.clone()).map_err(|error| Stop::Usage(error.into()))?;
    let mail = settings.mail.as_ref();
    let mail = mail
        .map(|mail| SmtpMail::new(mail, settings.webhook_timeout, clock.clone()))
        .transpose()
        .map_err(|error| Stop::Usage(error.into()))?;
    Ok(Parts {
        store: log.store(),
        snapshots: Arc::new(open::snapshots(settings)),
        clock,
        vault,
        outbound: Arc::new(EveryWay { http, mail }),
        identity: open::identity(settings),
        roster: log.roster(),
    })
}

/// The vault that fits the log. A key is made only for a log that knows none yet.
async fn vault(settings: &Settings, log: &dyn EventStore) -> Result<Vault, Stop> {
    let file = vault::key_file(&settings.data);
    let known = open::installation(log).await?.key.map(|(key, _)| key);
    if let (Some(needed), None, false) = (known, &settings.secret_key, file.exists()) {
        return Err(StartError::NoKey { needed, file }.into());
    }
    let setting = settings.secret_key.as_ref().map(|secret| secret.expose());
    let (vault, origin) =
        Vault::open(setting, &settings.data).map_err(|error| Stop::Usage(error.into()))?;
    if let Origin::Generated(path) = origin {
        tracing::warn!(
            "RELINK_SECRET_KEY is not set: a key was made in {}; keep a copy of it apart from the \
             log: without it the log's secrets are lost and nothing is served from it",
            path.display()
        );
    }
    Ok(vault)
}

/// Told once, on SIGTERM or SIGINT.
fn stop_signal() -> std::io::Result<watch::Receiver<bool>> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (tell, told) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: finishing what is in flight");
        tell.send_replace(true);
    });
    Ok(told)
}

/// Returns once the signal has come.
async fn told(mut stopping: watch::Receiver<bool>) {
    // The sender ends only after it has told.
    let _ = stopping.wait_for(|stop| *stop).await;
}

impl From<StartError> for Stop {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Log(failure) => failure.into(),
            StartError::OtherKey { .. } | StartError::NoKey { .. } => Self::Usage(error.into()),
            StartError::OlderKey(_) => Self::Wrong(error.into()),
            StartError::Installation(refused) => refused.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_named_only_where_it_may_be_meant() {
        assert_eq!(meant("RELINK_RETENTON"), "RELINK_RETENTION is one");
        assert_eq!(meant("RELINK_SMTP_URI"), "RELINK_SMTP_URL is one");
        for name in ["RELINK_DATABASE_URL", "RELINK_XYZ", "RELINK_"] {
            assert_eq!(meant(name), "`relink serve --help` tells which there are", "{name}");
        }
    }
}
