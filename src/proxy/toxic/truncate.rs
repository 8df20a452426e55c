//! A message arrives in part.

use std::fmt;
use std::time::Instant;

use super::{Cut, Direction, Effect, Item, LinkId, Outlet, Spec, Ways};

/// Cuts one message short: of the next chunk that is longer than `n` bytes only the first `n` arrive, and then the
/// connection is closed with an end of file (FIN) on both sides.
///
/// A chunk is what one read of the proxy gave. A message that its sender writes at once, of up to 64 KiB, is one chunk
/// as a rule; a slow network or a longer message makes several. Chunks of at most `n` bytes pass unchanged.
///
/// To cut at a place of the stream that does not depend on reads, use [`Limit`](crate::proxy::Limit).
///
/// Counts as met: each connection that it closed.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Truncate {
    to: u64,
    ways: Ways,
}

has_ways!(Truncate, downstream by default);

impl Truncate {
    /// Lets so many bytes arrive of the next message that the server sends and that is longer. With 0 it is lost
    /// altogether.
    pub fn to(bytes: u64) -> Truncate {
        Truncate { to: bytes, ways: Ways::One(Direction::Downstream) }
    }
}

impl fmt::Display for Truncate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "truncate to {} bytes {}", self.to, self.ways)
    }
}

impl Spec for Truncate {
    fn misses(&self) -> &'static str {
        "no chunk was longer than what it lets pass"
    }

    fn effect(&self, link: &LinkId) -> Option<Box<dyn Effect>> {
        let knife = Knife { to: self.to, toxic: link.toxic, done: false };
        self.ways.include(link.direction).then(|| Box::new(knife) as Box<dyn Effect>)
    }
}

/// Waits for a chunk of one link that is long enough; swallows all behind it.
struct Knife {
    to: u64,
    toxic: u64,
    done: bool,
}

impl Effect for Knife {
    fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
        let mut bytes = match item {
            Item::Bytes(bytes) if self.done => return out.dropped(bytes.len()),
            Item::Bytes(bytes) if bytes.len() as u64 > self.to => bytes,
            _ if self.done => return,
            other => return out.release(other, at),
        };
        self.done = true;
        // It fits, since it is below the length of the chunk.
        let to = self.to as usize;
        out.dropped(bytes.len() - to);
        bytes.truncate(to);
        if to > 0 {
            out.release(Item::Bytes(bytes), at);
        }
        // The connection counts the meeting when it carries this out.
        out.release(Item::Cut { toxic: self.toxic, how: Cut::Fin }, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::toxic::probe::{LINK, Probe, chunk};

    #[test]
    fn the_next_longer_chunk_is_cut_and_nothing_follows() {
        let mut probe = Probe::of(&Truncate::to(3));
        assert_eq!(probe.bytes(b"abc", 1), [chunk(1, b"abc")]);
        let cut = (2, Item::Cut { toxic: LINK.toxic, how: Cut::Fin });
        assert_eq!(probe.bytes(b"defgh", 2), [chunk(2, b"def"), cut]);
        assert_eq!(probe.bytes(b"i", 3), []);
        assert_eq!(probe.pass(Item::Eof, 3), []);
        assert_eq!(probe.tally.dropped, 3);
    }

    #[test]
    fn a_message_can_be_lost_altogether() {
        let mut probe = Probe::of(&Truncate::to(0));
        assert_eq!(probe.bytes(b"abc", 1), [(1, Item::Cut { toxic: LINK.toxic, how: Cut::Fin })]);
        let mut probe = Probe::of(&Truncate::to(u64::MAX));
        assert_eq!(probe.pass(Item::Eof, 1), [(1, Item::Eof)]);
    }
}
