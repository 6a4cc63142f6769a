use events::delivery::AttemptClass;

use super::*;

#[test]
fn a_word_for_the_shell_is_one_word_whatever_is_in_it() {
    assert_eq!(quoted("a b"), "'a b'");
    assert_eq!(quoted("it's $HOME `x`"), r"'it'\''s $HOME `x`'");
}

#[test]
fn only_a_url_that_names_an_address_tells_where_it_led() {
    assert_eq!(literal("https://93.184.215.14/hook").as_deref(), Some("93.184.215.14:443"));
    assert_eq!(literal("http://[::1]:8080/").as_deref(), Some("[::1]:8080"));
    assert_eq!(literal("https://example.com/hook"), None);
}

#[test]
fn every_class_of_failure_has_a_hint() {
    for class in AttemptClass::ALL.iter().copied() {
        assert_eq!(hint(class).is_none(), class == AttemptClass::Ok, "{class:?}");
    }
}
