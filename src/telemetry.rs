//! Log lines, on standard error: text on a terminal, else JSON, one object a line.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::TryInitError;

use crate::config::LogFormat;

/// EventStoreDB's client calls an error what its adapter contains, and tells by itself.
const DEFAULT: &str = "info,kurrentdb=off";

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum NoTelemetry {
    /// The filter cannot be read.
    #[error("{0:?} is no filter such as info or relink=debug,hyper=warn")]
    Filter(String),
    /// Somebody else logs already.
    #[error("log lines already go elsewhere")]
    Taken(#[from] TryInitError),
}

/// Starts logging for the whole process what `RELINK_LOG` names, or `info`.
///
/// # Errors
/// When the filter cannot be read, or this is the second call.
pub fn start(format: LogFormat, filter: Option<&str>) -> Result<(), NoTelemetry> {
    use tracing_subscriber::util::SubscriberInitExt;

    let filter = self::filter(filter)?;
    let terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(terminal)
        .with_writer(std::io::stderr);
    if as_json(format, terminal) {
        lines.json().flatten_event(true).with_current_span(false).finish().try_init()?;
    } else {
        lines.finish().try_init()?;
    }
    Ok(())
}

fn as_json(format: LogFormat, terminal: bool) -> bool {
    match format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    }
}

/// The filter that is set. A word that is no level would name a module, and silence all others.
fn filter(set: Option<&str>) -> Result<EnvFilter, NoTelemetry> {
    let unreadable = || NoTelemetry::Filter(set.unwrap_or_default().to_owned());
    if let Some(word) = set.filter(|text| !text.contains(['=', ',', '['])) {
        let word = word.trim();
        if !word.is_empty() {
            word.parse::<LevelFilter>().map_err(|_| unreadable())?;
        }
    }
    let text = set.filter(|text| !text.trim().is_empty()).unwrap_or(DEFAULT);
    EnvFilter::try_new(text).map_err(|_| unreadable())
}

/// Whether a text names what is logged.
///
/// # Errors
/// When it does not.
pub fn check(text: &str) -> Result<(), NoTelemetry> {
    filter(Some(text)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_follows_the_terminal_unless_it_is_set() {
        assert!(!as_json(LogFormat::Auto, true));
        assert!(as_json(LogFormat::Auto, false));
        assert!(!as_json(LogFormat::Text, false));
        assert!(as_json(LogFormat::Json, true));
    }

    #[test]
    fn the_level_is_info_unless_it_is_set() {
        assert_eq!(filter(None).unwrap().to_string(), "kurrentdb=off,info");
        assert_eq!(filter(Some("")).unwrap().to_string(), "kurrentdb=off,info");
        assert_eq!(filter(Some("warn,relink=debug")).unwrap().to_string(), "relink=debug,warn");
        assert!(filter(Some("relink=loud")).is_err());
        assert!(filter(Some("nonsense")).is_err(), "no level, and no module either");
        assert_eq!(filter(Some("debug")).unwrap().to_string(), "debug");
    }
}
