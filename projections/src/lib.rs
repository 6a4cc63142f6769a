//! What can be seen: pure folds over the log, and the one runner that keeps them up to date.
