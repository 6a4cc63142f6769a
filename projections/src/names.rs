//! Names that many entries share, kept once.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Stands for a name in the [`Names`] that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Name(u32);

/// Each name once, in the order of first use.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Names {
    texts: Vec<Box<str>>,
    places: HashMap<Box<str>, Name>,
}

impl Names {
    /// What stands for this text.
    pub(crate) fn name(&mut self, text: &str) -> Name {
        if let Some(name) = self.places.get(text) {
            return *name;
        }
        let place = u32::try_from(self.texts.len()).expect("four billion names fill any memory");
        self.texts.push(text.into());
        self.places.insert(text.into(), Name(place));
        Name(place)
    }

    /// The text that it stands for.
    pub(crate) fn text(&self, name: Name) -> &str {
        self.texts.get(name.0 as usize).map_or("", |text| text)
    }
}
