//! Which word was meant.

/// The known word that is most like this one, whatever their letters' case; none where each is
/// another word, more than a third of it.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(&known.to_ascii_lowercase(), &word);
    let (distance, known) = known.map(|known| (distance(known), known)).min_by_key(|it| it.0)?;
    let longer = known.chars().count().max(word.chars().count());
    (distance <= longer / 3).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_meant_for_the_one_that_is_most_like_it() {
        let known = || ["tls", "tlsVerifyCert", "namespace"].into_iter();
        assert_eq!(nearest("tlss", known()), Some("tls"));
        assert_eq!(nearest("TLSVERIFICERT", known()), Some("tlsVerifyCert"));
        assert_eq!(nearest("tls", std::iter::empty()), None);
    }

    #[test]
    fn another_word_is_meant_for_none() {
        for word in ["hunter2", "a", "", "spacename", "verify"] {
            assert_eq!(nearest(word, ["tls", "tlsVerifyCert", "namespace"].into_iter()), None);
        }
    }
}
