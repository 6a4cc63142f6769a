//! The table of provider errors, read once.

use std::collections::HashMap;
use std::sync::LazyLock;

use events::evidence::{Class, Scope, Verdict};

use super::pattern::{Key, Pattern, patterns};

/// The version of the table, recorded with every error that was classified by it. Changing the
/// table means to raise it.
pub const VERSION: u32 = 2;

const TEXT: &str = include_str!("provider-errors.tsv");

static TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::read(TEXT).expect("a test reads the same table"));

pub(super) fn table() -> &'static Table {
    &TABLE
}

/// All rules.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    providers: HashMap<&'static str, Rules>,
    by_name: HashMap<String, usize>,
}

/// One rule.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) provider: &'static str,
    pub(super) patterns: Vec<Pattern>,
    pub(super) verdict: Verdict,
    pub(super) advice: Advice,
}

/// What a row tells people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// What the error means.
    pub meaning: &'static str,
    /// What to do about it.
    pub action: &'static str,
    /// Where that is known from; `docs/provider-errors.md` says which is which.
    pub source: &'static str,
    /// Whether it was found in public documentation; what is only common knowledge was not.
    pub confirmed: bool,
}

/// The rules of one provider.
#[derive(Debug, Default)]
struct Rules {
    exact: HashMap<Key<'static>, Vec<Candidate>>,
    ranges: Vec<(u32, u32, usize)>,
}

#[derive(Debug)]
struct Candidate {
    row: usize,
    said: Vec<&'static str>,
}

/// A row that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {line} of the table of provider errors: {problem}")]
pub(super) struct BadRow {
    line: usize,
    problem: String,
}

impl Table {
    pub(super) fn read(text: &'static str) -> Result<Self, BadRow> {
        let mut table =
            Self { rows: Vec::new(), providers: HashMap::new(), by_name: HashMap::new() };
        for (index, line) in text.lines().enumerate().skip(1) {
            let row = row(line).map_err(|problem| BadRow { line: index + 1, problem })?;
            table
                .add(row)
                .map_err(|key| BadRow { line: index + 1, problem: format!("{key:?} is taken") })?;
        }
        Ok(table)
    }

    fn add(&mut self, row: Row) -> Result<(), Key<'static>> {
        let number = self.rows.len();
        let rules = self.providers.entry(row.provider).or_default();
        for Pattern { key, said } in &row.patterns {
            if let Key::Range(first, last) = key {
                rules.ranges.push((*first, *last, number));
                continue;
            }
            let candidates = rules.exact.entry(key.clone()).or_default();
            // What depends on words is tried before what matches whatever is said.
            let at = if said.is_empty() { candidates.len() } else { 0 };
            if said.is_empty() && candidates.last().is_some_and(|last| last.said.is_empty()) {
                return Err(key.clone());
            }
            candidates.insert(at, Candidate { row: number, said: said.clone() });
        }
        self.by_name.extend(row.verdict.rule.clone().map(|rule| (rule, number)));
        self.rows.push(row);
        Ok(())
    }

    /// The row that a verdict names as its rule.
    pub(super) fn named(&self, rule: &str) -> Option<&Row> {
        self.by_name.get(rule).map(|row| &self.rows[*row])
    }

    /// The row of this provider under this key, where `said` is the message in lower case.
    pub(super) fn exact(&self, provider: &str, key: &Key<'_>, said: &str) -> Option<&Row> {
        let candidates = self.providers.get(provider)?.candidates(key)?;
        let fits = |one: &&Candidate| {
            one.said.is_empty() || one.said.iter().any(|phrase| said.contains(phrase))
        };
        candidates.iter().find(fits).map(|one| &self.rows[one.row])
    }

    /// The row of this provider whose range holds this code.
    pub(super) fn range(&self, provider: &str, code: u32) -> Option<&Row> {
        let ranges = &self.providers.get(provider)?.ranges;
        let holds = |(first, last, _): &&(u32, u32, usize)| (*first..=*last).contains(&code);
        ranges.iter().find(holds).map(|(_, _, row)| &self.rows[*row])
    }
}

impl Rules {
    fn candidates<'a>(&'a self, key: &Key<'a>) -> Option<&'a [Candidate]> {
        self.exact.get(key).map(Vec::as_slice)
    }
}

fn row(line: &'static str) -> Result<Row, String> {
    let cells: Vec<_> = line.split('\t').collect();
    let [provider, code, meaning, class_word, scope_word, action, source] = cells[..] else {
        return Err(format!("{} columns instead of 7", cells.len()));
    };
    let patterns = patterns(provider, code);
    if patterns.is_empty() {
        return Err(format!("the code {code:?} cannot be read"));
    }
    let class = class(class_word).ok_or_else(|| format!("there is no class {class_word:?}"))?;
    let scope = scope(scope_word).ok_or_else(|| format!("there is no scope {scope_word:?}"))?;
    let rule = Some(format!("{provider} {code}"));
    let confirmed = source.split('+').all(|part| part != "K");
    let advice = Advice { meaning, action, source, confirmed };
    Ok(Row { provider, patterns, verdict: Verdict { class, scope, rule }, advice })
}

/// The table's words for classes. What Relink does about its own deliveries (`DISABLE`,
/// `SECURITY`) is, seen as evidence, somebody's wrong set-up.
fn class(word: &str) -> Option<Class> {
    match word {
        "AUTH" | "AUTH?" => Some(Class::Auth),
        "PERM" => Some(Class::Permission),
        "DISABLE" | "SECURITY" => Some(Class::Config),
        word => word.to_ascii_lowercase().parse().ok(),
    }
}

fn scope(word: &str) -> Option<Scope> {
    match word {
        "business" => Some(Scope::Account),
        "endpoint" => Some(Scope::Destination),
        word => word.parse().ok(),
    }
}
