//! Server-sent events, cut where they end and otherwise left as they are.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};

/// The longest event.
const LONGEST: usize = 16 * 1024 * 1024;

/// An event longer than we hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// Cuts what arrives into whole events. What follows the last blank line waits for its rest.
#[derive(Debug, Default)]
pub struct Frames {
    pending: BytesMut,
}

impl Frames {
    /// The whole events of what waits and what arrives, together, with the blank line after each.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn whole(&mut self, arrived: Bytes) -> Result<Bytes, TooLong> {
        // Mostly an event arrives whole: then nothing is copied.
        if self.pending.is_empty() {
            let mut arrived = arrived;
            let end = last_end(&arrived, 0);
            let whole = arrived.split_to(end);
            self.hold(&arrived)?;
            return Ok(whole);
        }
        // What waits holds no end of an event: only in what arrives can one be.
        let before = self.pending.len();
        self.hold(&arrived)?;
        let end = last_end(&self.pending, before);
        Ok(self.pending.split_to(end).freeze())
    }

    fn hold(&mut self, rest: &[u8]) -> Result<(), TooLong> {
        if self.pending.len().saturating_add(rest.len()) > LONGEST {
            return Err(TooLong);
        }
        self.pending.extend_from_slice(rest);
        Ok(())
    }

    /// Does something wait for its rest?
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.pending.trim_ascii().is_empty()
    }
}

/// Where the last whole event ends that ends at or after a place; 0 where there is none.
fn last_end(bytes: &[u8], from: usize) -> usize {
    for newline in memchr::memrchr_iter(b'\n', bytes.get(from..).unwrap_or_default()).map(|at| at + from) {
        let before = bytes.get(..newline).unwrap_or_default();
        let before = before.strip_suffix(b"\r").unwrap_or(before);
        if before.ends_with(b"\n") || before.is_empty() {
            return newline + 1;
        }
    }
    0
}

/// The events of whole ones: each with the blank line after it.
pub fn each(whole: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = whole;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len();
        for newline in memchr::memchr_iter(b'\n', rest) {
            let line = rest.get(..newline).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() || line.ends_with(b"\n") {
                end = newline + 1;
                break;
            }
        }
        let (event, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        rest = after;
        Some(event)
    })
}

/// The data of an event; of one that has several `data` lines, all of them, as clients put them together. None of a
/// comment.
#[must_use]
pub fn data(event: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut lines = event.split(|byte| *byte == b'\n').filter_map(|line| {
        let data = line.strip_prefix(b"data:")?;
        Some(data.strip_suffix(b"\r").unwrap_or(data))
    });
    let first = lines.next()?;
    let Some(second) = lines.next() else { return Some(Cow::Borrowed(first.trim_ascii())) };
    let mut all = first.trim_ascii().to_vec();
    for line in std::iter::once(second).chain(lines) {
        all.push(b'\n');
        all.extend_from_slice(line.trim_ascii());
    }
    Some(Cow::Owned(all))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn events_are_cut_at_blank_lines() {
        let text = b"data: a\n\n: comment\n\nevent: x\r\ndata: b\r\n\r\ndata: c\n";
        let end = last_end(text, 0);
        assert_eq!(&text[end..], b"data: c\n");
        let events: Vec<_> = each(&text[..end]).collect();
        assert_eq!(events, [&b"data: a\n\n"[..], b": comment\n\n", b"event: x\r\ndata: b\r\n\r\n"]);
        let found: Vec<_> = events.into_iter().map(data).collect();
        assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), [Some(&b"a"[..]), None, Some(b"b")]);
        let several = data(b"event: x\ndata: {\"a\":\r\ndata: 1}\r\n\r\n");
        assert_eq!(several.as_deref(), Some(&b"{\"a\":\n1}"[..]));
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_or_moved(pieces in proptest::collection::vec("(data: [a-c]{0,9}(\r\n|\n)|\r\n|\n|[a-d:]{1,5}){0,6}", 0..12)) {
            let mut frames = Frames::default();
            let mut out = Vec::new();
            for piece in &pieces {
                let whole = frames.whole(Bytes::copy_from_slice(piece.as_bytes())).unwrap();
                prop_assert_eq!(each(&whole).map(<[u8]>::len).sum::<usize>(), whole.len());
                out.extend_from_slice(&whole);
            }
            out.extend_from_slice(&frames.pending);
            prop_assert_eq!(out, pieces.concat().into_bytes());
        }
    }
}
