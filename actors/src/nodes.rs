//! Several nodes on one log: who is there, and which of them works what.
//!
//! Every node says again and again that it lives, and whom it counts in. Work is divided by
//! hashing among those that count; a node that comes begins only when all others have let go of
//! its part, and a node that falls silent is counted out before its part is taken over. No clock
//! is compared with another's: each node measures by its own how long ago it heard of the others.

mod listener;
mod share;
mod table;

use std::sync::Arc;
use std::time::Duration;

use events::Failure;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::ports::{NodeId, Roster};
use crate::tireless::tireless;

pub use listener::Listener;
pub use share::{Division, Peer, Share, Work};
use table::Table;

/// How often a node says that it lives.
pub const RENEW_EVERY: Duration = Duration::from_secs(3);

/// A node that was not heard of for so long is counted out.
pub const SILENT_FOR: Duration = Duration::from_secs(9);

/// A node that could not say that it lives for so long begins nothing more: earlier than anybody
/// can count it out.
const VALID_FOR: Duration = Duration::from_secs(6);

/// How often a node listens to the others.
const LISTEN_EVERY: Duration = Duration::from_millis(500);

/// Others that say something in between.
const RACES_MAX: usize = 8;

/// As long as the last word may take.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// Whether nothing is under way any more that belongs to somebody else in this division.
pub type LetGo = Arc<dyn Fn(&Division) -> bool + Send + Sync>;

/// This node among the others.
#[derive(Clone)]
pub struct Nodes {
    roster: Arc<dyn Roster>,
    table: Table,
    division: watch::Sender<Division>,
}

/// It at work; the last word is said by [`Member::leave`].
pub struct Member {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Nodes {
    /// A node that has not said anything yet, and its share of the work: none so far.
    pub fn new(roster: Arc<dyn Roster>, me: NodeId, name: String) -> (Self, Share) {
        let table = Table::new(me, name);
        let (division, share) = watch::channel(table.division());
        (Self { roster, table, division }, Share::new(share))
    }

    /// Joins the others; one that falls over comes again as one that has heard nothing yet.
    pub fn start(self, let_go: LetGo) -> Member {
        let (stop, stopped) = watch::channel(false);
        let begin = move || self.clone().run(let_go.clone(), stopped.clone());
        let task = tokio::spawn(tireless("the node", LISTEN_EVERY, begin, || ()));
        Member { stop, task }
    }

    async fn run(mut self, let_go: LetGo, mut stop: watch::Receiver<bool>) {
        let mut failing = false;
        loop {
            let done = tokio::select! {
                biased;
                // The log may keep it waiting longer than there is time for leaving.
                _ = stop.wait_for(|stop| *stop) => break,
                done = self.listen_and_say(&let_go) => done,
            };
            match &done {
                Ok(()) => {}
                Err(failure) if !failing => {
                    tracing::warn!("the other nodes are not heard of: {failure}");
                }
                Err(_) => {}
            }
            failing = done.is_err();
            self.publish();
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                () = sleep(LISTEN_EVERY) => {}
            }
        }
        self.leave().await;
    }

    /// Says what is due, with all in mind that was said before.
    async fn listen_and_say(&mut self, let_go: &LetGo) -> Result<(), Failure> {
        let mut races = 0;
        loop {
            for (revision, word) in self.roster.heard(self.table.behind()).await? {
                self.table.hear(revision, word, Instant::now());
            }
            let now = Instant::now();
            self.table.count_out(now);
            self.publish();
            let let_go = let_go(&self.table.division());
            let Some(word) = self.table.to_say(now, let_go) else { return Ok(()) };
            match self.roster.say(self.table.behind(), word.clone()).await {
                Ok(revision) => {
                    self.table.said(revision, word, now);
                    return Ok(());
                }
                Err(Failure::Conflict { .. }) if races < RACES_MAX => races += 1,
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Who follows it is told only of what matters to them.
    fn publish(&self) {
        let division = self.table.division();
        self.division.send_if_modified(|known| {
            let now = Instant::now();
            let same = known.is_as(&division, now);
            let turn = if same { known.turn } else { known.turn + 1 };
            *known = Division { turn, ..division };
            !same
        });
    }

    /// So that the others need not wait.
    async fn leave(&mut self) {
        let leaving = async {
            for _ in 0..RACES_MAX {
                for (revision, word) in self.roster.heard(self.table.behind()).await? {
                    self.table.hear(revision, word, Instant::now());
                }
                match self.roster.say(self.table.behind(), self.table.last_word()).await {
                    Err(Failure::Conflict { .. }) => {}
                    Ok(_) => return Ok(()),
                    Err(failure) => return Err(failure),
                }
            }
            Ok(())
        };
        match timeout(LEAVE_WITHIN, leaving).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => tracing::warn!("the other nodes are not told that it leaves"),
        }
    }
}

impl Member {
    /// Says that it is gone. Everything must have been let go of before.
    pub async fn leave(self) {
        self.stop.send_replace(true);
        // One that falls over at its last word is begun anew, and would say it for ever.
        let mut task = self.task;
        if timeout(2 * LEAVE_WITHIN, &mut task).await.is_err() {
            task.abort();
            tracing::error!("the node goes without saying so");
        }
    }
}

#[cfg(test)]
mod tests;
