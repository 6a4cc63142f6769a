//! Where each setting is looked for, and in which order.

use std::path::PathBuf;
use std::time::Duration;

use toml::{Table, Value};

use super::{Args, LogFormat, Mistake, Mistakes, Settings, StoreSetting, read};

/// The environment variables. A key of the file is its variable in lower case, without `RELINK_`.
const VARIABLES: [&str; 21] = [
    "RELINK_LISTEN",
    "RELINK_DATA",
    "RELINK_STORE",
    "RELINK_NODE",
    "RELINK_ADMIN_TOKEN",
    "RELINK_SECRET_KEY",
    "RELINK_NEW_SECRET_KEY",
    "ENABLE_INBOX_EVENTS",
    "RELINK_RETRY_SCHEDULE",
    "RELINK_WEBHOOK_TIMEOUT",
    "RELINK_ALLOW_PRIVATE",
    "RELINK_SMTP_URL",
    "RELINK_MAIL_FROM",
    "RELINK_FRONTEND_URL",
    "RELINK_LOG",
    "RELINK_LOG_FORMAT",
    "RELINK_DELIVERY_CONCURRENCY",
    "RELINK_ENDPOINT_CONCURRENCY",
    "RELINK_DISABLE_AFTER",
    "RELINK_RETENTION",
    "RELINK_MAILBOX_LIMIT",
];

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Standard Webhooks' example, which spans three days; `RELINK_RETRY_SCHEDULE`.
const RETRY_SCHEDULE_SECONDS: [u64; 9] =
    [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// The variables among these that look like ours and are none: misspelt ones, most likely. Those of
/// our tests are not told, nor what Kubernetes sets for a service that is called `relink`.
pub fn unknown(names: impl Iterator<Item = String>) -> Vec<String> {
    let others = ["RELINK_CONFIG", "RELINK_PORT"];
    let prefixes = ["RELINK_TEST_", "RELINK_PORT_", "RELINK_SERVICE_"];
    let is_unknown = |name: &String| {
        name.starts_with("RELINK_")
            && !VARIABLES.iter().chain(&others).any(|known| known == name)
            && !prefixes.iter().any(|prefix| name.starts_with(prefix))
    };
    let mut unknown: Vec<_> = names.filter(is_unknown).collect();
    unknown.sort();
    unknown
}

/// All variables that are settings, but for those that say where settings are.
pub fn variables() -> impl Iterator<Item = &'static str> {
    VARIABLES.into_iter()
}

/// The text of the settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What it is called in messages.
    pub name: String,
    /// Its content, TOML.
    pub text: String,
}

/// The settings from all sources; the environment is asked through `variable`.
///
/// # Errors
/// All mistakes of all sources.
pub fn resolve(
    args: &Args,
    variable: impl Fn(&str) -> Option<String>,
    file: Option<&File>,
) -> Result<Settings, Mistakes> {
    resolve_opening(&[], args, variable, file)
}

/// The same, for who is about to open the keys that these variables name: one that cannot be read
/// is a mistake too.
pub(super) fn resolve_opening(
    keys: &[&str],
    args: &Args,
    variable: impl Fn(&str) -> Option<String>,
    file: Option<&File>,
) -> Result<Settings, Mistakes> {
    let mut sources = Sources::new(&variable, file);
    let key = |name| if keys.contains(&name) { read::readable_key } else { read::secret_key };
    let settings = Settings {
        listen: sources
            .flag("--listen", args.listen.as_deref(), "RELINK_LISTEN", read::listen)
            .unwrap_or_else(|| ([127, 0, 0, 1], 4000).into()),
        data: sources
            .flag("--data", args.data.as_deref(), "RELINK_DATA", read::folder)
            .unwrap_or_else(|| PathBuf::from("./data")),
        store: sources
            .flag("--store", args.store.as_deref(), "RELINK_STORE", read::store)
            .unwrap_or(StoreSetting::Embedded),
        node: sources.find("RELINK_NODE", read::node),
        admin_token: sources.find("RELINK_ADMIN_TOKEN", read::admin_token),
        secret_key: sources.find("RELINK_SECRET_KEY", key("RELINK_SECRET_KEY")),
        new_secret_key: sources.find("RELINK_NEW_SECRET_KEY", key("RELINK_NEW_SECRET_KEY")),
        inbox_events: sources.find_even_empty("ENABLE_INBOX_EVENTS", read::switch).unwrap_or(false),
        retry_schedule: sources
            .find("RELINK_RETRY_SCHEDULE", read::schedule)
            .unwrap_or_else(|| RETRY_SCHEDULE_SECONDS.map(Duration::from_secs).to_vec()),
        webhook_timeout: sources
            .find("RELINK_WEBHOOK_TIMEOUT", read::timeout)
            .unwrap_or(Duration::from_secs(15)),
        allow_private: sources
            .find_even_empty("RELINK_ALLOW_PRIVATE", read::networks)
            .unwrap_or_default(),
        mail: super::mail::resolve(&mut sources),
        log: sources.find("RELINK_LOG", read::log),
        log_format: sources.find("RELINK_LOG_FORMAT", read::log_format).unwrap_or(LogFormat::Auto),
        delivery_concurrency: sources
            .find("RELINK_DELIVERY_CONCURRENCY", read::limit)
            .unwrap_or(256),
        endpoint_concurrency: sources.find("RELINK_ENDPOINT_CONCURRENCY", read::limit).unwrap_or(8),
        disable_after: sources
            .find("RELINK_DISABLE_AFTER", read::span)
            .unwrap_or(Duration::from_secs(5 * 24 * HOUR)),
        retention: sources
            .find("RELINK_RETENTION", read::retention)
            .unwrap_or(Some(Duration::from_secs(30 * 24 * HOUR))),
        mailbox_limit: sources.find("RELINK_MAILBOX_LIMIT", read::limit).unwrap_or(1024),
    };
    if sources.mistakes.is_empty() { Ok(settings) } else { Err(Mistakes(sources.mistakes)) }
}

pub(super) struct Sources<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    file: &'a str,
    table: Table,
    mistakes: Vec<Mistake>,
}

impl<'a> Sources<'a> {
    fn new(variable: &'a dyn Fn(&str) -> Option<String>, file: Option<&'a File>) -> Self {
        let (name, text) = file.map_or(("", ""), |file| (file.name.as_str(), file.text.as_str()));
        let mut sources = Self { variable, file: name, table: Table::new(), mistakes: Vec::new() };
        match text.parse() {
            Ok(table) => sources.table = table,
            // The message alone: the error's full form quotes the line, which may hold a secret.
            Err(error) => {
                let error: toml::de::Error = error;
                let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
                let problem = format!("line {line} is no TOML: {}", error.message());
                sources.mistakes.push(Mistake { key: name.to_owned(), problem });
            }
        }
        let unknown = |key: &&String| !VARIABLES.iter().any(|one| file_key(one) == **key);
        let unknown: Vec<_> = sources.table.keys().filter(unknown).cloned().collect();
        for key in unknown {
            let known = VARIABLES.map(file_key).join(", ");
            let problem = format!("there is no such setting; there are {known}");
            sources.mistake(format!("{key} in {name}"), problem);
        }
        sources
    }

    pub(super) fn mistake(&mut self, key: String, problem: String) {
        self.mistakes.push(Mistake { key, problem });
    }

    fn flag<T>(
        &mut self,
        flag: &str,
        given: Option<&str>,
        variable: &str,
        read: fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        match given {
            Some(text) => self.read(flag.to_owned(), text, read),
            None => self.find(variable, read),
        }
    }

    /// An empty variable is as good as none: compose files set it so where nobody chose a value.
    pub(super) fn find<T>(
        &mut self,
        variable: &str,
        read: fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.look(variable, true, read)
    }

    /// A variable of Chatwoot's environment, which no file of ours has.
    pub(super) fn theirs<T>(
        &mut self,
        variable: &str,
        read: fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = (self.variable)(variable).filter(|text| !text.trim().is_empty())?;
        self.read(variable.to_owned(), &text, read)
    }

    /// For settings whose empty value means something.
    fn find_even_empty<T>(
        &mut self,
        variable: &str,
        read: fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.look(variable, false, read)
    }

    fn look<T>(
        &mut self,
        variable: &str,
        skip_empty: bool,
        read: fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let set = (self.variable)(variable);
        if let Some(text) = set.filter(|text| !(skip_empty && text.trim().is_empty())) {
            return self.read(variable.to_owned(), &text, read);
        }
        let key = file_key(variable);
        let value = self.table.get(&key)?;
        let place = format!("{key} in {}", self.file);
        match text_of(value) {
            Some(text) => self.read(place, &text, read),
            None => {
                let problem = format!("{} is not expected here; write a text", value.type_str());
                self.mistake(place, problem);
                None
            }
        }
    }

    fn read<T>(
        &mut self,
        key: String,
        text: &str,
        read: fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        read(text.trim()).map_err(|problem| self.mistake(key, problem)).ok()
    }
}

fn file_key(variable: &str) -> String {
    variable.strip_prefix("RELINK_").unwrap_or(variable).to_ascii_lowercase()
}

/// A value of the file as the environment would have it; lists are written with commas there.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(switch) => Some(switch.to_string()),
        Value::Array(values) => {
            let texts: Option<Vec<_>> = values.iter().map(|one| one.as_str()).collect();
            texts.map(|texts| texts.join(","))
        }
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}
