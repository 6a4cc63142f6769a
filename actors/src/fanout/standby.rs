//! While another node fans out: subscriptions are folded as far as it has come, so that this one
//! can go on at once.

use std::time::Duration;

use events::{Failure, Record};

use super::checkpoint::Checkpoint;
use super::kept::{self, Folded};
use super::owed::Debtor;
use super::waking::Waking;
use super::{Lead, Progress, RETRY, Worker};
use crate::nodes::Work;

/// How often it is looked how far the other node has come.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Worker {
    /// Waits until this node is the one to fan out; none when it shall stop. How far it was when
    /// it ended, and the subscriptions of a moment that is not behind that.
    pub(super) async fn stand_by(
        &mut self,
        mut known: Option<Folded>,
    ) -> Option<(Checkpoint, Folded, Lead)> {
        let mut share = self.ledgers.share().clone();
        let mut wait = RETRY.0;
        let mut waking = None;
        loop {
            let turn = share.turn();
            let (checkpoint, folded) = match self.begin(&mut known).await {
                Ok(beginning) => beginning,
                Err(failure) => {
                    if self.fail(&failure, &mut wait).await.is_break() {
                        return None;
                    }
                    continue;
                }
            };
            wait = RETRY.0;
            let lead = self.leading.begin();
            if share.works(Work::Fanout) {
                return Some((checkpoint, folded, lead));
            }
            drop(lead);
            let paid = checkpoint.saved.clone();
            let mut debtor = Debtor::new(self.store.clone(), paid, folded);
            let followed = self.follow(&checkpoint, &mut debtor, &mut waking).await;
            known = Some(debtor.into_folded());
            if let Err(failure) = followed {
                if self.fail(&failure, &mut wait).await.is_break() {
                    return None;
                }
                continue;
            }
            let position = checkpoint.saved.position;
            self.progress.send_replace(Progress { position, caught_up: true, failing: None });
            tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => return None,
                () = share.turned(turn) => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// The checkpoint as it is, and subscriptions that are not beyond it: those that are known, or
    /// those that were kept.
    async fn begin(&self, known: &mut Option<Folded>) -> Result<(Checkpoint, Folded), Failure> {
        let checkpoint = Checkpoint::load(&*self.store).await?;
        let start = checkpoint.saved.start();
        let folded = match known.take().filter(|folded| folded.position <= start) {
            Some(folded) => folded,
            None => kept::load(&self.snapshots, &*self.store, start).await?,
        };
        Ok((checkpoint, folded))
    }

    /// Folds up to the checkpoint, and wakes the ledgers that are worked here.
    async fn follow(
        &self,
        checkpoint: &Checkpoint,
        debtor: &mut Debtor,
        waking: &mut Option<Waking>,
    ) -> Result<(), Failure> {
        let start = checkpoint.saved.start();
        while debtor.folded().position < start {
            let page = self.store.follow(debtor.folded().position).await?;
            let within = page.iter().take_while(|record| record.position <= start).count();
            let within: &[Record] = &page[..within];
            if within.is_empty() {
                break;
            }
            // Everything up to there is paid: it owes nothing.
            debtor.debts(within).await?;
        }
        let (turn, count) = (self.ledgers.share().turn(), debtor.endpoints().count());
        if waking.as_ref().is_none_or(|waking| waking.is_over(turn, count)) {
            *waking = Some(self.wake(debtor));
        }
        Ok(())
    }
}
