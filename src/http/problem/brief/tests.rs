use super::*;

#[test]
fn a_long_text_is_told_without_its_middle() {
    assert_eq!(text("Url is invalid"), "Url is invalid");
    let long = format!("unknown field `{}`, expected `name`", "ä".repeat(1 << 20));
    let told = text(&long);
    assert_eq!(told.chars().count(), TEXT + " ... ".len());
    assert!(told.starts_with("unknown field `ä") && told.ends_with("ä`, expected `name`"));
}

#[test]
fn of_many_names_a_few_are_told_and_none_of_them_whole_that_is_long() {
    assert_eq!(few(&["one", "two"]), (vec!["one".to_owned(), "two".to_owned()], String::new()));
    let long = "ä".repeat(NAME + 1);
    let (names, more) = few(&[long.as_str(); 9]);
    assert_eq!(names, vec![format!("{}...", "ä".repeat(NAME)); NAMES]);
    assert_eq!(more, " and 4 more");
}
