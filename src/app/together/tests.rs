use std::cell::Cell;

use tokio::task::yield_now;

use super::*;

#[tokio::test]
async fn who_comes_before_a_question_is_asked_shares_its_answer_and_who_comes_later_does_not() {
    let (together, asked) = (Together::default(), Cell::new(0));
    let ask = || {
        together.ask(async {
            asked.set(asked.get() + 1);
            let answer = asked.get();
            yield_now().await;
            answer
        })
    };
    let answers = tokio::join!(ask(), ask(), ask(), ask());
    assert_eq!(answers, (1, 2, 2, 2), "the first is under way when the others come");
    assert_eq!(ask().await, 3);
}
