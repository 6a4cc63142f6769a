use clap::Parser;

use super::*;
use crate::cli::{self, Cli};

#[test]
fn a_token_is_named_by_its_number_or_by_itself_and_never_said_again() {
    assert!(matches!("7".parse(), Ok(Which::Number(TokenId(7)))));
    let token = tokens::generate();
    assert!(matches!(token.parse(), Ok(Which::Hash(hash)) if hash == tokens::hash(&token)));
    let refused = token[1..].parse::<Which>().unwrap_err();
    assert_eq!(refused, "TOKEN is neither a number nor a token");
}

/// What is typed, as far as the command that gets it.
fn typed(which: &str) -> Result<Which, Stop> {
    let cli = Cli::try_parse_from(["relink", "token", "revoke", which]);
    let command = cli.unwrap_or_else(|refused| panic!("{refused}")).command;
    let cli::Command::Token(Command::Revoke { which }) = command else { panic!("{command:?}") };
    named(&which)
}

#[test]
fn blanks_around_a_token_are_no_part_of_it() {
    let token = tokens::generate();
    for text in [format!(" {token}"), format!("{token}\n")] {
        assert!(matches!(typed(&text), Ok(Which::Hash(hash)) if hash == tokens::hash(&token)));
    }
    assert!(matches!(typed(" 7 "), Ok(Which::Number(TokenId(7)))));
}

#[test]
fn a_mistyped_token_is_bad_usage_and_never_said_again() {
    let token = tokens::generate();
    let cut = &token[1..];
    for text in [cut.to_owned(), format!("x{token}"), format!("--{token}"), format!("-{token}")] {
        let stop = typed(&text).unwrap_err();
        assert_eq!(stop.status(), 2);
        let said = format!("{:#}", stop.error());
        assert_eq!(said, "TOKEN is neither a number nor a token");
    }
    let help = Cli::try_parse_from(["relink", "token", "revoke", "--help"]).unwrap_err();
    assert!(help.to_string().contains("Its number, or the token itself"), "{help}");
}
