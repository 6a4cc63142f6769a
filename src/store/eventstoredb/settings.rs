//! The connection string: the client's own, with `namespace` and `maxAppendSize` of ours.

use std::fmt;

use eventstore::ClientSettings;

/// As long as a namespace may be.
const NAMESPACE_MAX: usize = 32;

/// As long as the connection to a node may say nothing before it is asked, and as long as that may
/// take, in milliseconds.
const KEEP_ALIVE_MAX: u64 = 60_000;

/// What stands in an address as it is, beside letters and digits.
const PLAIN: &str = "-._~!$&'()*+";

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The client cannot read it.
    #[error("no connection string such as esdb://HOST:2113?tls=false")]
    Unreadable,
    /// The client panics at its first call with it.
    #[error("defaultDeadline must be a number of milliseconds; leave it out for none")]
    EndlessDeadline,
    /// What one node decides must be the next to what another wrote, and other nodes lag behind.
    #[error("nodePreference must be leader, for only the leader tells what is; leave it out")]
    NodePreference,
    /// Whoever waits among others' events stays with an answer whose node is gone.
    #[error(
        "keepAliveInterval and keepAliveTimeout must be numbers of milliseconds, at most \
         {KEEP_ALIVE_MAX}: nothing else tells that a node is gone"
    )]
    KeepAlive,
    /// The client sends them as they stand encoded in the address.
    #[error("user and password must be letters, digits and {PLAIN}: its client decodes no others")]
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
                "keepaliveinterval" | "keepalivetimeout" if !is_kept_alive(value) => {
                    return Err(SettingsError::KeepAlive);
                }
                "defaultdeadline" if value.starts_with('-') => {
                    return Err(SettingsError::EndlessDeadline);
                }
                _ => rest.push(pair),
            }
        }
        if namespace.as_deref().is_some_and(|name| !is_namespace(name)) {
            return Err(SettingsError::Namespace);
        }
        if !has_plain_credentials(address) {
            return Err(SettingsError::Credentials);
        }
        let mut plain = address.to_owned();
        if !rest.is_empty() {
            plain = format!("{plain}?{}", rest.join("&"));
        }
        let client = plain.parse().map_err(|_| SettingsError::Unreadable)?;
        Ok(Self { client, namespace, append_size })
    }
}

impl EventStoreDbSettings {
    /// How the vendor's client is built, with nothing of ours around it: for measuring against it.
    pub(crate) fn client(&self) -> ClientSettings {
        self.client.clone()
    }
}

fn is_kept_alive(value: &str) -> bool {
    value.parse().is_ok_and(|millis: u64| millis <= KEEP_ALIVE_MAX)
}

fn has_plain_credentials(address: &str) -> bool {
    let Some((before, _hosts)) = address.rsplit_once('@') else { return true };
    let (_scheme, credentials) = before.split_once("://").unwrap_or(("", before));
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let plain = |letter: char| letter.is_ascii_alphanumeric() || PLAIN.contains(letter);
    user.chars().all(plain) && password.chars().all(plain)
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
