//! Cuts a body into lines as it comes.

use bytes::{Bytes, BytesMut};

use crate::http::body::BYTES_MAX;

/// What has come and is not cut yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rest: BytesMut,
    /// As much of it as is known to have no end of a line.
    searched: usize,
    /// The line is too long already: all of it up to its end is passed over.
    skipping: bool,
    ended: bool,
}

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Without its end.
    Whole(Bytes),
    /// It is longer than [`BYTES_MAX`].
    TooLong,
}

impl Lines {
    /// More has come.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
    }

    /// Nothing more comes: what is left is a line too.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// The next whole line.
    pub(super) fn next(&mut self) -> Option<Line> {
        loop {
            let unsearched = &self.rest[self.searched..];
            let Some(end) = unsearched.iter().position(|byte| *byte == b'\n') else {
                return self.at_the_end();
            };
            let line = self.rest.split_to(self.searched + end + 1).freeze();
            self.searched = 0;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            let line = line.slice(..line.len() - 1);
            return Some(if line.len() > BYTES_MAX { Line::TooLong } else { Line::Whole(line) });
        }
    }

    fn at_the_end(&mut self) -> Option<Line> {
        self.searched = self.rest.len();
        if self.skipping {
            self.rest.clear();
            self.searched = 0;
            return None;
        }
        if self.rest.len() > BYTES_MAX {
            self.skipping = true;
            return self.at_the_end().or(Some(Line::TooLong));
        }
        if !self.ended || self.rest.is_empty() {
            return None;
        }
        self.searched = 0;
        Some(Line::Whole(self.rest.split().freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(parts: &[&[u8]]) -> Vec<Line> {
        let mut lines = Lines::default();
        let mut cut = vec![];
        for part in parts {
            lines.push(part);
            cut.extend(std::iter::from_fn(|| lines.next()));
        }
        lines.end();
        cut.extend(std::iter::from_fn(|| lines.next()));
        cut
    }

    fn whole(text: &'static str) -> Line {
        Line::Whole(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn lines_are_cut_wherever_the_parts_end() {
        let expected = vec![whole("one"), whole(""), whole("two"), whole("three")];
        assert_eq!(cut(&[b"one\n\ntwo\nthree"]), expected);
        assert_eq!(cut(&[b"o", b"ne", b"\n", b"\nt", b"wo\nthr", b"ee"]), expected);
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_those_behind_it_are_cut() {
        let part = vec![b'x'; BYTES_MAX / 2 + 1];
        let expected = vec![Line::TooLong, whole("two")];
        assert_eq!(cut(&[&part, &part, &part, b"x\ntwo\n"]), expected);
        let all = [part.as_slice(), part.as_slice(), b"\ntwo"].concat();
        assert_eq!(cut(&[&all]), expected);
        assert_eq!(cut(&[&part, &part, &part]), [Line::TooLong]);
    }
}
