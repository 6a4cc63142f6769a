//! Why something is turned off: who turned it off decides what may turn it on again.

use crate::words;

words! {
    /// Why something does not work.
    pub enum OffCause {
        /// Somebody wanted it so.
        ByHand = "by_hand",
        /// It needs reauthorization.
        Reauthorization = "reauthorization",
    }
}
