//! What each setting's text means.

use std::borrow::Cow;
use std::error::Error as _;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use lettre::message::Mailbox;
use url::Url;

use super::{LogFormat, Secret, StoreSetting, duration};
use crate::outbound::TIMEOUT_MAX;
use crate::store::eventstoredb::EventStoreDbSettings;
use crate::telemetry;
use crate::vault::{self, Vault};

/// What is wrong, and what would be right.
type Read<T> = Result<T, String>;

const WAITS_MAX: usize = 100;

/// Ledgers are summed up eight times in what they are kept for, which is work.
const RETENTION_MIN: Duration = Duration::from_secs(1);

pub(super) fn listen(text: &str) -> Read<SocketAddr> {
    text.parse().map_err(|_| {
        format!("{text:?} is no IP address with a port, such as 127.0.0.1:4000 or [::1]:4000")
    })
}

pub(super) fn folder(text: &str) -> Read<PathBuf> {
    match text {
        "" => Err("names no folder; write one such as ./data".to_owned()),
        path => Ok(PathBuf::from(path)),
    }
}

pub(super) fn store(text: &str) -> Read<StoreSetting> {
    if text == "embedded" {
        return Ok(StoreSetting::Embedded);
    }
    // The text is not repeated: it may hold a password.
    match EventStoreDbSettings::parse(text) {
        Ok(_) => Ok(StoreSetting::EventStoreDb(Secret::new(text))),
        Err(error) => Err(format!("not `embedded`, and {error}")),
    }
}

/// What a node may be called.
pub(super) fn node(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.len() <= 64 && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err("a name has at most 64 letters, digits, hyphens, underscores and full stops".to_owned())
}

pub(super) fn admin_token(text: &str) -> Read<Secret> {
    if text.is_empty() {
        Err("is empty, so anybody would be administrator; remove it or set a token".to_owned())
    } else if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(Secret::new(text))
    } else {
        Err("holds characters that a header cannot carry; use letters, digits and punctuation"
            .to_owned())
    }
}

pub(super) fn secret_key(text: &str) -> Read<Secret> {
    if vault::can_be_setting(text) {
        Ok(Secret::new(text))
    } else {
        Err("neither 32 bytes in base64 nor file:PATH; make a key with `openssl rand -base64 32`"
            .to_owned())
    }
}

/// The same, for who is about to open it: a file that it names is looked at.
pub(super) fn readable_key(text: &str) -> Read<Secret> {
    let key = secret_key(text)?;
    let Some(path) = text.strip_prefix("file:").map(Path::new) else { return Ok(key) };
    // A pipe can be read only once, which is for later.
    let read = match fs::metadata(path) {
        Ok(file) if !file.is_file() && !file.is_dir() => Ok(()),
        Ok(_) | Err(_) => Vault::check(text),
    };
    read.map(|()| key).map_err(|error| match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}

pub(super) fn switch(text: &str) -> Read<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "" | "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

/// An empty list, which only the file can hold, means one attempt and no more.
pub(super) fn schedule(text: &str) -> Read<Vec<Duration>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let waits: Vec<_> = text
        .split(',')
        .map(duration::parse)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{error}; write waits as 5s,5m,30m"))?;
    if waits.len() > WAITS_MAX {
        return Err(format!("{} waits are more than {WAITS_MAX}", waits.len()));
    }
    Ok(waits)
}

pub(super) fn timeout(text: &str) -> Read<Duration> {
    match duration::parse(text) {
        Ok(Duration::ZERO) => Err("no exchange ends in no time; write a timeout as 15s".to_owned()),
        Ok(timeout) if timeout > TIMEOUT_MAX => {
            Err(format!("{text} is longer than {}", duration::format(TIMEOUT_MAX)))
        }
        Ok(timeout) => Ok(timeout),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn span(text: &str) -> Read<Duration> {
    match duration::parse(text) {
        Ok(Duration::ZERO) => Err("no time is too short; write it as 5d".to_owned()),
        Ok(span) => Ok(span),
        Err(error) => Err(error.to_string()),
    }
}

/// How long something is kept; none is for ever.
pub(super) fn retention(text: &str) -> Read<Option<Duration>> {
    if matches!(text, "off" | "0") {
        return Ok(None);
    }
    match duration::parse(text) {
        Ok(keep) if keep.is_zero() => Ok(None),
        Ok(keep) if keep < RETENTION_MIN => {
            Err(format!("{text} is shorter than {}", duration::format(RETENTION_MIN)))
        }
        Ok(keep) => Ok(Some(keep)),
        Err(error) => Err(format!("{error}, nor off")),
    }
}

pub(super) fn networks(text: &str) -> Read<Vec<IpNet>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(network).collect()
}

fn network(text: &str) -> Read<IpNet> {
    let address = || text.parse().map(|address: std::net::IpAddr| IpNet::from(address));
    text.parse()
        .or_else(|_| address())
        .map_err(|_| format!("{text:?} is no network such as 127.0.0.0/8 or fd00::/8"))
}

pub(super) fn smtp_url(text: &str) -> Read<Secret> {
    // The text is not repeated: it may hold a password.
    let problem = "no address of a mail server such as smtp://USER:PASSWORD@HOST:587?tls=required \
                   or smtps://HOST";
    let url =
        Url::parse(text).ok().filter(|url| url.host_str().is_some_and(|host| !host.is_empty()));
    let url = url.filter(|url| matches!(url.scheme(), "smtp" | "smtps")).ok_or(problem)?;
    let tls: Vec<_> = url.query_pairs().filter(|(key, _)| key == "tls").collect();
    if tls.iter().any(|(_, value)| !matches!(&**value, "required" | "opportunistic" | "none")) {
        return Err("tls is neither required, opportunistic nor none".to_owned());
    }
    if tls.is_empty() && sends_password_in_clear(&url) {
        return Err("the password would be sent in clear; write ?tls=required, or smtps, or \
                    ?tls=none where the network may read it"
            .to_owned());
    }
    Ok(Secret::new(text))
}

/// Whether a password would leave the machine unencrypted.
pub(super) fn sends_password_in_clear(url: &Url) -> bool {
    let encrypts = |(key, value): (Cow<'_, str>, Cow<'_, str>)| key == "tls" && value != "none";
    url.scheme() == "smtp"
        && url.password().is_some()
        && !url.query_pairs().any(encrypts)
        && !url.host_str().is_some_and(is_loopback)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

pub(super) fn mailbox(text: &str) -> Read<Mailbox> {
    text.parse().map_err(|_| format!("{text:?} is no address such as Relink <relink@example.com>"))
}

pub(super) fn frontend(text: &str) -> Read<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| format!("{text:?} is no address such as https://chat.example.com"))
}

pub(super) fn host(text: &str) -> Read<String> {
    let host = url::Host::parse(text).map_err(|_| format!("{text:?} is no host"))?;
    Ok(host.to_string())
}

pub(super) fn port(text: &str) -> Read<u16> {
    text.parse().map_err(|_| format!("{text:?} is no port"))
}

pub(super) fn log(text: &str) -> Read<String> {
    telemetry::check(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

pub(super) fn log_format(text: &str) -> Read<LogFormat> {
    match text {
        "auto" => Ok(LogFormat::Auto),
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("{text:?} is neither text, json nor auto")),
    }
}

pub(super) fn limit(text: &str) -> Read<usize> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("{text:?} is no whole number of at least 1")),
        Ok(limit) => Ok(limit),
    }
}
