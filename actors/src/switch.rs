//! Whether something that can need reauthorization works, and what a report means for that.

use events::Fold;
use events::reauthorization::{Command, Event, Reauthorization};
use events::switch::OffCause;

/// Whether something works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// It does.
    On,
    /// It does not.
    Off(OffCause),
}

impl Switch {
    /// How something begins.
    pub(crate) fn new(on: bool) -> Self {
        if on { Self::On } else { Self::Off(OffCause::ByHand) }
    }

    /// Whether it works.
    pub fn is_on(self) -> bool {
        self == Self::On
    }

    /// What it is when somebody wants it so; none where it is so already. What was turned off
    /// because it needs reauthorization can be turned off by hand too, and then stays so.
    pub(crate) fn turned(self, on: bool) -> Option<Self> {
        Some(Self::new(on)).filter(|wanted| *wanted != self)
    }

    /// What a report makes of it; none where it stays. Whatever fails while it needs
    /// reauthorization is turned off, also when somebody had turned it on again; what was turned
    /// off by that comes back with reauthorization.
    pub(crate) fn follows(
        self,
        before: &Reauthorization,
        report: &Command,
        events: &[Event],
    ) -> Option<Self> {
        let mut after = before.clone();
        events.iter().for_each(|event| after.evolve(event));
        let failed = !before.required
            || after.error_count > before.error_count
            || matches!(report, Command::Prompt { reason: _ });
        match self {
            Self::On if after.required && failed => Some(Self::Off(OffCause::Reauthorization)),
            Self::Off(OffCause::Reauthorization) if before.required && !after.required => {
                Some(Self::On)
            }
            Self::On | Self::Off(_) => None,
        }
    }
}
