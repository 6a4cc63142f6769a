//! Which streams are ours, and what the server calls them.

use events::{Category, StreamName};
use eventstore::SubscriptionFilter;

/// As many events as the server looks at in one step of a read: unless it is told, it looks at 32.
/// It sends nothing before it finds one of ours.
const WINDOW: u32 = 10_000;

/// Between our streams' names and the server's.
pub(super) struct Names {
    /// `acme_`, or nothing. No category has an underscore, so no namespace reads another's streams.
    prefix: String,
}

impl Names {
    pub(super) fn new(namespace: Option<&str>) -> Self {
        Self { prefix: namespace.map_or_else(String::new, |namespace| format!("{namespace}_")) }
    }

    /// As the settings name it.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.prefix.strip_suffix('_')
    }

    /// The server's name of a stream of ours.
    pub(super) fn on_server(&self, stream: &StreamName) -> String {
        format!("{}{stream}", self.prefix)
    }

    /// Where the log begins is told by a stream beside it, which is ours by its name also where no
    /// namespace is.
    pub(super) fn mark(&self) -> StreamName {
        StreamName::from_log(if self.prefix.is_empty() { "relink_begin" } else { "begin" })
    }

    /// Our name of a stream of the server; none when it is not ours.
    pub(super) fn ours(&self, name: &str) -> Option<StreamName> {
        let name = name.strip_prefix(&self.prefix)?;
        let (category, _) = name.split_once('-')?;
        let known = Category::ALL.iter().any(|one| one.as_str() == category);
        known.then(|| StreamName::from_log(name))
    }

    /// The same for the many names of a page.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { names: self, last: None }
    }

    /// Lets the server leave out its own events and everybody else's.
    pub(super) fn filter(&self) -> SubscriptionFilter {
        let all = SubscriptionFilter::on_stream_name().max(WINDOW);
        Category::ALL.iter().fold(all, |filter, category| {
            filter.add_prefix(format!("{}{}-", self.prefix, category.as_str()))
        })
    }
}

/// Reads names, of which one often follows itself.
pub(super) struct Reader<'a> {
    names: &'a Names,
    last: Option<StreamName>,
}

impl Reader<'_> {
    /// As [`Names::ours`].
    pub(super) fn ours(&mut self, name: &str) -> Option<StreamName> {
        let again = name.strip_prefix(&self.names.prefix).zip(self.last.as_ref());
        if let Some((_, last)) = again.filter(|(name, last)| *name == last.as_str()) {
            return Some(last.clone());
        }
        let ours = self.names.ours(name)?;
        Some(self.last.insert(ours).clone())
    }
}

#[cfg(test)]
mod tests;
