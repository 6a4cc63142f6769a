//! Tasks that nobody waits for: one that falls over is begun anew, so that none ends unnoticed.

use std::time::Duration;

use tokio::task::JoinSet;

/// Carries a task out for as long as it goes on by itself. Each time it falls over that is said
/// aloud, `fell` hears of it, and it is begun anew so long after.
pub async fn tireless<F>(
    what: &str,
    after: Duration,
    mut begin: impl FnMut() -> F,
    mut fell: impl FnMut(),
) where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        // Whose tasks end with it.
        let mut task = JoinSet::new();
        task.spawn(begin());
        match task.join_next().await {
            None | Some(Ok(())) => return,
            Some(Err(panic)) => {
                tracing::error!("{what} fell over and is begun anew: {panic}");
                fell();
                tokio::time::sleep(after).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
