use super::*;

#[test]
fn a_token_is_a_prefix_and_43_characters_that_never_repeat() {
    let (one, other) = (generate(), generate());
    assert!(one.starts_with(PREFIX));
    assert_eq!(one.len(), PREFIX.len() + 43);
    assert_ne!(one, other);
}

#[test]
fn a_token_is_known_by_its_hash() {
    let token = generate();
    assert!(same(&hash(&token), &hash(&token)));
    assert!(!same(&hash(&token), &hash(&generate())));
}

#[test]
fn the_hash_is_sha_256() {
    assert_eq!(hash("abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
}
