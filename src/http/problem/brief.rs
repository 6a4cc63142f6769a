//! How much of what a request says its answer says again: answers are kept for whoever repeats a
//! request with its `Idempotency-Key`.

/// As many characters as a text has at most that is answered: more than any of ours.
const TEXT: usize = 2_000;

/// As many of them as stand at its end, where it often says what would do.
const END: usize = 500;

/// As many names as are repeated.
const NAMES: usize = 5;

/// As many characters of each.
const NAME: usize = 50;

/// The text, without its middle where it is long.
pub(super) fn text(text: &str) -> String {
    let count = text.chars().count();
    if count <= TEXT {
        return text.to_owned();
    }
    let begin = text.chars().take(TEXT - END);
    begin.chain(" ... ".chars()).chain(text.chars().skip(count - END)).collect()
}

/// The first of these names, each cut where it is long, and how many more there are: nothing, or
/// ` and 3 more`.
pub(in crate::http) fn few(names: &[&str]) -> (Vec<String>, String) {
    let first = names.iter().take(NAMES).map(|name| match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => (*name).to_owned(),
    });
    let more = names.len().saturating_sub(NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (first.collect(), more)
}

#[cfg(test)]
mod tests;
