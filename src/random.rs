//! Chance, from the operating system.

/// Bytes that nobody can guess.
///
/// # Panics
/// When the operating system gives none: nothing that needs them may go on then.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
