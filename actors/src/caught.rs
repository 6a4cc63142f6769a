//! A future that falls over ends like any other: with a value.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, resume_unwind};

use futures_util::FutureExt;

/// What it fell over with.
pub struct Panic(Box<dyn Any + Send>);

impl Panic {
    /// Falls over with it once more.
    pub fn go_on(self) -> ! {
        resume_unwind(self.0)
    }
}

/// What it said, where it said anything.
impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let formatted = self.0.downcast_ref::<String>().map(String::as_str);
        let said = formatted.or_else(|| self.0.downcast_ref::<&str>().copied());
        f.write_str(said.unwrap_or_default())
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Panic({:?})", self.to_string())
    }
}

/// Runs it to its end, which may be a panic. What has panicked must not be looked at again: what it
/// held is dropped with it, and what others see of it is to be behind locks of their own.
///
/// # Errors
/// The panic.
pub async fn caught<F: Future>(running: F) -> Result<F::Output, Panic> {
    AssertUnwindSafe(running).catch_unwind().await.map_err(Panic)
}

#[cfg(test)]
mod tests;
