//! The connection string: the client's own, with `namespace` and `maxAppendSize` of ours.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use eventstore::ClientSettings;

use crate::nearest::nearest;

/// As long as a namespace may be.
const NAMESPACE_MAX: usize = 32;

/// What the client knows, and what is ours. It passes over whatever else it is given.
const PARAMETERS: [&str; 15] = [
    "tls",
    "tlsVerifyCert",
    "tlsCaFile",
    "userCertFile",
    "userKeyFile",
    "nodePreference",
    "maxDiscoverAttempts",
    "discoveryInterval",
    "gossipTimeout",
    "keepAliveInterval",
    "keepAliveTimeout",
    "defaultDeadline",
    "connectionName",
    "namespace",
    "maxAppendSize",
];

/// As long as the connection to a node may say nothing before it is asked, and as long as that may
/// take, in milliseconds. The client passes over less.
const KEEP_ALIVE: RangeInclusive<u64> = 10_000..=60_000;

/// In milliseconds. Nothing takes as long, and the client panics where it is hundreds of years.
const DEADLINE_MAX: u64 = 86_400_000;

/// As little as a server may be set to take in one append: less would not hold one request.
const APPEND_SIZE_MIN: usize = 256 << 10;

/// Which EventStoreDB, and what of it is ours. It may hold a password, so its debug form shows
/// nothing.
#[derive(Clone)]
pub struct EventStoreDbSettings {
    pub(super) client: ClientSettings,
    /// Before every stream's name, so that several installations share one cluster.
    pub(super) namespace: Option<String>,
    /// What the server is set to take in one append, in bytes.
    pub(super) append_size: Option<usize>,
}

/// What is wrong with a connection string. It never repeats the string, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The client cannot read it.
    #[error("no connection string such as esdb://HOST:2113?tls=false")]
    Unreadable,
    /// The client would pass over it, and with it over what was meant.
    #[error("{name} is no parameter of a connection string; {}", meant(*nearest))]
    Unknown {
        /// What it is called; where it may be a piece of a password, only where it stands.
        name: String,
        /// The known one that is like it, if one is.
        nearest: Option<&'static str>,
    },
    /// The client cannot read what stands behind it.
    #[error("the value of {0} cannot be read")]
    Value(&'static str),
    /// The client panics at its first call with more, or with less than none.
    #[error("defaultDeadline must be milliseconds, at most {DEADLINE_MAX}; leave it out for none")]
    Deadline,
    /// What one node decides must be the next to what another wrote, and other nodes lag behind.
    #[error("nodePreference must be leader, for only the leader tells what is; leave it out")]
    NodePreference,
    /// Whoever waits among others' events stays with an answer whose node is gone.
    #[error(
        "keepAliveInterval and keepAliveTimeout must be milliseconds, {} to {}: nothing else tells \
         that a node is gone",
        KEEP_ALIVE.start(), KEEP_ALIVE.end()
    )]
    KeepAlive,
    /// There is a password and no user, or what they are encoded from is no text.
    #[error(
        "before the @ must stand USER or USER:PASSWORD, percent-encoded where they have \
         @ : / ? # % or ,"
    )]
    Credentials,
    /// It would end the category of a stream, or be taken for one.
    #[error("namespace must be 1 to {NAMESPACE_MAX} lower-case letters and digits")]
    Namespace,
    /// The server's own setting is never smaller.
    #[error("maxAppendSize must be a number of bytes, at least {APPEND_SIZE_MIN}")]
    AppendSize,
}

impl EventStoreDbSettings {
    /// Reads `esdb://USER:PASSWORD@HOST:2113,...?tls=false&namespace=acme&maxAppendSize=8388608`.
    ///
    /// # Errors
    /// When the client could not use it.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let (address, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut namespace, mut append_size, mut rest) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name.to_ascii_lowercase().as_str() {
                "namespace" => namespace = Some(value.to_owned()),
                "maxappendsize" => {
                    let size = value.parse().ok().filter(|size| *size >= APPEND_SIZE_MIN);
                    append_size = Some(size.ok_or(SettingsError::AppendSize)?);
                }
                "nodepreference" if !value.eq_ignore_ascii_case("leader") => {
                    return Err(SettingsError::NodePreference);
                }
                "keepaliveinterval" | "keepalivetimeout" if !is_within(value, &KEEP_ALIVE) => {
                    return Err(SettingsError::KeepAlive);
                }
                "defaultdeadline" if !is_within(value, &(0..=DEADLINE_MAX)) => {
                    return Err(SettingsError::Deadline);
                }
                _ => rest.push((name, pair)),
            }
        }
        if namespace.as_deref().is_some_and(|name| !is_namespace(name)) {
            return Err(SettingsError::Namespace);
        }
        let (hosts, credentials) = apart(address)?;
        let _: ClientSettings = hosts.parse().map_err(|_| SettingsError::Unreadable)?;
        let known = rest.iter().map(|(name, _)| known(name, query)).collect::<Result<Vec<_>, _>>();
        let known = known?;
        let pairs: Vec<_> = rest.iter().map(|(_, pair)| *pair).collect();
        let client = with(&hosts, &pairs.join("&"));
        let client = client.ok_or_else(|| unreadable(&hosts, &known, &pairs))?;
        let client = match credentials {
            Some((user, password)) => with_credentials(client, user, password)?,
            None => client,
        };
        Ok(Self { client, namespace, append_size })
    }
}

fn with(address: &str, query: &str) -> Option<ClientSettings> {
    let text = if query.is_empty() { address.to_owned() } else { format!("{address}?{query}") };
    text.parse().ok()
}

/// The parameter of this name, as it is written in documents.
fn known(name: &str, query: &str) -> Result<&'static str, SettingsError> {
    if let Some(known) = PARAMETERS.iter().find(|known| known.eq_ignore_ascii_case(name)) {
        return Ok(known);
    }
    // A question mark in a password ends the address, and what is behind it is the password's, also
    // where all of that is percent-encoded.
    if query.contains('@') || query.contains("%40") {
        let name = "what follows the question mark".to_owned();
        return Err(SettingsError::Unknown { name, nearest: None });
    }
    let nearest = nearest(name, PARAMETERS.into_iter());
    Err(SettingsError::Unknown { name: name.to_owned(), nearest })
}

/// What would be a parameter.
fn meant(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("{nearest} is"),
        None => format!("there are {}", PARAMETERS.join(", ")),
    }
}

/// Which parameter it is that the client cannot read: one that it refuses by itself. Only those of
/// a user's certificate are refused without the other.
fn unreadable(address: &str, known: &[&'static str], pairs: &[&str]) -> SettingsError {
    let refused = known.iter().zip(pairs).find(|(name, pair)| {
        !matches!(**name, "userCertFile" | "userKeyFile") && with(address, pair).is_none()
    });
    refused.map_or(SettingsError::Unreadable, |(name, _)| SettingsError::Value(name))
}

impl EventStoreDbSettings {
    /// How the vendor's client is built, with nothing of ours around it: for measuring against it.
    pub fn client(&self) -> ClientSettings {
        self.client.clone()
    }
}

fn is_within(value: &str, range: &RangeInclusive<u64>) -> bool {
    value.parse().is_ok_and(|millis| range.contains(&millis))
}

/// An address without who is named in it, and those. The client is not asked: it takes a part of a
/// password for a host where it has a comma or what begins a fragment.
fn apart(address: &str) -> Result<(String, Option<(String, String)>), SettingsError> {
    let (scheme, rest) = address.split_once("://").ok_or(SettingsError::Unreadable)?;
    let (named, hosts) = rest.rsplit_once('@').map_or((None, rest), |(it, rest)| (Some(it), rest));
    if hosts.contains('#') {
        return Err(SettingsError::Unreadable);
    }
    let decode = |text| {
        let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
        decoded.map(Cow::into_owned).map_err(|_| SettingsError::Credentials)
    };
    let credentials = named.map(|named| {
        let (user, password) = named.split_once(':').unwrap_or((named, ""));
        let user = decode(user)?;
        if user.is_empty() {
            return Err(SettingsError::Credentials);
        }
        Ok((user, decode(password)?))
    });
    Ok((format!("{scheme}://{hosts}"), credentials.transpose()?))
}

/// The client sends both as they stand in an address, encoded. Its settings take them as they are
/// by serde alone, from a format whose numbers are signed.
fn with_credentials(
    client: ClientSettings,
    user: String,
    password: String,
) -> Result<ClientSettings, SettingsError> {
    let named = [("login".to_owned(), user.into()), ("password".to_owned(), password.into())];
    let mut settings = toml::Table::try_from(client).map_err(|_| SettingsError::Unreadable)?;
    settings.insert("default_user_name".to_owned(), toml::Table::from_iter(named).into());
    settings.try_into().map_err(|_| SettingsError::Unreadable)
}

fn is_namespace(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=NAMESPACE_MAX).contains(&name.len()) && name.bytes().all(plain)
}

impl fmt::Debug for EventStoreDbSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStoreDbSettings").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
