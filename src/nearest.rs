//! Which word was meant.

/// The known word that is most like this one, whatever their letters' case.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let distance = |known: &&str| strsim::damerau_levenshtein(&known.to_ascii_lowercase(), &word);
    known.min_by_key(distance)
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
}
