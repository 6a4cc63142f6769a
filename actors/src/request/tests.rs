use events::{KeyId, Sealed};

use super::*;
use crate::aggregate::Next;
use crate::testing::{NOON, fresh, given};

const RECEIVED: Received = Received { fingerprint: [1; 32] };

fn answered(status: u16) -> Answered {
    let body = Sealed { key: KeyId([0; 8]), nonce: [0; 24], text: vec![] };
    Answered { status, content_type: "application/json".into(), body }
}

#[test]
fn a_request_is_received_once() {
    fresh::<Request>()
        .when(Command::Receive { fingerprint: [1; 32] })
        .then([RECEIVED])
        .and_when(Command::Receive { fingerprint: [1; 32] })
        .then_nothing()
        .then_owes(NOON, &Next::Idle);
}

#[test]
fn a_key_is_good_for_one_body() {
    given::<Request>([RECEIVED])
        .when(Command::Receive { fingerprint: [2; 32] })
        .then_refused(&Rejection::OtherBody);
}

#[test]
fn the_first_answer_stands() {
    given::<Request>([RECEIVED])
        .when(Command::Answer(answered(201)))
        .then([answered(201)])
        .and_when(Command::Answer(answered(422)))
        .then_nothing();
}

#[test]
fn a_repetition_is_told_what_the_first_was_told() {
    let history = [Event::from(RECEIVED), answered(201).into()];
    let request = given::<Request>(history);
    let again = Command::Receive { fingerprint: [1; 32] };
    assert_eq!(request.state().answer(&again), Some(answered(201)));
    request.when(again).then_nothing();
}

#[test]
fn a_repetition_that_comes_before_the_answer_is_told_none() {
    let request = given::<Request>([RECEIVED]);
    assert_eq!(request.state().answer(&Command::Receive { fingerprint: [1; 32] }), None);
}
