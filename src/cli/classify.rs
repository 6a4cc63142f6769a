//! `relink classify`: what a provider's answer would be taken for.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::{Stop, out};
use crate::providers::{self, TABLE_VERSION};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The answer: a raw HTTP answer, its body, a line of a mail server, or a report as JSON;
    /// - or nothing reads standard input
    file: Option<PathBuf>,
    /// Whose answer it is, where it does not say so itself
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Prints JSON instead of text
    #[arg(long)]
    json: bool,
}

/// No answer of a provider is longer.
const BYTES_MAX: u64 = 1 << 20;

pub(super) fn run(args: &Args) -> Result<(), Stop> {
    let text = read(args).map_err(Stop::Usage)?;
    let evidence = providers::from_file(&text, args.provider.as_deref());
    let evidence = evidence.map_err(|bad| Stop::Usage(bad.into()))?;
    let verdict = providers::classify(&evidence);
    let row = verdict.rule.as_deref().and_then(providers::row);
    let shown = json!({
        "class": verdict.class.as_str(),
        "scope": verdict.scope.as_str(),
        "rule": verdict.rule,
        "counts": verdict.counts(),
        "blocks": events::reauthorization::blocks(verdict.class),
        "meaning": row.map(|row| row.meaning),
        "action": row.map(|row| row.action),
        "source": row.map(|row| row.source),
        "confirmed": row.map(|row| row.confirmed),
        "table": TABLE_VERSION,
        "provider": evidence.provider,
        "status": evidence.status,
        "code": evidence.code,
        "subcode": evidence.subcode,
        "message": evidence.message,
    });
    if verdict.rule.is_none() {
        eprintln!(
            "relink: no row of the table is this answer: its code or status in general decides"
        );
    }
    let provider = evidence.provider.as_deref();
    if let Some((provider, known)) = provider.and_then(|it| Some((it, providers::others_than(it)?)))
    {
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        eprintln!("relink: the table knows no provider {provider:?}; there are {known}");
    }
    if args.json { out::line(format_args!("{shown:#}")) } else { out::line(as_text(&shown)) }
}

fn read(args: &Args) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    match args.file.as_ref().filter(|file| file.as_os_str() != "-") {
        Some(file) => {
            let open = std::fs::File::open(file);
            let open = open.with_context(|| format!("cannot read {}", file.display()))?;
            open.take(BYTES_MAX).read_to_end(&mut bytes)
        }
        None => std::io::stdin().lock().take(BYTES_MAX).read_to_end(&mut bytes),
    }
    .context("the answer cannot be read")?;
    ensure!(!bytes.trim_ascii().is_empty(), "there is nothing to classify: the answer is empty");
    ensure!(!bytes.contains(&0), "the answer is no text: it holds a zero byte");
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// One line each, without what is not known.
fn as_text(shown: &Value) -> String {
    let line = |(name, value): (&String, &Value)| match value {
        Value::Null => None,
        Value::String(text) => Some(format!("{name:<10} {text}")),
        Value::Bool(yes) => Some(format!("{name:<10} {}", if *yes { "yes" } else { "no" })),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Some(format!("{name:<10} {value}"))
        }
    };
    shown.as_object().into_iter().flatten().filter_map(line).collect::<Vec<_>>().join("\n")
}
