//! Waiting for a server that has much of others to look at before it finds a record of ours. It
//! sends nothing meanwhile, and whoever asks again lets it begin anew; so the patient stay with the
//! same answer for as long as the server answers another question.

use std::future::Future;
use std::pin::pin;

use eventstore::{Client, Error, ReadStream, RecordedEvent};
use tokio::time::{Instant, timeout_at};

use super::READ_WITHIN;
use super::fill::{End, Filled, next_by};
use super::read::last_on_server;

/// How long a reader waits for the next record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Until its deadline: then somebody is told that the log is not available.
    Briefly,
    /// For the first record as long as it takes. A page that has some may be short, for its reader
    /// goes on asking.
    ForFirst,
    /// For each record of the page as long as it takes.
    ForAll,
}

/// One that waits.
pub(super) struct Waiting<'a> {
    client: &'a Client,
    wait: Wait,
    since: Instant,
    by: Instant,
}

impl<'a> Waiting<'a> {
    pub(super) fn new(client: &'a Client, wait: Wait, by: Instant) -> Self {
        Self { client, wait, since: Instant::now(), by }
    }

    pub(super) fn client(&self) -> &'a Client {
        self.client
    }

    /// The answer to a question: it opens with its first record.
    pub(super) async fn opened(
        &mut self,
        opening: impl Future<Output = Result<ReadStream, Error>>,
    ) -> Result<ReadStream, Error> {
        let mut opening = pin!(opening);
        loop {
            match timeout_at(self.by, &mut opening).await {
                Ok(opened) => return opened,
                Err(_) => self.wait_on().await?,
            }
        }
    }

    /// So many records of it, or fewer where it has ended.
    pub(super) async fn page<T>(
        &mut self,
        events: &mut ReadStream,
        limit: usize,
        find: &mut impl FnMut(RecordedEvent) -> Option<(T, usize)>,
    ) -> Result<Filled<T>, Error> {
        let mut filled = Filled::new();
        loop {
            filled.fill(events, limit, find, self.by).await?;
            let is_enough = match filled.end {
                End::Full | End::Ended => true,
                End::Late => self.wait == Wait::ForFirst && !filled.page.is_empty(),
            };
            if is_enough {
                return Ok(filled);
            }
            self.wait_on().await?;
        }
    }

    async fn wait_on(&mut self) -> Result<(), Error> {
        match self.wait {
            Wait::Briefly => return Err(Error::DeadlineExceeded),
            Wait::ForFirst | Wait::ForAll => {}
        }
        answers(self.client, next_by()).await?;
        tracing::info!(
            "EventStoreDB has been looking for records of this log among others' for {} s",
            self.since.elapsed().as_secs()
        );
        self.by = Instant::now() + READ_WITHIN;
        Ok(())
    }
}

/// Whether the server answers a question that needs no looking for: then it has no troubles.
pub(super) async fn answers(client: &Client, by: Instant) -> Result<(), Error> {
    let asked = async { client.read_all(&last_on_server()).await?.next().await.map(drop) };
    timeout_at(by, asked).await.unwrap_or(Err(Error::DeadlineExceeded))
}
