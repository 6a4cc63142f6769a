//! Versions of what a `PUT` changes, in HTTP's own words (RFC 9110, 8.8.3 and 13.1).

use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use super::problem::Problem;

/// The header of an answer that says which version it shows.
pub fn of(version: u32) -> [(HeaderName, String); 1] {
    [(ETAG, format!("\"{version}\""))]
}

/// What a request says must hold before anything is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    None,
    /// It is one of these versions (`If-Match: "7"`).
    Version(Vec<u32>),
    /// It is there (`If-Match: *`).
    There,
    /// It is not there (`If-None-Match: *`).
    Absent,
}

impl Precondition {
    /// Whether it holds for something of this version; 0 is that of what is not there.
    pub fn holds(&self, version: u32) -> bool {
        match self {
            Self::None => true,
            Self::Version(wanted) => version != 0 && wanted.contains(&version),
            Self::There => version != 0,
            Self::Absent => version == 0,
        }
    }

    /// Whether it may hold still where something else than the version it held for is there by now.
    pub fn may_hold_again(&self) -> bool {
        match self {
            Self::None | Self::There => true,
            Self::Version(_) | Self::Absent => false,
        }
    }

    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let text = |name: &HeaderName| headers.get(name).map(|it| it.to_str().unwrap_or("").trim());
        let unreadable =
            |name: &str| Problem::Malformed(format!("{name} has neither * nor an ETag of ours"));
        match (text(&IF_MATCH), text(&IF_NONE_MATCH)) {
            (None, None) => Ok(Self::None),
            (Some("*"), None) => Ok(Self::There),
            (None, Some("*")) => Ok(Self::Absent),
            (Some(tags), None) => versions(tags).map(Self::Version).ok_or(unreadable("If-Match")),
            (None, Some(_)) => Err(unreadable("If-None-Match")),
            (Some(_), Some(_)) => {
                Err(Problem::Malformed("If-Match and If-None-Match exclude each other".to_owned()))
            }
        }
    }
}

/// One that is weak never matches; one that was never ours neither.
fn versions(tags: &str) -> Option<Vec<u32>> {
    let mut versions = vec![];
    for tag in tags.split(',').map(str::trim) {
        let strong = tag.strip_prefix("W/").is_none();
        let inner = tag.trim_start_matches("W/").strip_prefix('"')?.strip_suffix('"')?;
        versions.extend(inner.parse::<u32>().ok().filter(|_| strong));
    }
    Some(versions)
}

impl<S: Sync> FromRequestParts<S> for Precondition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(&parts.headers)
    }
}

#[cfg(test)]
mod tests;
