//! Nothing arrives, and nobody is told.

use std::fmt;
use std::time::{Duration, Instant};

use super::{Cut, Direction, Effect, Item, LinkId, Outlet, Spec, Ways, later};

/// Lets nothing pass while connections stay open, as a network that is cut; one way only with
/// [`upstream`](Self::upstream) or [`downstream`](Self::downstream).
///
/// The proxy stops reading: the buffers of the sender's system fill, and then its writes wait. Connecting still works,
/// and nobody is told anything, not even of an end of file. On removal all that was sent arrives in order, as it does
/// when a network heals before TCP gives up.
///
/// One chunk of a direction is still read and kept, which shows that somebody met it. Sides that close or reset are not
/// noticed until removal.
///
/// With [`draining`](Self::draining) it reads and drops instead, so the sender never notices.
///
/// Counts as met: each chunk, and each end of file, that it kept or dropped.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Blackhole {
    draining: bool,
    ways: Ways,
}

has_ways!(Blackhole, both by default);

impl Default for Blackhole {
    fn default() -> Blackhole {
        Blackhole::new()
    }
}

impl Blackhole {
    /// Stops reading, both ways.
    pub fn new() -> Blackhole {
        Blackhole { draining: false, ways: Ways::Both }
    }

    /// Reads and drops what is sent, its end included. Defaults to not reading.
    ///
    /// On removal a connection that lost bytes is reset: behind the hole no byte stands where its receiver expects it.
    pub fn draining(mut self) -> Blackhole {
        self.draining = true;
        self
    }
}

impl fmt::Display for Blackhole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let draining = if self.draining { " draining" } else { "" };
        write!(f, "blackhole{draining} {}", self.ways)
    }
}

impl Spec for Blackhole {
    fn effect(&self, link: &LinkId) -> Option<Box<dyn Effect>> {
        self.ways.include(link.direction).then(|| {
            if self.draining {
                Box::new(Drain::new(Cut::Rst, link.toxic)) as Box<dyn Effect>
            } else {
                Box::new(Hold { met: false })
            }
        })
    }
}

/// Keeps everything.
struct Hold {
    met: bool,
}

impl Effect for Hold {
    fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
        self.met = true;
        out.met();
        out.release(item, later(at, Duration::MAX));
    }

    fn reads(&self) -> bool {
        !self.met
    }
}

/// Drops everything but the cuts of others.
pub(super) struct Drain {
    cut: Cut,
    toxic: u64,
    dropped: bool,
    ended: bool,
}

impl Drain {
    /// Once removed, it ends a connection that lost bytes by `cut`.
    pub(super) fn new(cut: Cut, toxic: u64) -> Drain {
        Drain { cut, toxic, dropped: false, ended: false }
    }
}

impl Effect for Drain {
    fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
        match item {
            Item::Bytes(bytes) => {
                self.dropped = true;
                out.met();
                out.dropped(bytes.len());
            }
            Item::Eof => {
                self.ended = true;
                out.met();
            }
            Item::Cut { .. } => out.release(item, at),
        }
    }

    fn removed(&mut self) -> Option<Item> {
        match (self.dropped, self.ended) {
            (true, _) => Some(Item::Cut { toxic: self.toxic, how: self.cut }),
            (false, true) => Some(Item::Eof),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::toxic::probe::{LINK, NEVER, Probe, chunk};

    #[test]
    fn it_keeps_what_comes_and_reads_no_more() {
        let mut probe = Probe::of(&Blackhole::new());
        assert!(probe.effect.reads(), "or nobody would know that it was met");
        assert_eq!(probe.bytes(b"abc", 1), [chunk(NEVER + 1, b"abc")]);
        assert!(!probe.effect.reads());
        assert_eq!(probe.pass(Item::Eof, 2), [(NEVER + 2, Item::Eof)]);
        assert_eq!((probe.tally.met, probe.tally.dropped), (2, 0));
        assert_eq!(probe.effect.removed(), None);
    }

    #[test]
    fn draining_drops_all_but_the_cuts_of_others_and_ends_what_has_a_hole() {
        let mut probe = Probe::of(&Blackhole::new().draining());
        assert_eq!(probe.effect.removed(), None);
        assert_eq!(probe.pass(Item::Eof, 0), []);
        assert_eq!(probe.effect.removed(), Some(Item::Eof), "nothing was lost but the end");
        assert_eq!(probe.bytes(b"abc", 1), []);
        let cut = || Item::Cut { toxic: 9, how: Cut::Fin };
        assert_eq!(probe.pass(cut(), 2), [(2, cut())]);
        assert!(probe.effect.reads());
        assert_eq!((probe.tally.met, probe.tally.dropped), (2, 3));
        assert_eq!(probe.effect.removed(), Some(Item::Cut { toxic: LINK.toxic, how: Cut::Rst }));
    }

    #[test]
    fn one_way_is_one_way() {
        assert!(Blackhole::new().upstream().effect(&LINK).is_none());
        assert!(Blackhole::new().upstream().effect(&LinkId { direction: Direction::Upstream, ..LINK }).is_some());
    }
}
