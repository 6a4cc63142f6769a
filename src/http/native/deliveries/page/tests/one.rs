//! One delivery of a long ledger: shown, skipped and parked as it is, and not as it was.

use super::far::{failed, write_all};
use super::*;
use crate::http::testing::Answer;

async fn ask(service: &Service, number: u128, verb: &str) -> Answer {
    let path = format!("1/deliveries/{}/{verb}", id(number));
    timeout(DEADLINE, service.call("POST", &path, "")).await.expect(&path)
}

#[tokio::test]
async fn one_that_was_given_up_far_behind_its_first_end_is_shown_and_told_as_given_up() {
    // Given one that was taken, brought back more than a page later, and given up unattempted
    let tries = (0..PAGE_MAX as u32 + 4).map(|nth| failed(1, nth + 1));
    let service = service([]).await;
    let told: Vec<_> = [queued(0), taken(0), queued(1)].into_iter().chain(tries).collect();
    write_all(&service, &told).await;
    write_at(&service, 60, [again(0), given_up(0)]).await;
    assert!(is_known(&service, 0));
    // Then that is its end, wherever one asks
    let shown = service.call("GET", &format!("1/deliveries/{}", id(0)), "").await.json();
    let told = (&shown["status"], &shown["finished_at"]);
    assert_eq!(told, (&json!("abandoned"), &json!(second(60))));
    assert_eq!(shown["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(ask(&service, 0, "skip").await.status, 200);
    let parked = ask(&service, 0, "park").await;
    assert_eq!(parked.status, 409);
    assert!(parked.text.contains("is abandoned already"), "{}", parked.text);
}

#[tokio::test]
async fn whoever_asks_of_what_the_view_does_not_know_reads_its_ledger_in_a_place() {
    let store = Arc::new(Staged::default());
    let service = over(store.clone(), [queued(0), taken(0), queued(1), given_up(1)]).await;
    // The ledger's actor has read it.
    assert_eq!(ask(&service, 1, "skip").await.status, 200);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    store.answer(move |stream, _| {
        let is_meant = *stream == ledger_of_webhook();
        is_meant.then(|| {
            count.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::pending()) as _
        })
    });
    // Given as many as there are places for, whose ledger does not answer
    let unknown = [7, 8].map(|number| format!("1/deliveries/{}", id(number)));
    let reading = unknown.each_ref().map(|path| service.call("GET", path, ""));
    let [first, second] = reading;
    let (mut first, mut second) = (Box::pin(first), Box::pin(second));
    while asked.load(Ordering::Relaxed) < 2 {
        tokio::select! {
            biased;
            answer = first.as_mut() => panic!("{answer:?}"),
            answer = second.as_mut() => panic!("{answer:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    // Then nobody else reads it for such a one
    tokio::time::pause();
    for verb in ["skip", "park"] {
        assert_eq!(ask(&service, 9, verb).await.status, 429, "{verb}");
    }
    for path in [format!("1/deliveries/{}", id(9)), format!("1/deliveries/{}/explain", id(9))] {
        let told = timeout(DEADLINE, service.call("GET", &path, "")).await.expect(&path);
        assert_eq!(told.status, 429, "{path}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    // And what the view knows to be over is told without reading
    for (number, verb, status) in
        [(0, "skip", 409), (0, "park", 409), (1, "skip", 200), (1, "park", 409)]
    {
        assert_eq!(ask(&service, number, verb).await.status, status, "{number} {verb}");
    }
}

#[tokio::test]
async fn what_is_brought_back_while_it_is_skipped_or_parked_is_not_told_as_done() {
    let service = service([queued(0), given_up(0)]).await;
    assert_eq!(ask(&service, 0, "skip").await.status, 200, "its actor is awake");
    write(&service, [again(0)]).await;
    let before = service.app.store.head().await.unwrap();
    for verb in ["skip", "park"] {
        let told = ask(&service, 0, verb).await;
        assert_eq!((told.status, told.json()["code"].clone()), (409, json!("conflict")), "{verb}");
        assert!(told.text.contains("brought back"), "{verb}: {}", told.text);
    }
    assert_eq!(service.app.store.head().await.unwrap(), before);
}

#[tokio::test]
async fn whoever_skips_or_parks_may_say_how_new_the_view_must_be() {
    let service = service([queued(0), taken(0)]).await;
    for verb in ["skip", "park"] {
        let told = ask(&service, 0, &format!("{verb}?consistent_to=soon")).await;
        assert_eq!(told.status, 400, "{verb}: {told:?}");
        let head = service.app.store.head().await.unwrap();
        let told = ask(&service, 0, &format!("{verb}?consistent_to={}", head.0)).await;
        assert_eq!(told.status, 409, "{verb}: {told:?}");
    }
}

#[tokio::test]
async fn what_retention_removed_is_neither_skipped_nor_parked() {
    let service = service([queued(0), given_up(0), queued(1), taken(1), queued(2)]).await;
    let trim = Trim { before: Revision(4), summed_at: second(1), at: second(60) };
    write_at(&service, 60, [Trimmed { trim, outcomes: vec![] }.into()]).await;
    service.app.store.truncate(&ledger_of_webhook(), Revision(4)).await.unwrap();
    for (number, verb) in [(0, "skip"), (0, "park"), (1, "skip"), (1, "park")] {
        let told = ask(&service, number, verb).await;
        assert_eq!((told.status, told.json()["code"].clone()), (410, json!("removed")), "{verb}");
    }
}
