use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use events::{EndpointId, Revision, StreamName, WebhookId};
use futures_core::future::BoxFuture;
use uuid::Uuid;

use super::*;
use crate::ports::{Said, Word};

/// What is said, in one order; a lid on it for each node.
#[derive(Default)]
struct Talk(Mutex<Vec<Word>>);

/// One node's way to it.
struct Line {
    talk: Arc<Talk>,
    open: watch::Receiver<bool>,
}

impl Line {
    fn failing(&self) -> Result<(), Failure> {
        let reason = || "the test says so".into();
        if *self.open.borrow() { Ok(()) } else { Err(Failure::Unavailable { reason: reason() }) }
    }
}

impl Talk {
    fn words(&self) -> Vec<Word> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Roster for Line {
    fn heard(&self, behind: Option<Revision>) -> BoxFuture<'_, Result<Vec<Said>, Failure>> {
        Box::pin(async move {
            self.failing()?;
            let words = self.talk.words().into_iter().enumerate();
            let words = words.map(|(nth, word)| (Revision(nth as u64), Some(word)));
            Ok(words.filter(|(revision, _)| behind < Some(*revision)).collect())
        })
    }

    fn say(
        &self,
        behind: Option<Revision>,
        word: Word,
    ) -> BoxFuture<'_, Result<Revision, Failure>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.failing()?;
            let mut words = self.talk.0.lock().unwrap_or_else(PoisonError::into_inner);
            let current = words.len().checked_sub(1).map(|last| Revision(last as u64));
            if current != behind {
                let stream = StreamName::from_log("nodes");
                return Err(Failure::Conflict { stream, current });
            }
            words.push(word);
            Ok(Revision(words.len() as u64 - 1))
        })
    }
}

/// A log that never answers.
struct Silence;

impl Roster for Silence {
    fn heard(&self, _: Option<Revision>) -> BoxFuture<'_, Result<Vec<Said>, Failure>> {
        Box::pin(std::future::pending())
    }

    fn say(&self, _: Option<Revision>, _: Word) -> BoxFuture<'_, Result<Revision, Failure>> {
        Box::pin(std::future::pending())
    }
}

struct Node {
    share: Share,
    open: watch::Sender<bool>,
    /// Whether what belongs to others has been let go of.
    let_go: watch::Sender<bool>,
    member: Member,
}

fn join(talk: &Arc<Talk>, number: u128) -> Node {
    let (open, opened) = watch::channel(true);
    let (let_go, has_let_go) = watch::channel(true);
    let line = Line { talk: talk.clone(), open: opened };
    let (nodes, share) =
        Nodes::new(Arc::new(line), NodeId(Uuid::from_u128(number)), number.to_string());
    let member = nodes.start(Arc::new(move |_| *has_let_go.borrow()));
    Node { share, open, let_go, member }
}

fn all() -> impl Iterator<Item = Work> {
    (1..=200).map(|number| Work::Ledger(EndpointId::Webhook(WebhookId(number))))
}

fn worked(node: &Node) -> usize {
    all().filter(|work| node.share.works(*work)).count()
}

/// Nothing is worked by two.
fn nobody_twice(nodes: &[&Node]) {
    for work in all() {
        let workers = nodes.iter().filter(|node| node.share.works(work)).count();
        assert!(workers <= 1, "{work} is worked by {workers}");
    }
}

async fn pass_watched(time: Duration, nodes: &[&Node]) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        sleep(Duration::from_millis(20)).await;
        nobody_twice(nodes);
    }
}

/// The first words that are said here make whoever hears them fall over.
struct Trap(Line, AtomicBool);

impl Roster for Trap {
    fn heard(&self, behind: Option<Revision>) -> BoxFuture<'_, Result<Vec<Said>, Failure>> {
        assert!(behind.is_none() || self.1.swap(true, Ordering::SeqCst), "the test says so");
        self.0.heard(behind)
    }

    fn say(
        &self,
        behind: Option<Revision>,
        word: Word,
    ) -> BoxFuture<'_, Result<Revision, Failure>> {
        self.0.say(behind, word)
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_fell_over_works_everything_again() {
    let (_open, opened) = watch::channel(true);
    let talk = Arc::<Talk>::default();
    let trap = Trap(Line { talk: talk.clone(), open: opened }, AtomicBool::new(false));
    let (nodes, share) = Nodes::new(Arc::new(trap), NodeId(Uuid::from_u128(1)), "one".into());
    let member = nodes.start(Arc::new(|_| true));
    sleep(Duration::from_secs(60)).await;
    assert!(all().all(|work| share.works(work)));
    member.leave().await;
    assert!(talk.words().last().unwrap().leaves);
}

#[tokio::test(start_paused = true)]
async fn a_node_alone_works_everything_at_once() {
    let node = join(&Arc::default(), 1);
    sleep(Duration::from_millis(20)).await;
    assert_eq!(worked(&node), 200);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(worked(&node), 200);
}

#[tokio::test(start_paused = true)]
async fn two_nodes_divide_the_work_and_neither_has_what_is_the_others() {
    let talk = Arc::default();
    let one = join(&talk, 1);
    sleep(Duration::from_secs(1)).await;
    let two = join(&talk, 2);
    pass_watched(Duration::from_secs(2), &[&one, &two]).await;
    assert_eq!(worked(&one) + worked(&two), 200);
    assert!((50..150).contains(&worked(&one)), "{}", worked(&one));
}

#[tokio::test(start_paused = true)]
async fn nodes_that_come_at_the_same_moment_divide_the_work_too() {
    let talk = Arc::default();
    let nodes: Vec<_> = (1..=5).map(|number| join(&talk, number)).collect();
    let nodes: Vec<_> = nodes.iter().collect();
    pass_watched(Duration::from_secs(5), &nodes).await;
    assert_eq!(nodes.iter().map(|node| worked(node)).sum::<usize>(), 200);
}

#[tokio::test(start_paused = true)]
async fn who_comes_waits_until_the_others_have_let_go_of_its_part() {
    let talk = Arc::default();
    let one = join(&talk, 1);
    sleep(Duration::from_secs(1)).await;
    one.let_go.send_replace(false);
    let two = join(&talk, 2);
    pass_watched(Duration::from_secs(20), &[&one, &two]).await;
    assert_eq!(worked(&two), 0);
    assert!((50..150).contains(&worked(&one)), "it begins nothing of what it lets go of");
    one.let_go.send_replace(true);
    pass_watched(Duration::from_secs(2), &[&one, &two]).await;
    assert_eq!(worked(&one) + worked(&two), 200);
}

#[tokio::test(start_paused = true)]
async fn when_a_node_dies_the_other_goes_on_within_twelve_seconds() {
    let talk = Arc::default();
    let (one, two) = (join(&talk, 1), join(&talk, 2));
    pass_watched(Duration::from_secs(5), &[&one, &two]).await;
    two.member.task.abort();
    sleep(Duration::from_secs(12)).await;
    assert_eq!(worked(&one), 200);
    assert_eq!(worked(&two), 0);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_leaves_is_not_waited_for() {
    let talk = Arc::default();
    let (one, two) = (join(&talk, 1), join(&talk, 2));
    sleep(Duration::from_secs(5)).await;
    two.member.leave().await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(worked(&one), 200);
}

#[tokio::test(start_paused = true)]
async fn who_is_cut_off_has_stopped_before_another_takes_over_and_comes_back() {
    let talk = Arc::default();
    let (one, two) = (join(&talk, 1), join(&talk, 2));
    pass_watched(Duration::from_secs(5), &[&one, &two]).await;
    two.open.send_replace(false);
    pass_watched(Duration::from_secs(15), &[&one, &two]).await;
    assert_eq!((worked(&one), worked(&two)), (200, 0));
    two.open.send_replace(true);
    pass_watched(Duration::from_secs(3), &[&one, &two]).await;
    assert_eq!(worked(&one) + worked(&two), 200);
    assert!(worked(&two) > 0);
}

#[tokio::test(start_paused = true)]
async fn when_the_log_was_away_for_all_none_believes_itself_alone() {
    let talk = Arc::default();
    let (one, two) = (join(&talk, 1), join(&talk, 2));
    pass_watched(Duration::from_secs(5), &[&one, &two]).await;
    for node in [&one, &two] {
        node.open.send_replace(false);
    }
    pass_watched(Duration::from_secs(60), &[&one, &two]).await;
    assert_eq!((worked(&one), worked(&two)), (0, 0));
    for node in [&one, &two] {
        node.open.send_replace(true);
    }
    pass_watched(Duration::from_secs(4), &[&one, &two]).await;
    assert_eq!(worked(&one) + worked(&two), 200);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_killed_and_comes_again_under_its_name_goes_on_at_once() {
    let talk = Arc::default();
    let one = join(&talk, 1);
    sleep(Duration::from_secs(1)).await;
    one.member.task.abort();
    let again = join(&talk, 1);
    sleep(Duration::from_millis(20)).await;
    assert_eq!(worked(&again), 200);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_grows_slowly() {
    let talk: Arc<Talk> = Arc::default();
    let (_one, _two) = (join(&talk, 1), join(&talk, 2));
    sleep(Duration::from_secs(60)).await;
    let said = talk.words().len();
    assert!((38..=46).contains(&said), "{said} words in a minute");
}

#[tokio::test(start_paused = true)]
async fn a_log_that_never_answers_keeps_no_node_from_leaving() {
    let id = NodeId(Uuid::from_u128(1));
    let (nodes, _share) = Nodes::new(Arc::new(Silence), id, "one".into());
    let member = nodes.start(Arc::new(|_| true));
    tokio::task::yield_now().await;
    timeout(2 * LEAVE_WITHIN, member.leave()).await.expect("it leaves");
}
