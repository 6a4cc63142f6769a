use super::*;

#[test]
fn a_token_is_named_by_its_number_or_by_itself_and_never_said_again() {
    assert!(matches!("7".parse(), Ok(Which::Number(TokenId(7)))));
    let token = tokens::generate();
    assert!(matches!(token.parse(), Ok(Which::Hash(hash)) if hash == tokens::hash(&token)));
    let refused = token[1..].parse::<Which>().unwrap_err();
    assert_eq!(refused, "it is neither a number nor a token");
}
